//! Short strings that grow by `realloc`, `PERCENT` of their size at a time, as every string builder and JSON writer lets them. Several grow at
//! once, so that none is always the last object of the heap.
//!
//! Decided by whether the allocator's classes or neighbours leave room to grow, and by what a copy to the next class costs.

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

/// A long string ends and a new one begins; another grows.
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
