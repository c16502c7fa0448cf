//! The cost of a replacement among `QUICK` live objects, or `FULL` at scale full: allocate one, free one at random. The objects are allocated before the
//! measured phase.
//!
//! Decided by cache and TLB misses, which nobody can avoid, and by anything else that grows with the number of objects: nothing should. The number is the
//! one in the name, whatever memory the machine has, because all allocators must have the same number.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::fail::fail;
use crate::memory;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};

const SMALLEST: usize = 8;
const LARGEST: usize = 40;
/// The bytes that the most wasteful allocators need for one object, with its place in the table.
const TAKEN: usize = 56;

pub(crate) fn run<C: Calls, const QUICK: usize, const FULL: usize>(run: &Run) -> Outcome {
    let turns = run.pick(1_000, 2_000_000, 5_000_000);
    let count = run.pick(QUICK.min(100_000), QUICK, FULL);
    if memory::available() < count * TAKEN {
        fail(format_args!("this machine has no memory left for {count} objects"));
    }
    team::<C>(run, |member| {
        let mut objects = Slots::new(count);
        objects.fill_with(|| Some(object(member)));
        member.measured(|member| (0..turns).for_each(|_| replace(member, &mut objects)));
        free_all(&mut objects, &mut member.calls);
        turns as u64
    })
}

fn object<C: Calls>(member: &mut Member<C>) -> Block {
    let size = member.random.within(SMALLEST, LARGEST);
    Block::new(&mut member.calls, size)
}

fn replace<C: Calls>(member: &mut Member<C>, objects: &mut [Option<Block>]) {
    let place = member.random.below(objects.len());
    let new = object(member);
    if let Some(old) = objects[place].replace(new) {
        old.free(&mut member.calls);
    }
}
