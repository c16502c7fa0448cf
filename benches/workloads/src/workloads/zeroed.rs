//! Large zeroed tables: `calloc` of 1 to 64 MiB, read in a few places or written to completely, and freed. Hash tables, bitmaps and matrices begin
//! like this.
//!
//! Decided by whether the allocator knows that a page is zero already. An allocator that zeroes pages which the kernel has just zeroed pays twice; one
//! that always takes new pages pays a page fault for each.

use crate::block::Block;
use crate::calls::Calls;
use crate::run::Run;
use crate::team::{Member, Outcome, team};

const SMALLEST: usize = 1 << 20;
const LARGEST: usize = 64 << 20;
/// The number of places that are read.
const LOOKS: usize = 64;

pub(crate) fn run<C: Calls, const TOUCHED: bool>(run: &Run) -> Outcome {
    let turns = run.turns(if TOUCHED { run.pick(2, 20, 150) } else { run.pick(2, 200, 2_000) });
    team::<C>(run, |member| {
        member.measured(|member| (0..turns).for_each(|_| table::<C, TOUCHED>(member)));
        turns as u64
    })
}

fn table<C: Calls, const TOUCHED: bool>(member: &mut Member<C>) {
    let size = member.random.doubling(SMALLEST, LARGEST);
    let mut table = Block::zeroed(&mut member.calls, size, LOOKS);
    if TOUCHED {
        table.touch(0);
    }
    table.free(&mut member.calls);
}
