//! Some threads only allocate, others only free (Lever and Boreham, "malloc() performance in a multithreaded Linux environment", USENIX 2000;
//! known as xmalloc-test). Batches of objects go through a bounded queue, as in every pipeline of threads.
//!
//! Decided by how freed objects get back to the threads that allocate: one by one or many at once, and with how much contention. An allocator that
//! keeps them with the thread that freed them grows without bound.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The number of objects that are handed over at once.
const BATCH: usize = 128;
/// The most batches that may wait.
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

/// Frees the objects. Returns 0 operations, because the producers have counted them.
fn consume<C: Calls>(member: &mut Member<C>, queue: &Queue, batch: &mut [Option<Block>]) -> u64 {
    member.measured(|member| {
        while queue.take(batch) {
            free_all(batch, &mut member.calls);
        }
    });
    0
}

/// A ring of batches. Each side waits for the other if it must.
struct Queue {
    state: Mutex<State>,
    not_empty: Condvar,
    not_full: Condvar,
}

struct State {
    blocks: Slots<Option<Block>>,
    first: usize,
    waiting: usize,
    /// The number of producers that have ended.
    ended: usize,
    all_ended: bool,
}

impl State {
    /// The place of the batch that is `turn` places behind the first.
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

    /// Swaps the batch with the empty one of a free place.
    fn put(&self, batch: &mut [Option<Block>]) {
        let mut state = self.wait(&self.not_full, |state| state.waiting == PLACES);
        let last = state.waiting;
        state.place(last).swap_with_slice(batch);
        state.waiting += 1;
        self.not_empty.notify_one();
    }

    /// Swaps the empty batch with a full one; returns false if no more will come.
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

    /// Records that one of the producers has ended.
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
