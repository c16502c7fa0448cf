//! Thousands of short-lived threads: each allocates some objects of mixed sizes, frees most of them, leaves one to the thread that started it, and
//! ends. A server with a thread for each request does this.
//!
//! Decided by the work to set up and tear down an allocator's state for a thread, and by whether the memory that a thread kept is reused.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::run::Run;
use crate::sizes;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};
use std::thread;

const OBJECTS: usize = 50;

/// Each member starts its threads one after the other.
pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let lives = run.turns(run.pick(20, 1_000, 10_000));
    team::<C>(run, |member| {
        let mut objects = Slots::new(OBJECTS);
        member.measured(|member| (0..lives).for_each(|_| life(member, &mut objects)));
        (lives * OBJECTS) as u64
    })
}

fn life<C: Calls>(member: &mut Member<C>, objects: &mut [Option<Block>]) {
    thread::scope(|scope| {
        scope.spawn(|| {
            objects.fill_with(|| Some(Block::new(&mut member.calls, sizes::mixed(&mut member.random))));
            free_all(&mut objects[1..], &mut member.calls);
        });
    });
    free_all(&mut objects[..1], &mut member.calls);
}
