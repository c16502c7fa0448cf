//! Whether the arena's node has memory left. The arena cannot know; [`crate::heap`] finds out and notes it here.
//!
//! A **full** arena hands out warm pages only, as it does when the process may hold no more memory.

use super::buddy::Arena;
use crate::base::sync::{AtomicBool, AtomicU32, Ordering};

/// See the module. All zero means not full.
#[derive(Debug, Default)]
pub(super) struct Full {
    is_full: AtomicBool,
    fresh: AtomicU32,
}

impl Arena {
    /// Returns whether fresh pages are refused.
    pub fn is_full(&self) -> bool {
        self.full.is_full.load(Ordering::Relaxed)
    }

    /// Refuses fresh pages from now on, or hands them out again.
    pub fn set_full(&self, is_full: bool) {
        self.full.is_full.store(is_full, Ordering::Relaxed);
    }

    /// Zero pages taken so far: the system must find memory for each, or already has. Wraps around.
    pub fn fresh_taken(&self) -> u32 {
        self.full.fresh.load(Ordering::Relaxed)
    }

    /// Counts fresh pages; the caller holds the arena's lock.
    pub(super) fn note_fresh(&self, pages: u32) {
        self.full.fresh.store(self.fresh_taken().wrapping_add(pages), Ordering::Relaxed);
    }
}
