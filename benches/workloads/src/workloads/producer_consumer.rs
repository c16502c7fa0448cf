//! Some threads only allocate, others only free (Lever and Boreham, "malloc() performance in a multithreaded Linux environment", USENIX 2000;
//! known as xmalloc-test). Batches of objects go through a bounded queue, as in every pipeline of threads.
//!
//! Decided by how freed objects get back to those who allocate: one by one or many at once, and with what contention. An allocator that keeps
//! them with the thread that freed them grows without end.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Objects that change hands at once.
const BATCH: usize = 128;
/// Batches that may wait.
const PLACES: usize = 64;
const SMALLEST: usize = 16;
const LARGEST: usize = 512;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let producers = run.threads.div_ceil(2);
    let batches = run.turns(run.pick(20, 20_000, 200_000));
    let queue = Queue::new();
    team::<C>(run, |member| {
        let mut batch = Slots::new(BATCH);
        if member.index < producers {
            produce(member, &queue, &mut batch, batches, producers)
        } else {
            consume(member, &queue, &mut batch)
        }
    })
}

fn produce<C: Calls>(
    member: &mut Member<C>,
    queue: &Queue,
    batch: &mut [Option<Block>],
    batches: usize,
    producers: usize,
) -> u64 {
    member.measured(|member| {
        for _ in 0..batches {
            batch.fill_with(|| Some(Block::new(&mut member.calls, member.random.within(SMALLEST, LARGEST))));
            queue.put(batch);
        }
        queue.end(producers);
    });
    (batches * BATCH) as u64
}

/// The objects were counted when they were made.
fn consume<C: Calls>(member: &mut Member<C>, queue: &Queue, batch: &mut [Option<Block>]) -> u64 {
    member.measured(|member| {
        while queue.take(batch) {
            free_all(batch, &mut member.calls);
        }
    });
    0
}

/// A ring of batches, each side waiting for the other.
struct Queue {
    state: Mutex<State>,
    not_empty: Condvar,
    not_full: Condvar,
}

struct State {
    blocks: Slots<Option<Block>>,
    first: usize,
    waiting: usize,
    /// Producers that will put no more.
    ended: usize,
    all_ended: bool,
}

impl State {
    /// Where the batch lies that is `turn` behind the first.
    fn place(&mut self, turn: usize) -> &mut [Option<Block>] {
        let place = (self.first + turn) % PLACES;
        &mut self.blocks[place * BATCH..(place + 1) * BATCH]
    }
}

impl Queue {
    fn new() -> Self {
        let blocks = Slots::new(PLACES * BATCH);
        let state = Mutex::new(State { blocks, first: 0, waiting: 0, ended: 0, all_ended: false });
        Self { state, not_empty: Condvar::new(), not_full: Condvar::new() }
    }

    /// Swaps the batch for the empty one of a free place.
    fn put(&self, batch: &mut [Option<Block>]) {
        let mut state = self.wait(&self.not_full, |state| state.waiting == PLACES);
        let last = state.waiting;
        state.place(last).swap_with_slice(batch);
        state.waiting += 1;
        self.not_empty.notify_one();
    }

    /// Swaps the empty batch for a full one; false if there will be no more.
    fn take(&self, batch: &mut [Option<Block>]) -> bool {
        let mut state = self.wait(&self.not_empty, |state| state.waiting == 0 && !state.all_ended);
        if state.waiting == 0 {
            return false;
        }
        state.place(0).swap_with_slice(batch);
        state.first = (state.first + 1) % PLACES;
        state.waiting -= 1;
        self.not_full.notify_one();
        true
    }

    /// One of the producers puts no more.
    fn end(&self, producers: usize) {
        let mut state = self.wait(&self.not_full, |_| false);
        state.ended += 1;
        state.all_ended = state.ended == producers;
        self.not_empty.notify_all();
    }

    fn wait(&self, bell: &Condvar, must: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        bell.wait_while(state, |state| must(state)).unwrap_or_else(PoisonError::into_inner)
    }
}
