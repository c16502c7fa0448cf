//! Symbolic computation: trees of tiny nodes are built and torn down, and every step of an evaluation allocates a few temporaries that live for some
//! hundred instructions (Zorn and Grunwald, "Empirical measurements of six allocation-intensive C programs", 1992; the trees are those of Ellis,
//! Kovac and Boehm's GCBench). Provers, algebra systems and interpreters do this.
//!
//! Decided by the instructions per call and, because the trees are walked, by how densely small objects of one size lie.

use crate::calls::Calls;
use crate::fail::fail;
use crate::own::Own;
use crate::run::Run;
use crate::team::{Member, Outcome, team};

struct Node {
    left: Option<Own<Node>>,
    right: Option<Own<Node>>,
    value: u64,
}

/// A number of a few digits, as an evaluation computes them.
type Temporary = [u64; 2];

const DEPTH: u32 = 12;
/// The depth of a tree that stays.
const DEPTH_OF_OLD: u32 = 15;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let trees = run.turns(run.pick(2, 600, 6_000));
    team::<C>(run, |member| {
        member.measured(|member| {
            let old = build(member, DEPTH_OF_OLD);
            (0..trees).for_each(|_| one(member));
            expect(member, old, DEPTH_OF_OLD);
        });
        (trees as u64) * 2 * nodes(DEPTH) + nodes(DEPTH_OF_OLD)
    })
}

fn one<C: Calls>(member: &mut Member<C>) {
    let tree = build(member, DEPTH);
    expect(member, tree, DEPTH);
}

/// Builds a tree. Every node holds the number of nodes of its subtree.
fn build<C: Calls>(member: &mut Member<C>, depth: u32) -> Own<Node> {
    let mut below = || (depth > 0).then(|| build(member, depth - 1));
    let (left, right) = (below(), below());
    Own::new(&mut member.calls, Node { left, right, value: nodes(depth) })
}

/// Tears the tree down and evaluates it: adds up the number of its nodes in temporaries.
fn evaluate<C: Calls>(member: &mut Member<C>, tree: Own<Node>) -> Own<Temporary> {
    let Node { left, right, value } = tree.open(&mut member.calls);
    let mut sum = Own::new(&mut member.calls, [1, value]);
    for side in [left, right].into_iter().flatten() {
        let [count, _] = evaluate(member, side).open(&mut member.calls);
        sum[0] += count;
    }
    sum
}

fn expect<C: Calls>(member: &mut Member<C>, tree: Own<Node>, depth: u32) {
    let [count, value] = evaluate(member, tree).open(&mut member.calls);
    if count != value || count != nodes(depth) {
        fail(format_args!(
            "a tree of {} nodes has {count}, and says {value}: its nodes were overwritten",
            nodes(depth)
        ));
    }
}

/// The number of nodes of a complete tree.
fn nodes(depth: u32) -> u64 {
    (2 << depth) - 1
}
