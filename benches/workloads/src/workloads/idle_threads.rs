//! A thousand threads that each allocated some objects, freed half of them and now wait: connection threads of an old server, worker pools of a new
//! one. The memory at that moment is measured.
//!
//! Decided by how much memory an allocator keeps for each thread, used or not.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::fail::fail;
use crate::run::Run;
use crate::sizes;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

/// The number of objects that each thread allocates; it keeps half of them.
const OBJECTS: usize = 40;
const STACK: usize = 64 << 10;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let threads = run.pick(50, 1_000, 1_000);
    team::<C>(run, |member| {
        let mut objects = Slots::new(threads * OBJECTS);
        member.measured(|member| crowd(member, &mut objects));
        free_all(&mut objects, &mut member.calls);
        (threads * OBJECTS) as u64
    })
}

/// The threads allocate in turn, and none ends before all have allocated.
fn crowd<C: Calls>(member: &mut Member<C>, objects: &mut [Option<Block>]) {
    let ready = Barrier::new(objects.len() / OBJECTS);
    let member = Mutex::new(member);
    thread::scope(|scope| {
        for objects in objects.chunks_exact_mut(OBJECTS) {
            let life = || {
                make(&mut member.lock().unwrap_or_else(PoisonError::into_inner), objects);
                ready.wait();
            };
            let started = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, life);
            started.map_or_else(|error| fail(format_args!("no thread: {error}")), drop);
        }
    });
}

fn make<C: Calls>(member: &mut Member<C>, objects: &mut [Option<Block>]) {
    objects.fill_with(|| Some(Block::new(&mut member.calls, sizes::mixed(&mut member.random))));
    objects.iter_mut().step_by(2).filter_map(Option::take).for_each(|block| block.free(&mut member.calls));
}
