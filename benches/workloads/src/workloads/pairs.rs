//! One object of `SIZE` bytes is allocated, written to and freed, again and again. No program does only this, but every program does it somewhere,
//! and people measure it first.
//!
//! Decided by the latency chain of the fast path: the next malloc returns what the last free stored.

use crate::calls::Calls;
use crate::run::Run;
use crate::team::{Outcome, team};

/// From this size on, most allocators use a slower path.
const LARGE: usize = 16 << 10;

pub(crate) fn run<C: Calls, const SIZE: usize>(run: &Run) -> Outcome {
    let turns = run.turns(run.pick(1_000, 10_000_000, 100_000_000) / if SIZE < LARGE { 1 } else { 5 });
    team::<C>(run, |member| {
        member.measured(|member| {
            for _ in 0..turns {
                member.calls.pair(SIZE);
            }
        });
        turns as u64
    })
}
