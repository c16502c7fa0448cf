//! Objects of 32 KiB to 32 MiB, every doubling equally likely, which are replaced at random and written to completely: images, messages and columns
//! in flight.
//!
//! Decided by the size from which an allocator uses `mmap`: pages that every free returns to the kernel are paged in again by the next malloc, and
//! pages that are kept fragment.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Outcome, team};

const SMALLEST: usize = 32 << 10;
const LARGEST: usize = 32 << 20;
/// The number of live objects of all threads together; each thread has at least two.
const BLOCKS: usize = 24;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let turns = run.turns(run.pick(4, 150, 1_500));
    let largest = run.pick(LARGEST / 8, LARGEST, LARGEST);
    team::<C>(run, |member| {
        let mut blocks = Slots::<Option<Block>>::new(run.part(BLOCKS).max(2));
        member.measured(|member| {
            for _ in 0..turns {
                let place = member.random.below(blocks.len());
                blocks[place].take().into_iter().for_each(|old| old.free(&mut member.calls));
                let size = member.random.doubling(SMALLEST, largest);
                blocks[place].insert(Block::new(&mut member.calls, size)).touch(0);
            }
            free_all(&mut blocks, &mut member.calls);
        });
        turns as u64
    })
}
