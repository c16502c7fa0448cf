//! Which pages are free, and where the first stretch of a given length is.
//!
//! There is a bit for each page, and a **bound** for each **tract** (512 pages, a cache line of bits): no stretch of free pages that begins in the tract
//! is longer. Above the bounds lies a tree: each word is the largest of 16 words of the level below. The lowest stretch of n pages begins in the first
//! tract whose bound is n or more, and the search for that tract, from the top down, looks at no more than 16 bounds on each level: a heap of 100 GiB
//! costs some twenty looks more than one of 1 GiB.
//!
//! A bound is raised whenever a stretch comes into being, which costs the search for its two ends. It is lowered only by a search that looked at the
//! tract in vain: then it is exact. So a bound that is too high costs one look, once.
//!
//! Invariants, whenever the arena's lock is free: a bit is set iff its page lies in a run of the arena's lists or is loose; no bound is too low; each word
//! of the tree is the largest of those below it. Everything is changed under that lock. Fork: the map is rebuilt together with the lists.
//!
//! In memory the levels follow each other, the top first, so that the levels of a small region share a page.

use super::bits::{Bits, TRACT};
use super::table::Table;
use crate::base::sync::{AtomicU32, Ordering};
use crate::base::units::{MAX_RUN_PAGES, Page};
use crate::sys::Errno;
use crate::sys::vm::Span;
use core::ops::Range;

/// The longest stretch that is ever looked for: a run, and what its alignment may cost in addition. No bound is higher.
const MOST: u32 = 2 * MAX_RUN_PAGES;
/// Stretches that are tried for an aligned place.
const TRIES: u32 = 32;
/// Words of a level under one word of the next.
const FAN: u32 = 16;
/// Levels of the longest region; a region uses the levels up to the first that has at most [`FAN`] words.
const LEVELS: usize = 6;

/// See the module. All zero is the map of no pages.
#[derive(Debug, Default)]
pub struct FreeMap {
    bits: Bits,
    bounds: Table<AtomicU32>,
    /// Where each level begins in `bounds`; level 0 holds the tracts' bounds.
    begins: [AtomicU32; LEVELS],
    /// Tracts that have pages.
    tracts: AtomicU32,
    /// The top level.
    top: AtomicU32,
}

fn tracts(pages: usize) -> u32 {
    pages.div_ceil(TRACT as usize) as u32
}

/// Words of a level over `tracts` tracts.
fn width(tracts: u32, level: usize) -> u32 {
    tracts.div_ceil(FAN.pow(level as u32))
}

impl FreeMap {
    /// Bytes to reserve for `pages` pages.
    pub fn bytes_for(pages: usize) -> usize {
        let bounds = (0..LEVELS).map(|level| width(tracts(pages), level) as usize).sum();
        Bits::bytes_for(pages.next_multiple_of(TRACT as usize)) + Table::<AtomicU32>::bytes_for(bounds)
    }

    /// Cuts room for `pages` pages from `metadata`; returns the rest.
    pub fn settle(&self, metadata: Span, pages: usize) -> Span {
        let mut begin = 0;
        for level in (0..LEVELS).rev() {
            self.begins[level].store(begin, Ordering::Relaxed);
            begin += width(tracts(pages), level);
        }
        let rest = self.bits.settle(metadata, pages.next_multiple_of(TRACT as usize));
        self.bounds.settle(rest, begin as usize)
    }

    /// As [`Table::give_up_unused`].
    pub fn give_up_unused(&self) {
        self.bits.give_up_unused();
        self.bounds.give_up_unused();
    }

    /// Bytes committed.
    pub fn committed(&self) -> usize {
        self.bits.committed() + self.bounds.committed()
    }

    /// Makes room for `pages` pages; new ones are not free.
    pub fn extend_to(&self, pages: usize) -> Result<(), Errno> {
        let tracts = tracts(pages);
        self.bits.extend_to(pages.next_multiple_of(TRACT as usize))?;
        self.bounds.extend_to((self.begins[0].load(Ordering::Relaxed) + tracts) as usize)?;
        if self.tracts.swap(tracts, Ordering::Relaxed) == 0 {
            // A page that is read before it is written costs a second fault.
            self.word(0, 0).store(0, Ordering::Relaxed);
        }
        let top = (0..LEVELS).find(|&level| width(tracts, level) <= FAN).unwrap_or(LEVELS - 1);
        // A new top level begins with one word over everything below.
        for level in self.top() + 1..=top {
            self.word(level, 0).store(self.largest_below(level, 0), Ordering::Relaxed);
        }
        self.top.store(top as u32, Ordering::Relaxed);
        Ok(())
    }

    /// Notes that `pages` pages from `first` on are free now.
    pub fn mark_free(&self, first: Page, pages: u32) {
        self.bits.set(first.0..first.0 + pages);
        // If more pages before it are free than are ever looked for, the bound of their tract says so already.
        if let Some(start) = self.start_of(first) {
            self.raise(start, (self.end_of(first.plus(pages)).0 - start.0).min(MOST));
        }
    }

    /// Notes that `pages` pages from `first` on are no longer free.
    pub fn mark_used(&self, first: Page, pages: u32) {
        self.bits.clear(first.0..first.0 + pages);
        let rest = first.plus(pages);
        let began_a_stretch = first.0 == 0 || !self.bits.all(first.0 - 1..first.0);
        // Needed unless the pages behind them begin in the same tract as the stretch that began with them: that tract's bound covers both.
        if !(began_a_stretch && first.0 / TRACT == rest.0 / TRACT) {
            self.raise(rest, self.end_of(rest).0 - rest.0);
        }
    }

    /// In a forked child: no page is free. What a thread that no longer exists was about to change may be changed in part: a bound, but not yet the words
    /// above it.
    pub fn clear(&self) {
        let tracts = self.tracts.load(Ordering::Relaxed);
        if tracts == 0 {
            return;
        }
        self.bits.clear(0..tracts * TRACT);
        let levels = (0..=self.top()).map(|level| self.bounds_of(level, 0..width(tracts, level)));
        levels.flatten().for_each(|bound| bound.store(0, Ordering::Relaxed));
    }

    /// Returns whether the `pages` pages from `first` on are free.
    pub fn is_free(&self, first: Page, pages: u32) -> bool {
        self.bits.all(first.0..first.0 + pages)
    }

    /// The first of the lowest `pages` consecutive free pages; `pages` is at most [`MOST`].
    pub fn first_fit(&self, pages: u32) -> Option<Page> {
        self.first_fit_counted(pages, || ())
    }

    /// Like [`FreeMap::first_fit`]; calls `looked` for each look at a bound or a tract.
    fn first_fit_counted(&self, pages: u32, mut looked: impl FnMut()) -> Option<Page> {
        self.fit_in(pages, || {
            let tract = self.first_bound(pages, &mut looked)?;
            looked();
            Some(tract)
        })
    }

    /// The lowest stretch of `pages` pages in the tract that `tract` returns. If there is none, lowers the tract's bound and calls `tract` again.
    fn fit_in(&self, pages: u32, mut tract: impl FnMut() -> Option<u32>) -> Option<Page> {
        loop {
            let tract = tract()?;
            match self.bits.first_run(tract * TRACT..tract * TRACT + TRACT, pages) {
                Ok(start) => return Some(Page(start)),
                Err(longest) => self.lower(tract, longest),
            }
        }
    }

    /// A low place for `pages` pages whose first is a multiple of `align` (a power of two). Tries the lowest stretches that are long enough for the pages
    /// alone, which may hold no such place; then takes the lowest stretch that is long enough for pages and alignment, which always does.
    pub fn aligned_fit(&self, pages: u32, align: u32) -> Option<Page> {
        let place_in = |stretch: Page| Page(stretch.0.next_multiple_of(align));
        let mut stretch = self.first_fit(pages);
        for _ in 0..TRIES {
            let start = stretch?;
            let (place, end) = (place_in(start), self.end_of(start));
            if place.plus(pages) <= end {
                return Some(place);
            }
            stretch = self.next_fit(pages, end);
        }
        self.first_fit(pages + align - 1).map(place_in)
    }

    /// The lowest stretch of `pages` pages that begins at `from` or behind it.
    fn next_fit(&self, pages: u32, from: Page) -> Option<Page> {
        let next = from.0 / TRACT + 1;
        let (mut at, end) = (from, Page(next * TRACT));
        while let Some(start) = self.seek(at, end, true) {
            at = self.end_of(start);
            if at.0 - start.0 >= pages {
                return Some(start);
            }
        }
        self.fit_in(pages, || self.next_bound(pages, next))
    }

    /// The first tract from `tract` on whose bound is `pages` or more: goes up until a word behind those already passed is large enough, then down again.
    fn next_bound(&self, pages: u32, tract: u32) -> Option<u32> {
        let mut part = tract;
        for level in 0..=self.top() {
            let rest = part..self.below(part / FAN, level).end;
            if !rest.is_empty()
                && let Some(found) = self.first_of(level, rest, pages, &mut || ())
            {
                return self.descend(found, level, pages, &mut || ());
            }
            part = part / FAN + 1;
        }
        None
    }

    /// From a word of a level that is `pages` or more down to the first tract whose bound is.
    fn descend(&self, part: u32, level: usize, pages: u32, looked: &mut impl FnMut()) -> Option<u32> {
        (0..level).rev().try_fold(part, |above, level| self.first_of(level, self.below(above, level), pages, looked))
    }

    /// The first of these words of a level that is `pages` or more.
    fn first_of(&self, level: usize, parts: Range<u32>, pages: u32, looked: &mut impl FnMut()) -> Option<u32> {
        let mut bounds = self.bounds_of(level, parts.clone()).iter().inspect(|_| looked());
        Some(parts.start + bounds.position(|bound| bound.load(Ordering::Relaxed) >= pages)? as u32)
    }

    /// The first tract whose bound is `pages` or more.
    fn first_bound(&self, pages: u32, looked: &mut impl FnMut()) -> Option<u32> {
        if self.tracts.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.descend(0, self.top() + 1, pages, looked)
    }

    /// Notes that a stretch of `pages` pages begins at `start`.
    fn raise(&self, start: Page, pages: u32) {
        let mut part = start.0 / TRACT;
        for level in 0..=self.top() {
            // Nothing begins behind the last page, where `pages` is 0.
            if pages == 0 || self.word(level, part).load(Ordering::Relaxed) >= pages {
                return;
            }
            self.word(level, part).store(pages, Ordering::Relaxed);
            part /= FAN;
        }
    }

    /// Notes that no stretch that begins in a tract is longer than `longest`.
    fn lower(&self, tract: u32, longest: u32) {
        let (mut part, mut bound) = (tract, longest);
        for level in 0..=self.top() {
            let was = self.word(level, part).load(Ordering::Relaxed);
            self.word(level, part).store(bound, Ordering::Relaxed);
            part /= FAN;
            // The word above stays unless this one was the largest below it.
            if level == self.top() || self.word(level + 1, part).load(Ordering::Relaxed) > was {
                return;
            }
            bound = self.largest_below(level + 1, part);
        }
    }

    /// The first page from `from` to `end` that is free, or that is not if `free` is false.
    fn seek(&self, from: Page, end: Page, free: bool) -> Option<Page> {
        self.bits.first(from.0..end.0, free).map(Page)
    }

    /// The first page from `page` on that is not free, or a page far enough behind it.
    fn end_of(&self, page: Page) -> Page {
        let far = page.plus((self.bits.len() - page.0).min(MOST));
        self.seek(page, far, false).unwrap_or(far)
    }

    /// Where the stretch of free pages that ends before `page` begins; `None` if that is more than [`MOST`] pages before it.
    fn start_of(&self, page: Page) -> Option<Page> {
        let far = page.0.saturating_sub(MOST);
        match self.bits.last(far..page.0, false) {
            Some(used) => Some(Page(used + 1)),
            None => (far == 0).then_some(Page(0)),
        }
    }

    /// The words of `level` under word `above` of the next level.
    fn below(&self, above: u32, level: usize) -> Range<u32> {
        above * FAN..(above * FAN + FAN).min(width(self.tracts.load(Ordering::Relaxed), level))
    }

    fn largest_below(&self, level: usize, part: u32) -> u32 {
        let below = self.bounds_of(level - 1, self.below(part, level - 1));
        below.iter().map(|bound| bound.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    fn top(&self) -> usize {
        self.top.load(Ordering::Relaxed) as usize
    }

    fn word(&self, level: usize, part: u32) -> &AtomicU32 {
        self.bounds.get((self.begins[level].load(Ordering::Relaxed) + part) as usize)
    }

    fn bounds_of(&self, level: usize, parts: Range<u32>) -> &[AtomicU32] {
        let begin = self.begins[level].load(Ordering::Relaxed);
        self.bounds.range((begin + parts.start) as usize..(begin + parts.end) as usize)
    }

    /// Counts the free pages; `None` if a bound is too low or a word of the tree is wrong.
    pub fn validate(&self) -> Option<u64> {
        let tracts = self.tracts.load(Ordering::Relaxed);
        let bound = |level, part| self.word(level, part).load(Ordering::Relaxed);
        let (mut at, end) = (Page(0), Page(tracts * TRACT));
        while let Some(start) = self.seek(at, end, true) {
            at = self.seek(start, end, false).unwrap_or(end);
            if bound(0, start.0 / TRACT) < (at.0 - start.0).min(MOST) {
                return None;
            }
        }
        let is_largest =
            |level| (0..width(tracts, level)).all(|part| bound(level, part) == self.largest_below(level, part));
        (1..=self.top()).all(is_largest).then(|| self.bits.ones(0..tracts * TRACT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::PAGE;
    extern crate std;

    /// A map of `pages` pages, none of them free.
    fn map(pages: u32) -> FreeMap {
        let map = FreeMap::default();
        map.settle(Span::reserve(FreeMap::bytes_for(pages as usize), PAGE).unwrap(), pages as usize);
        map.extend_to(pages as usize).unwrap();
        map
    }

    #[test]
    fn a_child_finds_every_stretch_whatever_was_changed_in_part() {
        const PAGES: u32 = 40 * TRACT;
        for (level, bound) in [(0, MOST), (0, 0), (1, MOST), (1, 0)] {
            let map = map(PAGES);
            map.mark_free(Page(0), PAGES / 2);
            map.mark_free(Page(PAGES / 4 * 3), TRACT);
            map.word(level, PAGES / 4 * 3 / TRACT / FAN.pow(level as u32)).store(bound, Ordering::Relaxed);
            map.clear();
            assert_eq!((map.validate(), map.first_fit(1)), (Some(0), None));
            map.mark_free(Page(PAGES / 4 * 3), TRACT);
            assert_eq!((map.validate(), map.first_fit(TRACT)), (Some(TRACT.into()), Some(Page(PAGES / 4 * 3))));
        }
    }

    /// The lowest stretch, page by page.
    fn first_fit_slowly(free: &[bool], pages: u32) -> Option<Page> {
        free.windows(pages as usize).position(|window| window.iter().all(|&free| free)).map(|at| Page(at as u32))
    }

    fn aligned_fit_slowly(free: &[bool], pages: u32, align: u32) -> Option<Page> {
        let is_free = |place: &usize| {
            free[*place..].len() >= pages as usize && free[*place..][..pages as usize].iter().all(|&free| free)
        };
        (0..free.len()).step_by(align as usize).find(is_free).map(|at| Page(at as u32))
    }

    #[test]
    fn the_lowest_stretch_is_found_and_no_other() {
        const PAGES: u32 = 20 * TRACT + 77;
        let map = map(PAGES);
        let mut free = std::vec![false; PAGES as usize];
        let mut random = 1_u64;
        for turn in 0..600 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (first, len, state) = ((random >> 33) as u32 % PAGES, 1 + (random >> 20) as u32 % 900, turn % 3 != 0);
            let len = len.min(PAGES - first);
            if state {
                map.mark_free(Page(first), len)
            } else {
                map.mark_used(Page(first), len)
            }
            free[first as usize..(first + len) as usize].fill(state);
            assert_eq!(map.is_free(Page(first), len), state);
            let pages = 1 + (random >> 50) as u32 % 1500;
            assert_eq!(map.first_fit(pages), first_fit_slowly(&free, pages), "turn {turn}: {pages} pages");
            let align = 1 << (random >> 40 & 7);
            let place = map.aligned_fit(pages.min(200), align);
            assert!(place.is_none_or(|place| place.0.is_multiple_of(align) && map.is_free(place, pages.min(200))));
            assert_eq!(
                place,
                aligned_fit_slowly(&free, pages.min(200), align),
                "turn {turn}: {pages} pages at {align}"
            );
            assert_eq!(map.validate(), Some(free.iter().filter(|&&free| free).count() as u64), "turn {turn}");
        }
    }

    #[test]
    fn an_aligned_place_is_found_behind_stretches_that_have_none() {
        let map = map(600 * TRACT);
        let mark_off = |tract: u32| map.mark_free(Page(tract * TRACT + 1), 100);
        (0..TRIES - 1).for_each(|tract| mark_off(tract * 17));
        map.mark_free(Page(590 * TRACT), 100);
        assert_eq!(map.aligned_fit(100, 128), Some(Page(590 * TRACT)));
        mark_off(TRIES * 17);
        assert_eq!(map.aligned_fit(100, 128), None, "too many of them");
        map.mark_free(Page(599 * TRACT), 227);
        assert_eq!(map.aligned_fit(100, 128), Some(Page(599 * TRACT)), "as long as it is it must have one");
    }

    #[test]
    fn the_longest_that_can_be_asked_for_is_found_in_free_space_without_end() {
        let map = map(40 * MOST);
        map.mark_free(Page(100), 39 * MOST);
        assert_eq!(map.first_fit(MOST), Some(Page(100)));
        map.mark_used(Page(100), 20 * MOST);
        assert_eq!(map.first_fit(MOST), Some(Page(100 + 20 * MOST)));
        map.mark_free(Page(500), MOST - 1);
        assert_eq!(map.first_fit(MOST), Some(Page(100 + 20 * MOST)));
        map.mark_free(Page(500 + MOST - 1), 1);
        assert_eq!(map.first_fit(MOST), Some(Page(500)));
        map.mark_free(Page(100 + MOST), 19 * MOST);
        assert_eq!(map.validate(), Some(u64::from(39 * MOST - 400)));
    }

    /// Number of looks to find the only stretch that is long enough, at the end of a region of `gib` GiB; the rest is full of short ones.
    fn looks_in(gib: u32) -> u32 {
        let pages = gib << 18;
        let map = map(pages);
        (0..pages / TRACT).for_each(|tract| map.mark_free(Page(tract * TRACT + 9), 9));
        map.mark_free(Page(pages - 30), 30);
        let mut looks = 0;
        assert_eq!(map.first_fit_counted(10, || looks += 1), Some(Page(pages - 30)));
        looks
    }

    #[test]
    fn a_large_heap_is_searched_as_fast_as_a_small_one() {
        let (small, large) = (looks_in(1), looks_in(100));
        assert!(large <= small + 20 && large <= FAN * LEVELS as u32, "{small} and {large} looks");
    }

    #[test]
    fn a_tract_is_looked_at_in_vain_once() {
        let map = map(64 * TRACT);
        (0..64).for_each(|tract| {
            map.mark_free(Page(tract * TRACT + 9), 90);
            map.mark_used(Page(tract * TRACT + 50), 1);
        });
        let looks = || {
            let mut looks = 0;
            assert_eq!(map.first_fit_counted(60, || looks += 1), None);
            looks
        };
        assert!(looks() > 64);
        assert_eq!(looks(), 4, "the four bounds at the top");
    }

    #[test]
    fn a_map_that_grows_keeps_what_it_knows() {
        let map = FreeMap::default();
        map.settle(Span::reserve(FreeMap::bytes_for(1 << 20), PAGE).unwrap(), 1 << 20);
        for end in (1..400).map(|step| step * 700) {
            map.extend_to(end).unwrap();
            assert!(map.validate().is_some(), "{end} pages");
            map.mark_free(Page(end as u32 - 350), 350);
        }
        assert_eq!(map.validate(), Some(399 * 350));
        assert_eq!(map.first_fit(351), None);
    }
}
