//! Blocks of 32 KiB to 32 MiB, each doubling as likely as the others, replaced at random and written to all over: images, messages and columns
//! in flight.
//!
//! Decided by where an allocator draws the line to `mmap`: pages that go back to the kernel with every free are paged in again by the next
//! malloc, and pages that are kept fragment.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Outcome, team};

const SMALLEST: usize = 32 << 10;
const LARGEST: usize = 32 << 20;
/// Live blocks of all threads together; at least two for each.
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
