//! A futex as the kernel makes it: a waiter first joins the queue, then looks at the word, and sleeps iff it still has the value it saw; a
//! waker looks at the queue after it changed the word; a full barrier lies between the two steps of each. Wake-ups come from wakers
//! alone: a lost one is a deadlock, which loom reports.
use loom::sync::atomic::{AtomicUsize, Ordering, fence};
use loom::thread::{self, Thread};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

loom::lazy_static! {
    static ref QUEUE: Queue = Queue::default();
}

/// A model has one futex word only. Loom changes threads at its own operations, so what is done with the sleepers is one step.
#[derive(Default)]
struct Queue {
    /// First come first.
    sleepers: Mutex<VecDeque<Thread>>,
    /// Counts calls, so that loom tries them in every order.
    calls: AtomicUsize,
}

/// Sleeps while `read` gives `expected`.
pub fn wait(read: impl Fn() -> u32, expected: u32) {
    QUEUE.calls.fetch_add(1, Ordering::Relaxed);
    with_sleepers(|sleepers| sleepers.push_back(thread::current()));
    fence(Ordering::SeqCst);
    // Who was called before it slept has a wake-up to consume.
    if read() == expected || !leave_queue() {
        thread::park();
    }
}

/// False if a waker took this thread out already.
fn leave_queue() -> bool {
    with_sleepers(|sleepers| {
        let me = sleepers.iter().position(|sleeper| sleeper.id() == thread::current().id());
        me.and_then(|index| sleepers.remove(index)).is_some()
    })
}

/// Wakes one sleeper.
pub fn wake_one() {
    wake(1);
}

/// Wakes every sleeper.
pub fn wake_all() {
    wake(usize::MAX);
}

fn wake(most: usize) {
    fence(Ordering::SeqCst);
    if with_sleepers(|sleepers| sleepers.is_empty()) {
        return;
    }
    QUEUE.calls.fetch_add(1, Ordering::Relaxed);
    let woken: Vec<_> = with_sleepers(|sleepers| sleepers.drain(..most.min(sleepers.len())).collect());
    woken.iter().for_each(Thread::unpark);
}

fn with_sleepers<R>(body: impl FnOnce(&mut VecDeque<Thread>) -> R) -> R {
    body(&mut QUEUE.sleepers.lock().unwrap_or_else(PoisonError::into_inner))
}
