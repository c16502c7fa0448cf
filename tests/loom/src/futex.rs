//! A futex that behaves like the kernel's. A waiter first joins the queue, then reads the word, and sleeps iff the word still has the expected
//! value. A waker looks at the queue after it has changed the word. Each has a full barrier between its two steps. There are no spurious
//! wake-ups, so a lost one is a deadlock, which loom reports.
use loom::sync::atomic::{AtomicUsize, Ordering, fence};
use loom::thread::{self, Thread};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

loom::lazy_static! {
    static ref QUEUE: Queue = Queue::default();
}

/// The queue of the only futex word in a model. Loom switches threads only at its own operations, so an operation on the sleepers is one step.
#[derive(Default)]
struct Queue {
    /// The waiters, in order of arrival.
    sleepers: Mutex<VecDeque<Thread>>,
    /// Counts calls; as an atomic of loom's it makes loom try the calls in every order.
    calls: AtomicUsize,
}

/// Sleeps if `read` returns `expected`, until a waker wakes this thread.
pub fn wait(read: impl Fn() -> u32, expected: u32) {
    QUEUE.calls.fetch_add(1, Ordering::Relaxed);
    with_sleepers(|sleepers| sleepers.push_back(thread::current()));
    fence(Ordering::SeqCst);
    // A thread that was woken before it slept has a wake-up to consume.
    if read() == expected || !leave_queue() {
        thread::park();
    }
}

/// Removes this thread from the queue. Returns false if a waker has already done so.
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
