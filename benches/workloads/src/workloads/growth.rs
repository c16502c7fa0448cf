//! One buffer that grows by `realloc` from 1 MiB to 1 GiB (at scale quick to 256 MiB, or 128 MiB if it is written to), each time to `PERCENT`
//! percent of its size, with or without writing to its new part. Logs, columns and files that are read as a whole grow like this.
//!
//! Decided by whether growth copies bytes, moves page tables or happens in place; if the buffer is written to, by the cost of a page fault.

use crate::block::Block;
use crate::calls::Calls;
use crate::run::Run;
use crate::team::{Member, Outcome, team};

const FIRST: usize = 1 << 20;

pub(crate) fn run<C: Calls, const PERCENT: usize, const TOUCHED: bool>(run: &Run) -> Outcome {
    let last = run.pick(8 << 20, if TOUCHED { 128 << 20 } else { 256 << 20 }, 1 << 30);
    let rounds = run.pick(1, if TOUCHED { 1 } else { 2 }, 2);
    team::<C>(run, |member| {
        member.measured(|member| (0..rounds).map(|_| grow::<C, PERCENT, TOUCHED>(member, last)).sum())
    })
}

fn grow<C: Calls, const PERCENT: usize, const TOUCHED: bool>(member: &mut Member<C>, last: usize) -> u64 {
    let mut buffer = Block::new(&mut member.calls, FIRST);
    let mut written = 0;
    let mut steps = 0;
    while buffer.size() < last {
        let size = (buffer.size() / 100 * PERCENT).min(last);
        buffer = buffer.resize(&mut member.calls, size);
        if TOUCHED {
            buffer.touch(written);
            written = size;
        }
        steps += 1;
    }
    buffer.free(&mut member.calls);
    steps
}
