//! Short strings that grow by `realloc`, each time to `PERCENT` percent of their size, as in every string builder and JSON writer. Several grow at
//! the same time, so that none is always the last object of the heap.
//!
//! Decided by whether the allocator's classes or the neighbouring objects leave room to grow, and by the cost of a copy to the next class.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};

const STRINGS: usize = 16;
const SHORTEST: usize = 16;
const LONGEST: usize = 8 << 10;

pub(crate) fn run<C: Calls, const PERCENT: usize>(run: &Run) -> Outcome {
    let steps = run.turns(run.pick(1_000, 2_000_000, 20_000_000));
    team::<C>(run, |member| {
        let mut strings = Slots::<Option<Block>>::new(STRINGS);
        member.measured(|member| {
            for _ in 0..steps {
                let place = member.random.below(STRINGS);
                strings[place] = Some(step::<C, PERCENT>(member, strings[place].take()));
            }
            free_all(&mut strings, &mut member.calls);
        });
        steps as u64
    })
}

/// Grows a string; if it is long already, frees it and begins a new one.
fn step<C: Calls, const PERCENT: usize>(member: &mut Member<C>, string: Option<Block>) -> Block {
    match string {
        Some(string) if string.size() < LONGEST => {
            let size = (string.size() * PERCENT / 100).max(string.size() + 1);
            string.resize(&mut member.calls, size)
        }
        ended => {
            ended.into_iter().for_each(|string| string.free(&mut member.calls));
            Block::new(&mut member.calls, SHORTEST)
        }
    }
}
