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

#[cfg(test)]
mod tests {
    use super::super::buddy::tests::arena;
    use crate::region::Run;

    #[test]
    fn a_full_arena_hands_out_what_lies_in_the_quick_list_whatever_its_length() {
        let arena = arena();
        let [run, _last] = [300, 1].map(|pages| arena.alloc(pages, 1).unwrap());
        let page = run.page;
        let put = |lists: &mut _, run| arena.quick.put(run, |run| arena.free_locked(lists, run));
        arena.free_soon(Run { zero: false, ..run }, put);
        assert_eq!(arena.quick.pages(), 300);
        arena.set_full(true);
        let few = arena.alloc(200, 1).map(|run| (run.page, run.zero));
        assert_eq!((few, arena.alloc(150, 1)), (Some((page, false)), None));
        assert!((0..25).all(|_| arena.alloc(4, 1).is_some_and(|run| !run.zero)));
        assert_eq!(arena.validate(), Ok(()));
    }
}
