//! Two small objects of two threads in one cache line (Berger, McKinley, Blumofe and Wilson, "Hoard", ASPLOS 2000). *Thrash*, active false
//! sharing: every thread allocates small objects of its own and works on each; does the allocator split one line among several threads? *Scratch*,
//! passive false sharing: one thread allocates an object for each thread and passes it on; the others free it and then do as in *thrash*; does the
//! allocator give a part of the shared line to the thread that freed it?
//!
//! Decided by which threads get objects that share a line. Writing to a line that another core writes to costs a hundred times as much.

use crate::block::Block;
use crate::calls::Calls;
use crate::exchange::Exchange;
use crate::run::Run;
use crate::team::{Outcome, team};

const SIZE: usize = 8;
/// The number of writes to an object before it is freed.
const WORK: usize = 100;

/// With `GIVEN`, each thread begins with an object that the main thread allocated.
pub(crate) fn run<C: Calls, const GIVEN: bool>(run: &Run) -> Outcome {
    let turns = run.turns(run.pick(100, 1_000_000, 10_000_000));
    let given = Exchange::new(run.threads);
    if GIVEN {
        let mut calls = C::new();
        for place in 0..run.threads {
            given.swap(place, Some(Block::new(&mut calls, SIZE)));
        }
    }
    team::<C>(run, |member| {
        member.measured(|member| {
            if let Some(block) = given.swap(member.index, None) {
                block.free(&mut member.calls);
            }
            for _ in 0..turns {
                let mut block = Block::new(&mut member.calls, SIZE);
                block.work(WORK);
                block.free(&mut member.calls);
            }
        });
        turns as u64
    })
}
