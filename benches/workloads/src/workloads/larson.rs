//! A server (Larson and Krishnan, "Memory allocation for long-running server applications", ISMM 1998). For a while a thread replaces random objects
//! of its working set; then it hands the set to a thread that it starts, and ends. So most objects are freed by a thread that did not allocate them,
//! after the one that did has ended.
//!
//! Decided by the cost of freeing another thread's object, and by whether the memory of threads that ended is reused.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};
use std::thread;

/// The range of sizes in the paper.
const SMALLEST: usize = 10;
const LARGEST: usize = 500;
/// The number of objects that a thread has.
const SET: usize = 5_000;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let generations = run.turns(run.pick(2, 100, 500));
    let replaced = run.pick(500, 20_000, 40_000);
    team::<C>(run, |member| {
        let mut set = Slots::new(SET);
        set.fill_with(|| Some(object(member)));
        member.measured(|member| (0..generations).for_each(|_| generation(member, &mut set, replaced)));
        free_all(&mut set, &mut member.calls);
        (generations * replaced) as u64
    })
}

fn object<C: Calls>(member: &mut Member<C>) -> Block {
    let size = member.random.within(SMALLEST, LARGEST);
    Block::new(&mut member.calls, size)
}

/// The member itself only waits: every generation is a thread of its own.
fn generation<C: Calls>(member: &mut Member<C>, set: &mut [Option<Block>], replaced: usize) {
    thread::scope(|scope| {
        scope.spawn(|| (0..replaced).for_each(|_| replace(member, set)));
    });
}

fn replace<C: Calls>(member: &mut Member<C>, set: &mut [Option<Block>]) {
    let place = member.random.below(set.len());
    if let Some(old) = set[place].take() {
        old.free(&mut member.calls);
    }
    set[place] = Some(object(member));
}
