//! Which free pages are **loose**: in no run, recorded by nothing but a bit each.
//!
//! Freeing a run into the arena's lists cuts it into powers of two, each of which changes a handful of words of the pagemap and the links that
//! are in no cache; taking the pages again undoes all that. Freeing and taking loose pages changes a few bits, which lie close together. Runs are made
//! of the pages that are still loose when somebody needs runs (a *lazy* buddy system: Barkley and Lee 1989).
//!
//! There is a bit for each page, and one for each **tract** of 512 pages, so that loose pages are found in a large heap. The map reaches as far as any
//! page was ever loose: a program that frees no long run has no map.
//!
//! Invariants, whenever the arena's lock is free: a loose page is in the map of free pages and in no list; a tract's bit is set if (not iff) a page
//! of it is loose. Fork: a page's bit is set after its last user has let it go, and cleared before its next user can have it; a child
//! recounts.

use super::bits::{Bits, TRACT};
use super::tokens::Run;
use crate::base::sync::{AtomicU32, Gauge, Ordering};
use crate::base::units::Page;
use crate::sys::Errno;
use crate::sys::vm::Span;
use core::ops::Range;

/// See the module. All zero has nothing loose.
#[derive(Debug, Default)]
#[repr(C)]
pub struct LooseMap {
    pages: Bits,
    tracts: Bits,
    count: Gauge,
    /// The end of the last tract that ever had a loose page.
    end: AtomicU32,
}

impl LooseMap {
    /// Bytes to reserve for `pages` pages.
    pub fn bytes_for(pages: usize) -> usize {
        Bits::bytes_for(pages) + Bits::bytes_for(pages.div_ceil(TRACT as usize))
    }

    /// Cuts room for `pages` pages from `metadata`; returns the rest.
    pub fn settle(&self, metadata: Span, pages: usize) -> Span {
        let rest = self.pages.settle(metadata, pages);
        self.tracts.settle(rest, pages.div_ceil(TRACT as usize))
    }

    /// As [`Table::give_up_unused`](super::Table::give_up_unused).
    pub fn give_up_unused(&self) {
        self.pages.give_up_unused();
        self.tracts.give_up_unused();
    }

    /// Bytes committed.
    pub fn committed(&self) -> usize {
        self.pages.committed() + self.tracts.committed()
    }

    /// Loose pages.
    pub fn count(&self) -> u32 {
        self.count.get() as u32
    }

    /// Makes a free run's pages loose; returns the run if the map cannot grow that far.
    pub fn put(&self, run: Run) -> Result<(), Run> {
        let range = run.page.0..run.page.0 + run.pages;
        if self.extend_to(range.end).is_err() {
            return Err(run);
        }
        let tracts = range.start / TRACT..range.end.div_ceil(TRACT);
        // Stored only if it changes, which is seldom: it lies in a cache line that others read.
        if tracts.end > self.end() {
            self.end.store(tracts.end, Ordering::Relaxed);
        }
        self.tracts.set(tracts);
        self.pages.set(range);
        self.count.add(run.pages.into());
        Ok(())
    }

    fn end(&self) -> u32 {
        self.end.load(Ordering::Relaxed)
    }

    fn pages_of(&self, tract: u32) -> Range<u32> {
        tract * TRACT..(tract * TRACT + TRACT).min(self.pages.len())
    }

    fn extend_to(&self, pages: u32) -> Result<(), Errno> {
        if pages <= self.pages.len() {
            return Ok(());
        }
        self.tracts.extend_to(pages.div_ceil(TRACT) as usize)?;
        self.pages.extend_to(pages as usize)
    }

    /// The `pages` pages from `first` on, all of them loose, are loose no longer.
    pub fn take(&self, first: Page, pages: u32) {
        self.pages.clear(first.0..first.0 + pages);
        self.count.sub(pages.into());
    }

    /// The first page from `first` to `end` that is not loose, or `end` if there is none.
    pub fn end_of(&self, first: Page, end: Page) -> Page {
        let known = end.0.min(self.pages.len());
        match self.pages.first(first.0..known, false) {
            Some(page) => Page(page),
            None => Page(known.max(first.0)),
        }
    }

    /// Returns whether a page is loose.
    pub fn has(&self, page: Page) -> bool {
        self.end_of(page, page.plus(1)) != page
    }

    /// The first loose stretch in the first tract that has any.
    pub fn lowest(&self) -> Option<Run> {
        self.find(|tracts| self.tracts.first(tracts, true))
    }

    /// The first loose stretch in the last tract that has any.
    pub fn highest(&self) -> Option<Run> {
        self.find(|tracts| self.tracts.last(tracts, true))
    }

    fn find(&self, stocked: impl Fn(Range<u32>) -> Option<u32>) -> Option<Run> {
        if self.count() == 0 {
            return None;
        }
        while let Some(tract) = stocked(0..self.end()) {
            let Range { start, end } = self.pages_of(tract);
            if let Some(first) = self.pages.first(start..end, true) {
                let behind = self.pages.first(first..end, false).unwrap_or(end);
                return Some(Run { page: Page(first), pages: behind - first, zero: false });
            }
            self.tracts.clear(tract..tract + 1);
        }
        None
    }

    /// In a forked child: no page of a range is loose, because something else is recorded about it.
    pub fn forget(&self, range: Range<Page>) {
        let end = range.end.0.min(self.pages.len());
        if range.start.0 < end {
            self.pages.clear(range.start.0..end);
        }
    }

    /// In a forked child: recounts the loose pages.
    pub fn recount(&self) {
        let count = self.counted();
        self.count.sub(self.count.get());
        self.count.add(count);
    }

    fn counted(&self) -> u64 {
        self.pages.ones(0..self.pages.len())
    }

    /// Returns whether the count is right, and all loose pages can be found.
    pub fn validate(&self) -> bool {
        let found = |tract| if self.tracts.all(tract..tract + 1) { self.pages.ones(self.pages_of(tract)) } else { 0 };
        self.counted() == self.count.get() && (0..self.end()).map(found).sum::<u64>() == self.count.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::PAGE;

    const PAGES: usize = 1 << 20;

    fn map() -> LooseMap {
        let map = LooseMap::default();
        map.settle(Span::reserve(LooseMap::bytes_for(PAGES), PAGE).unwrap(), PAGES);
        map
    }

    fn run(page: u32, pages: u32) -> Run {
        Run { page: Page(page), pages, zero: false }
    }

    #[test]
    fn what_is_loose_is_found_from_the_last_tract_on_or_the_first() {
        let map = map();
        assert_eq!((map.highest(), map.lowest(), map.committed()), (None, None, 0));
        for loose in [run(30, 70), run(TRACT * 9 + 500, 100), run(TRACT * 90, 3)] {
            map.put(loose).unwrap();
        }
        assert!(map.validate());
        assert_eq!(map.lowest(), Some(run(30, 70)));
        let found = core::iter::from_fn(|| map.highest().inspect(|run| map.take(run.page, run.pages)));
        assert!(found.eq([run(TRACT * 90, 3), run(TRACT * 10, 88), run(TRACT * 9 + 500, 12), run(30, 70)]));
        assert_eq!(map.count(), 0);
        assert!(map.validate());
    }

    #[test]
    fn what_was_taken_of_a_stretch_ends_it() {
        let map = map();
        assert_eq!(map.end_of(Page(9), Page(90)), Page(9), "the map is not there yet");
        map.put(run(10, 50)).unwrap();
        map.put(run(60, 40)).unwrap();
        assert_eq!(map.end_of(Page(10), Page(500)), Page(100));
        assert_eq!(map.end_of(Page(10), Page(70)), Page(70));
        map.take(Page(30), 20);
        assert_eq!((map.end_of(Page(10), Page(100)), map.count()), (Page(30), 70));
        assert!(map.has(Page(29)) && !map.has(Page(30)) && !map.has(Page(PAGES as u32 - 1)));
    }

    #[test]
    fn a_child_forgets_what_is_known_otherwise() {
        let map = map();
        map.put(run(100, 100)).unwrap();
        map.forget(Page(150)..Page(PAGES as u32));
        assert!(!map.validate());
        map.recount();
        assert!(map.validate());
        assert_eq!(map.count(), 50);
    }
}
