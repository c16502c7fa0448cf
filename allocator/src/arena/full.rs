//! Whether the arena's node has memory left. The arena cannot know; whoever finds out notes it here ([`crate::heap`]).
//!
//! A **full** arena gives warm pages and no others, as when the process may hold no more.

use super::buddy::Arena;
use crate::base::sync::{AtomicBool, AtomicU32, Ordering};

/// See the module. All zero is not full.
#[derive(Debug, Default)]
pub(super) struct Full {
    is_full: AtomicBool,
    fresh: AtomicU32,
}

impl Arena {
    /// Whether fresh pages are refused.
    pub fn is_full(&self) -> bool {
        self.full.is_full.load(Ordering::Relaxed)
    }

    /// Refuses fresh pages from now on, or gives them again.
    pub fn set_full(&self, is_full: bool) {
        self.full.is_full.store(is_full, Ordering::Relaxed);
    }

    /// Zero pages taken so far: the system has to find memory for each, or had to. Wraps around.
    pub fn fresh_taken(&self) -> u32 {
        self.full.fresh.load(Ordering::Relaxed)
    }

    /// Under the lock.
    pub(super) fn note_fresh(&self, pages: u32) {
        self.full.fresh.store(self.fresh_taken().wrapping_add(pages), Ordering::Relaxed);
    }
}
