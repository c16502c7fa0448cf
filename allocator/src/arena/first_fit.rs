//! Runs by address: each is laid at the lowest stretch of free pages that holds it (first fit: Knuth 1968).
//!
//! A **stretch** is a sequence of free pages, whatever runs the buddies make of them and of whichever kind. Runs that are freed side by side are
//! reused as one, low memory fills before high memory is touched, and nothing is rounded up to a power of two. The region's map of free pages
//! knows where the first stretch is; the runs that it overlaps leave their lists, and what is left of them goes back.
//!
//! Large objects are laid this way, and so are runs aligned to more than a page, and slabs when the buddies have nothing warm for them. An object that
//! grows takes the pages behind it. A slab whose length is no power of two begins where the last such slab was cut off, if it fits there.

use super::buddy::Arena;
use super::lists::{Kind, Lists};
use crate::base::sync::Ordering;
use crate::base::units::{Order, Page};
use crate::region::Run;

impl Arena {
    /// Takes `pages` pages, the first of them a multiple of `align`, from the first stretch that is found to hold them. If there is none, flushes the quick
    /// list, whose runs may make one; if that does not help, grows the region.
    pub(super) fn take_first_fit(&self, lists: &mut Lists, pages: u32, align: u32) -> Option<Run> {
        let found = self.with_quick_pages(lists, |lists| self.take_stretch(lists, pages, align));
        found
            .or_else(|| if self.grow(lists, pages + align - 1) { self.take_stretch(lists, pages, align) } else { None })
    }

    fn take_stretch(&self, lists: &mut Lists, pages: u32, align: u32) -> Option<Run> {
        let page = self.first_place(pages, align)?;
        Some(self.take_at(lists, page, pages))
    }

    pub(super) fn first_place(&self, pages: u32, align: u32) -> Option<Page> {
        let free = self.region.free();
        if align == 1 { free.first_fit(pages) } else { free.aligned_fit(pages, align) }
    }

    /// Takes the same pages as [`Arena::take_stretch`], but only if all of them are warm.
    pub(super) fn take_warm_stretch(&self, lists: &mut Lists, pages: u32, align: u32) -> Option<Run> {
        let page = self.first_place(pages, align)?;
        let (mut at, end) = (page, page.plus(pages));
        while at < end {
            let (order, warm) = self.region.entry(at).as_free()?;
            at = if warm { at.plus(order.pages()) } else { return None };
        }
        Some(self.take_at(lists, page, pages))
    }

    /// Counts the zero pages among those from `page` to `end`, which are free, and with the first of which a run begins, or it is loose.
    pub(super) fn count_zero(&self, page: Page, end: Page) -> u32 {
        let (mut at, mut zero) = (page, 0);
        while at < end {
            at = match self.region.entry(at).as_free() {
                Some((order, warm)) => {
                    let behind = at.plus(order.pages()).min(end);
                    zero += if warm { 0 } else { behind.0 - at.0 };
                    behind
                }
                // Loose pages are warm.
                None => self.region.loose().end_of(at, end).max(at.plus(1)),
            };
        }
        zero
    }

    /// Takes the `pages` pages that begin at `page`, growing the region if it ends before them; all or nothing.
    pub(super) fn take_following(&self, lists: &mut Lists, page: Page, pages: u32) -> bool {
        let there = pages.min(self.region.pages() - page.0);
        let can = (there == 0 || self.region.free().is_free(page, there))
            && (there == pages || self.grow(lists, pages - there));
        if can {
            self.take_at(lists, page, pages);
        }
        can
    }

    /// Takes `pages` pages at the place where a run was last cut off, if the pages there are free and the first is warm.
    pub(super) fn take_tail(&self, lists: &mut Lists, pages: u32) -> Option<Run> {
        let tail = Page(self.tail.load(Ordering::Relaxed).checked_sub(1)?);
        if self.kind_at(tail, pages) != Some(Kind::Warm) {
            return None;
        }
        let run = self.take_at(lists, tail, pages);
        self.note_tail(tail.plus(pages));
        Some(run)
    }

    /// Returns the kind of the first of the `pages` pages from `page` on, if all of them can be taken: they must be free, and the first must be loose or the
    /// first page of a run. `None` if `page` lies inside a run.
    pub(super) fn kind_at(&self, page: Page, pages: u32) -> Option<Kind> {
        if page.0 + pages > self.region.pages() || !self.region.free().is_free(page, pages) {
            return None;
        }
        let listed = || self.region.entry(page).as_free().map(|(_, warm)| Kind::of(!warm));
        if self.region.loose().has(page) { Some(Kind::Warm) } else { listed() }
    }

    /// Remembers where the next slab may begin.
    pub(super) fn note_tail(&self, page: Page) {
        self.tail.store(page.0 + 1, Ordering::Relaxed);
    }

    /// Takes the `pages` pages from `page` on, all of them free, out of the runs in which they lie or out of the loose pages. The first must be loose or the
    /// first page of a run. (This holds at the first multiple of a power of two in a stretch: a run that began before it and contained it would have to
    /// be longer than that power, and so begin at another multiple.)
    pub(super) fn take_at(&self, lists: &mut Lists, page: Page, pages: u32) -> Run {
        let (mut at, end, mut zero) = (page, page.plus(pages), true);
        while at < end {
            let (behind, warm) = match self.region.entry(at).as_free() {
                Some((order, warm)) => (self.unlist(lists, at, order, warm, end), warm),
                None => (self.take_loose(at, end), true),
            };
            if behind == at {
                break;
            }
            zero &= !warm;
            at = behind;
        }
        Run { page, pages, zero }
    }

    /// Takes a run out of its list, except for the pages behind `end`; returns where the run ended.
    fn unlist(&self, lists: &mut Lists, page: Page, order: Order, warm: bool, end: Page) -> Page {
        let behind = page.plus(order.pages());
        lists.remove(&self.region, page, order, Kind::of(!warm));
        if behind > end {
            self.leave(lists, Run { page: end, pages: behind.0 - end.0, zero: !warm });
        }
        behind
    }

    /// Takes the loose pages from `page` on and before `end`; returns where they end.
    fn take_loose(&self, page: Page, end: Page) -> Page {
        let behind = self.region.loose().end_of(page, end);
        if behind > page {
            self.region.loose().take(page, behind.0 - page.0);
        }
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::super::buddy::tests::{arena, free};
    use super::*;

    #[test]
    fn what_is_freed_side_by_side_is_used_as_one() {
        let arena = arena();
        let runs = [301, 77, 1100, 50].map(|pages| arena.alloc(pages, 1).unwrap());
        let (first, end) = (runs[0].page, arena.region().pages());
        runs.into_iter().for_each(|run| free(&arena, run));
        let whole = arena.alloc(301 + 77 + 1100 + 50, 1).unwrap();
        assert_eq!((whole.page, arena.region().pages()), (first, end));
    }

    #[test]
    fn the_lowest_place_is_taken_and_a_used_one_is_not() {
        let arena = arena();
        let [low, _between, high, _last] = [700, 20, 900, 20].map(|pages| arena.alloc(pages, 1).unwrap());
        let (low_page, high_page) = (low.page, high.page);
        free(&arena, high);
        free(&arena, low);
        assert_eq!(arena.alloc(600, 1).unwrap().page, low_page);
        assert_eq!(arena.alloc(900, 1).unwrap().page, high_page);
        assert_eq!(arena.alloc(100, 1).unwrap().page, low_page.plus(600));
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn a_run_is_zero_iff_all_its_pages_are() {
        let arena = arena();
        let used = arena.alloc(300, 1).unwrap();
        assert!(used.zero);
        free(&arena, used);
        assert!(!arena.alloc(400, 1).unwrap().zero, "300 of them were used");
        assert!(arena.alloc(400, 1).unwrap().zero);
    }

    #[test]
    fn a_stretch_is_taken_for_warm_iff_all_of_it_is() {
        let arena = arena();
        let [used, _next] = [300, 10].map(|pages| arena.alloc(pages, 1).unwrap());
        let first = used.page;
        free(&arena, used);
        arena.set_full(true);
        assert_eq!(arena.alloc(290, 1).map(|run| run.page), Some(first), "no run of 512 pages is warm");
        assert_eq!(arena.alloc(20, 1), None, "10 are left");
    }

    #[test]
    fn the_zero_pages_that_a_large_object_would_get_are_counted() {
        let arena = arena();
        let [low, high, _last] = [300, 200, 10].map(|pages| arena.alloc(pages, 1).unwrap());
        assert_eq!(arena.zero_pages_for(20_000), None, "longer than any run");
        free(&arena, low);
        assert_eq!(arena.zero_pages_for(300), Some(0));
        arena.trim(0);
        assert_eq!(arena.zero_pages_for(300), Some(300), "they were given back");
        let loose = high.pages;
        free(&arena, high);
        assert_eq!((arena.zero_pages_for(450), arena.region().loose().count()), (Some(300), loose));
        let far = arena.region().pages();
        assert!(
            arena.zero_pages_for(5_000).is_none() && arena.region().pages() == far,
            "the region would have to grow"
        );
    }

    #[test]
    fn what_is_aligned_is_taken_from_the_middle_of_a_stretch() {
        let arena = arena();
        let _first = arena.alloc(9, 1).unwrap();
        let aligned = arena.alloc(100, 64).unwrap();
        assert_eq!(aligned.page, Page(64));
        assert_eq!(arena.alloc(55, 1).unwrap().page, Page(9), "what lies before it is free");
        assert_eq!(arena.alloc(20, 1).unwrap().page, Page(164));
        free(&arena, aligned);
    }

    #[test]
    fn what_was_aligned_leaves_room_for_another_of_its_kind() {
        let arena = arena();
        let runs = [(); 20].map(|()| arena.alloc(16, 16).unwrap());
        let places = runs.each_ref().map(|run| run.page);
        for turn in 0..200 {
            let run = arena.alloc(16, 16).unwrap();
            assert!(turn > 0 || run.page > places[19]);
            free(&arena, run);
        }
        runs.into_iter().step_by(2).for_each(|run| free(&arena, run));
        let again = [(); 10].map(|()| arena.alloc(16, 16).unwrap().page);
        assert_eq!(again, core::array::from_fn(|index| places[2 * index]));
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn at_a_multiple_in_a_stretch_a_run_begins() {
        for (used, align) in (9..200).step_by(7).flat_map(|used| (0..8).map(move |order| (used, 1 << order))) {
            let arena = arena();
            let _used = arena.alloc(used, 1).unwrap();
            let aligned = arena.alloc(100, align).unwrap();
            assert_eq!(aligned.page, Page(used.next_multiple_of(align)));
            assert_eq!(arena.validate(), Ok(()), "{used} pages, then a multiple of {align}");
        }
    }

    #[test]
    fn an_object_at_the_end_grows_with_the_region() {
        let arena = arena();
        let object = arena.alloc(64, 1).unwrap();
        assert_eq!((object.page, arena.region().pages()), (Page(0), 64), "nothing lies behind it");
        assert!(arena.take_following(&mut arena.lists().unwrap(), Page(64), 10));
    }

    #[test]
    fn an_object_grows_into_what_follows_or_not_at_all() {
        let arena = arena();
        let [object, next, _last] = [20, 30, 10].map(|pages| arena.alloc(pages, 1).unwrap());
        let grow = |pages| arena.take_following(&mut arena.lists().unwrap(), object.page.plus(20), pages);
        assert!(!grow(1), "in use");
        let free_before = arena.free_pages();
        free(&arena, next);
        assert!(!grow(31));
        assert_eq!(arena.free_pages(), (free_before.0 + 30, free_before.1), "nothing was taken");
        assert!(grow(30));
    }
}
