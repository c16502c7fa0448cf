//! A burst: hundreds of mebibytes of small and large objects are allocated, written to and freed; then there is hardly anything to do for a second.
//! The final figures are those at the end of that second; the time is only that of the burst.
//!
//! Decided by whether an allocator gives memory back without being called, or at least when it is called now and then.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::memory::Memory;
use crate::run::Run;
use crate::sizes;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};
use std::thread::sleep;
use std::time::Duration;

/// One object in this many has 64 KiB to 1 MiB; the others are small.
const LARGE_ONCE_IN: usize = 1_000;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let count = run.part(run.pick(2_000, 200_000, 1_500_000));
    let idle = Duration::from_millis(run.pick(10, 1_000, 1_000));
    let outcome = team::<C>(run, |member| {
        let mut objects = Slots::new(count);
        member.measured(|member| burst(member, &mut objects));
        count as u64
    });
    quiet::<C>(idle);
    Outcome { last: Some(Memory::now()), ..outcome }
}

fn burst<C: Calls>(member: &mut Member<C>, objects: &mut [Option<Block>]) {
    for place in objects.iter_mut() {
        let size = size(member);
        place.insert(Block::new(&mut member.calls, size)).touch(0);
    }
    free_all(objects, &mut member.calls);
}

fn size<C: Calls>(member: &mut Member<C>) -> usize {
    if member.random.once_in(LARGE_ONCE_IN) {
        member.random.doubling(64 << 10, 1 << 20)
    } else {
        sizes::mixed(&mut member.random)
    }
}

/// Makes a few calls every ten milliseconds, like a service that gets no requests.
fn quiet<C: Calls>(idle: Duration) {
    let mut calls = C::new();
    let step = Duration::from_millis(10);
    for _ in 0..idle.as_millis() / step.as_millis() {
        sleep(step);
        (0..10).for_each(|_| calls.pair(64));
    }
}
