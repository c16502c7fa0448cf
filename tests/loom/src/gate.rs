//! `sys::once`, whose futex word is its state.

#[path = "../../../allocator/src/sys/once.rs"]
pub mod once;

use crate::thread;

/// The number of the process that a model's threads are in.
pub const PROCESS: usize = 2;

/// The futex calls of `sys::once`.
mod syscall {
    use crate::base::sync::{AtomicU32, Ordering};
    use crate::futex;

    pub(super) fn futex_wait(word: *const u32, expected: u32) {
        // SAFETY: the gate passes its own word, which outlives the call.
        let word = unsafe { &*word.cast::<AtomicU32>() };
        futex::wait(|| word.load(Ordering::Relaxed), expected);
    }

    pub(super) fn process_id() -> usize {
        super::PROCESS
    }

    pub(super) fn futex_wake_all(_word: *const u32) {
        futex::wake_all();
    }
}
