//! Many live objects, most of them old, some young: every thread replaces objects in a window of a table that all threads share, and the window
//! moves. One object in eight is replaced anywhere, so objects of all threads and ages lie side by side. This is the steady state of caches and
//! session tables (the pattern behind mstress of mimalloc-bench and the long runs of Wilson's 1995 survey).
//!
//! Decided by locality when the memory that is allocated next was freed long ago and elsewhere, and by fragmentation.

use crate::block::Block;
use crate::calls::Calls;
use crate::exchange::Exchange;
use crate::run::Run;
use crate::sizes;
use crate::team::{Member, Outcome, team};

/// The length of a thread's window, in objects.
const WINDOW: usize = 4_000;
/// The number of replacements after which the window moves on by one object.
const PACE: usize = 16;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let turns = run.turns(run.pick(2_000, 1_000_000, 8_000_000));
    let table = Exchange::new(run.pick(20_000, 300_000, 3_000_000));
    team::<C>(run, |member| {
        let part = run.part(table.len());
        let first = member.index * part;
        (first..first + part).for_each(|place| replace(member, &table, place));
        member.measured(|member| (0..turns).for_each(|turn| step(member, &table, first + turn / PACE)));
        (first..first + part)
            .filter_map(|place| table.swap(place, None))
            .for_each(|block| block.free(&mut member.calls));
        turns as u64
    })
}

fn step<C: Calls>(member: &mut Member<C>, table: &Exchange, window: usize) {
    let place =
        if member.random.once_in(8) { member.random.below(table.len()) } else { window + member.random.below(WINDOW) };
    replace(member, table, place % table.len());
}

fn replace<C: Calls>(member: &mut Member<C>, table: &Exchange, place: usize) {
    let size = sizes::mixed(&mut member.random);
    let block = Block::new(&mut member.calls, size);
    if let Some(old) = table.swap(place, Some(block)) {
        old.free(&mut member.calls);
    }
}
