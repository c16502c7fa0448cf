//! Loose pages: pages that are freed and taken by address without being cut into runs in between (see the region's map of them).
//!
//! A long run of warm pages becomes loose when it is freed, and so does the rest of a warm run that an object laid by address cuts. First fit takes
//! loose pages as they are. **Tidying** makes runs of them for callers that need runs, a stretch of at most 512 pages at a time: the lowest for a slab,
//! when the lists have nothing warm; the highest for purging, when the lists have too little. A caller that inspects the lists has everything tidied.

use super::buddy::Arena;
use super::lists::{Kind, Lists};
use crate::base::units::Order;
use crate::region::Run;

/// Most stretches that are made into runs for one slab.
const TRIES: u32 = 64;

impl Arena {
    /// Makes the pages of a run loose if they are warm; lists the run if they are not, or if the map cannot grow. The run is in the map of free pages.
    pub(super) fn leave(&self, lists: &mut Lists, run: Run) {
        let listed = if run.zero { Err(run) } else { self.region.loose().put(run) };
        if let Err(run) = listed {
            self.insert_run(lists, run);
        }
    }

    /// Makes runs of all loose pages.
    pub(super) fn tidy(&self, lists: &mut Lists) {
        while self.tidy_one(lists, self.region.loose().highest()) {}
    }

    /// Makes runs of the highest loose pages until `pages` warm pages are listed.
    pub(super) fn tidy_for(&self, lists: &mut Lists, pages: u32) {
        while lists.pages(Kind::Warm) < pages && self.tidy_one(lists, self.region.loose().highest()) {}
    }

    /// Makes runs of the lowest loose pages until there is a warm run of `order`, and takes it, cut to `pages` pages. Gives up after [`TRIES`] stretches.
    pub(super) fn take_tidied(&self, lists: &mut Lists, order: Order, pages: u32) -> Option<Run> {
        let tidy_one =
            |_| self.tidy_one(lists, self.region.loose().lowest()).then(|| self.take_warm(lists, order, pages));
        (0..TRIES).map_while(tidy_one).find_map(|run| run)
    }

    /// Makes runs of a loose stretch; returns false if there is none. A child forked in between finds each page loose, in a run, or both.
    fn tidy_one(&self, lists: &mut Lists, stretch: Option<Run>) -> bool {
        let Some(run) = stretch else { return false };
        let (page, pages) = (run.page, run.pages);
        self.insert_run(lists, run);
        self.region.loose().take(page, pages);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::buddy::tests::{arena, free, listed_and_loose};
    use super::super::purge::Reason;
    use super::*;
    use crate::base::units::Page;

    #[test]
    fn a_long_run_is_loose_until_somebody_wants_runs() {
        let arena = arena();
        let [long, _other, short] = [100, 4, 8].map(|pages| arena.alloc(pages, 1).unwrap());
        free(&arena, long);
        free(&arena, short);
        assert_eq!(listed_and_loose(&arena), (8, 100));
        let part = arena.alloc(30, 1).unwrap();
        assert_eq!((part.page, part.zero, listed_and_loose(&arena)), (Page(0), false, (8, 70)));
        let _slab = arena.alloc(8, 1).unwrap();
        assert_eq!(listed_and_loose(&arena), (0, 70));
        let slab = arena.alloc(8, 1).unwrap();
        assert!(!slab.zero && listed_and_loose(&arena) == (62, 0), "there was no warm run left");
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn what_is_cut_off_a_listed_run_is_loose() {
        let arena = arena();
        let [long, _last] = [100, 1].map(|pages| arena.alloc(pages, 1).unwrap());
        free(&arena, long);
        assert_eq!(arena.free_runs(Order(6)).0, 1, "who looks at the lists finds 64 of the 100");
        let _part = arena.alloc(30, 1).unwrap();
        assert_eq!(listed_and_loose(&arena), (36, 34));
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn slabs_take_what_lies_low_and_what_lies_high_goes_back() {
        let arena = arena();
        let [low, _between, high, _last] = [600, 1, 600, 1].map(|pages| arena.alloc(pages, 1).unwrap());
        let (low_page, high_page) = (low.page, high.page);
        free(&arena, low);
        free(&arena, high);
        let slab = arena.alloc(8, 1).unwrap();
        assert!(slab.page < low_page.plus(512));
        assert_eq!(listed_and_loose(&arena), (512 - 8, 1200 - 512), "a tract was enough");
        assert_eq!(arena.reclaim(600, 0, Reason::Trim), 600);
        let is_zero = |page| arena.region().entry(page).as_free().is_some_and(|(_, warm)| !warm);
        assert!((high_page.0..high_page.0 + 600).map(Page).any(is_zero));
        assert!(arena.region().loose().has(low_page.plus(599)));
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn what_is_taken_may_be_loose_and_listed_and_zero() {
        let arena = arena();
        let [first, second, _last] = [16, 40, 10].map(|pages| arena.alloc(pages, 1).unwrap());
        free(&arena, first);
        assert_eq!(arena.free_runs(Order(4)).0, 1, "who looks at the lists has them tidied");
        free(&arena, second);
        assert_eq!(listed_and_loose(&arena), (16, 40));
        let both = arena.alloc(50, 1).unwrap();
        assert_eq!((both.page, listed_and_loose(&arena)), (Page(0), (0, 6)));
        free(&arena, both);
        arena.trim(0);
        assert_eq!(listed_and_loose(&arena), (0, 0));
        assert_eq!(arena.alloc(56, 1).map(|run| (run.page, run.zero)), Some((Page(0), true)));
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn a_child_finds_what_was_loose_and_what_was_being_listed() {
        let arena = arena();
        let [long, _other, next, _last] = [100, 1, 50, 1].map(|pages| arena.alloc(pages, 1).unwrap());
        free(&arena, long);
        let before = arena.free_pages();
        let dies_while_it_tidies = || {
            let mut lists = arena.lists().unwrap();
            let half = Run { page: next.page, pages: 20, zero: false };
            arena.free_locked(&mut lists, Run { zero: false, ..next });
            arena.insert_run(&mut lists, half);
            core::mem::forget(lists);
        };
        std::thread::scope(|scope| scope.spawn(dies_while_it_tidies).join().unwrap());
        arena.rebuild();
        assert_eq!(arena.validate(), Ok(()));
        assert_eq!(arena.free_pages(), (before.0 + 50, before.1));
    }

    extern crate std;
}
