//! `sys::lock`, whose futex word is the low half of a 64-bit word, and `sys::latch`, which has none.

#[path = "../../../allocator/src/sys/latch.rs"]
pub mod latch;
#[path = "../../../allocator/src/sys/lock.rs"]
pub mod lock;

use crate::thread;

/// No process observes another in a model.
mod observed {
    pub(super) fn other() -> Option<usize> {
        None
    }
}

/// The calls of `sys::lock`.
mod syscall {
    use crate::base::sync::{AtomicUsize, Ordering};
    use crate::futex;

    pub(super) fn futex_wait_for(word: *const u32, expected: u32, _ms: u64) {
        // SAFETY: the lock passes its own word, which outlives the call.
        let word = unsafe { &*word.cast::<AtomicUsize>() };
        futex::wait(|| word.load(Ordering::Relaxed) as u32, expected);
    }

    pub(super) fn futex_wake_one(_word: *const u32) {
        futex::wake_one();
    }

    /// Nobody forks in a model.
    pub(super) fn is_first_thread() -> bool {
        true
    }
}
