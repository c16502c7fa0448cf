//! The cost of a replacement among `COUNT` live objects: allocate one, free one at random. The objects are made before the time is taken.
//!
//! Decided by cache and TLB misses, which nobody can avoid, and by whatever else grows with the number of objects: nothing should. What the
//! scale or the machine's memory does not hold is left out: then fewer are live.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::memory;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};

const SMALLEST: usize = 8;
const LARGEST: usize = 40;
/// What the largest allocators take for one, and its place in the table.
const TAKEN: usize = 56;

pub(crate) fn run<C: Calls, const COUNT: usize>(run: &Run) -> Outcome {
    let turns = run.pick(1_000, 2_000_000, 5_000_000);
    let most = run.pick(10 << 20, 200 << 20, 2 << 30).min(memory::available() / 2) / TAKEN;
    team::<C>(run, |member| {
        let mut objects = Slots::new(COUNT.min(most));
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
