//! Which pages are free, and where the first stretch of so many is.
//!
//! A bit for each page; a [`Summary`] for each **tract** (512 pages, a cache line of bits); and above them a tree: a summary of each 16 of
//! the level below. To find the lowest stretch of n pages is to walk down from the top, looking at no more than 16 summaries on each
//! level: a heap of 100 GiB costs some twenty looks more than one of 1 GiB.
//!
//! Invariants, wherever the arena's lock is free: a bit is set iff its page lies in a run of the arena's lists; each summary is that of
//! its bits, or of its 16 below. Everything is changed under that lock. Fork: the map is made anew with the lists.
//!
//! In memory the levels follow each other, the top first, so those of a small region share a page.

use super::summary::{MOST, Summary};
use super::table::Table;
use crate::base::sync::{AtomicU32, AtomicU64, Ordering};
use crate::base::units::Page;
use crate::sys::Errno;
use crate::sys::vm::Span;

/// Bits in a word.
const WORD: u32 = u64::BITS;
/// Words of a tract.
const WORDS: usize = 8;
/// Pages of a tract (2 MiB).
const TRACT: u32 = WORD * WORDS as u32;
/// Summaries under one.
const FAN: u32 = 16;
/// Levels: the top one has no more than [`FAN`] summaries, however long the region.
const LEVELS: usize = 6;

/// See the module. All zero is the map of no pages.
#[derive(Debug, Default)]
pub struct FreeMap {
    bits: Table<AtomicU64>,
    summaries: Table<AtomicU64>,
    /// Where each level begins among the summaries; level 0 is the tracts'.
    begins: [AtomicU32; LEVELS],
    /// Tracts that have pages.
    tracts: AtomicU32,
}

fn tracts(pages: usize) -> u32 {
    pages.div_ceil(TRACT as usize) as u32
}

/// Summaries of a level over so many tracts.
fn width(tracts: u32, level: usize) -> u32 {
    tracts.div_ceil(FAN.pow(level as u32))
}

/// Pages under one summary of a level; no more than [`MOST`] are told apart.
fn pages_under(level: usize) -> u32 {
    TRACT * FAN.pow(level as u32)
}

/// The words in which pages lie, and their bits there.
fn masks(first: Page, pages: u32) -> impl Iterator<Item = (usize, u64)> {
    let end = first.0 + pages;
    (first.0 / WORD..end.div_ceil(WORD)).map(move |index| {
        let (from, to) = (first.0.max(index * WORD), end.min(index * WORD + WORD));
        (index as usize, u64::MAX >> (WORD - (to - from)) << (from % WORD))
    })
}

/// The free stretches of a tract, as (first page, length) within it.
fn stretches(words: [u64; WORDS]) -> impl Iterator<Item = (u32, u32)> {
    let next = move |from: u32, sought: bool| {
        let within = |index: usize| if sought { words[index] } else { !words[index] };
        let first = (from < TRACT).then(|| within((from / WORD) as usize) & (u64::MAX << (from % WORD)))?;
        if first != 0 {
            return Some(from / WORD * WORD + first.trailing_zeros());
        }
        let index = (from / WORD + 1..WORDS as u32).find(|&index| within(index as usize) != 0)?;
        Some(index * WORD + within(index as usize).trailing_zeros())
    };
    let mut end = 0;
    core::iter::from_fn(move || {
        let first = next(end, true)?;
        end = next(first, false).unwrap_or(TRACT);
        Some((first, end - first))
    })
}

impl FreeMap {
    /// Bytes to reserve for `pages` pages.
    pub fn bytes_for(pages: usize) -> usize {
        let summaries = (0..LEVELS).map(|level| width(tracts(pages), level) as usize).sum();
        Table::<AtomicU64>::bytes_for(tracts(pages) as usize * WORDS) + Table::<AtomicU64>::bytes_for(summaries)
    }

    /// Cuts room for `pages` pages from `metadata`; returns the rest.
    pub fn settle(&self, metadata: Span, pages: usize) -> Span {
        let mut begin = 0;
        for level in (0..LEVELS).rev() {
            self.begins[level].store(begin, Ordering::Relaxed);
            begin += width(tracts(pages), level);
        }
        let rest = self.bits.settle(metadata, tracts(pages) as usize * WORDS);
        self.summaries.settle(rest, begin as usize)
    }

    /// Bytes committed.
    pub fn committed(&self) -> usize {
        self.bits.committed() + self.summaries.committed()
    }

    /// Makes room for `pages` pages; new ones are not free.
    pub fn extend_to(&self, pages: usize) -> Result<(), Errno> {
        let tracts = tracts(pages);
        self.bits.extend_to(tracts as usize * WORDS)?;
        self.summaries.extend_to((self.begins[0].load(Ordering::Relaxed) + tracts) as usize)?;
        let before = self.tracts.swap(tracts, Ordering::Relaxed);
        self.summarise_above(before.saturating_sub(1), tracts - 1);
        Ok(())
    }

    /// Notes that `pages` pages from `first` on are free now, or no longer are.
    pub fn mark(&self, first: Page, pages: u32, free: bool) {
        for (index, mask) in masks(first, pages) {
            let word = self.bits.get(index);
            let bits = word.load(Ordering::Relaxed);
            word.store(if free { bits | mask } else { bits & !mask }, Ordering::Relaxed);
        }
        self.summarise(first.0 / TRACT, (first.0 + pages - 1) / TRACT);
    }

    /// Whether `pages` pages of the region from `first` on are free.
    pub fn is_free(&self, first: Page, pages: u32) -> bool {
        masks(first, pages).all(|(index, mask)| self.bits.get(index).load(Ordering::Relaxed) & mask == mask)
    }

    /// The first of the lowest `pages` pages that follow each other and are free; at most [`MOST`] can be asked for.
    pub fn first_fit(&self, pages: u32) -> Option<Page> {
        self.first_fit_counted(pages, || ())
    }

    /// As [`FreeMap::first_fit`]; `looked` is called for each summary that is looked at.
    fn first_fit_counted(&self, pages: u32, mut looked: impl FnMut()) -> Option<Page> {
        let mut part = 0;
        for level in (0..LEVELS).rev() {
            let (parts, size) = (self.below(part, level), pages_under(level));
            let mut before = 0;
            part = 'found: {
                for part in parts {
                    looked();
                    let summary = self.summary(level, part);
                    if before + summary.front >= pages {
                        return Some(Page(part * size - before));
                    }
                    if summary.longest >= pages {
                        break 'found part;
                    }
                    before = summary.back_behind(before, size);
                }
                return None;
            };
        }
        let (first, _) = stretches(self.words(part)).find(|&(_, len)| len >= pages)?;
        Some(Page(part * TRACT + first))
    }

    /// Summarises anew the tracts from `first` to `last` and, if that changes something, what lies above.
    fn summarise(&self, first: u32, last: u32) {
        let of_bits = |tract| Summary::of_stretches(stretches(self.words(tract)), TRACT);
        if self.replace(0, first, last, of_bits) {
            self.summarise_above(first, last);
        }
    }

    fn summarise_above(&self, first: u32, last: u32) {
        let (mut first, mut last) = (first, last);
        for level in 1..LEVELS {
            (first, last) = (first / FAN, last / FAN);
            if !self.replace(level, first, last, |part| self.of_below(level, part)) {
                return;
            }
        }
    }

    /// Whether any of the summaries from `first` to `last` changes.
    fn replace(&self, level: usize, first: u32, last: u32, of: impl Fn(u32) -> Summary) -> bool {
        (first..=last).fold(false, |changed, part| {
            let (word, summary) = (self.word(level, part), of(part).to_word());
            let same = word.load(Ordering::Relaxed) == summary;
            word.store(summary, Ordering::Relaxed);
            changed || !same
        })
    }

    fn of_below(&self, level: usize, part: u32) -> Summary {
        let below = self.below(part, level - 1).map(|below| self.summary(level - 1, below));
        Summary::of_parts(below, pages_under(level - 1))
    }

    /// The parts on `level` under part `above` of the next.
    fn below(&self, above: u32, level: usize) -> core::ops::Range<u32> {
        above * FAN..(above * FAN + FAN).min(width(self.tracts.load(Ordering::Relaxed), level))
    }

    fn summary(&self, level: usize, part: u32) -> Summary {
        Summary::of_word(self.word(level, part).load(Ordering::Relaxed))
    }

    fn word(&self, level: usize, part: u32) -> &AtomicU64 {
        self.summaries.get((self.begins[level].load(Ordering::Relaxed) + part) as usize)
    }

    fn words(&self, tract: u32) -> [u64; WORDS] {
        let first = tract as usize * WORDS;
        core::array::from_fn(|index| self.bits.get(first + index).load(Ordering::Relaxed))
    }

    /// Free pages, counted; none if a summary is wrong.
    pub fn validate(&self) -> Option<u64> {
        let tracts = self.tracts.load(Ordering::Relaxed);
        let of_bits = |tract| Summary::of_stretches(stretches(self.words(tract)), TRACT);
        let right =
            |level| (0..width(tracts, level)).all(|part| self.summary(level, part) == self.of_below(level, part));
        let all_right = (0..tracts).all(|tract| self.summary(0, tract) == of_bits(tract)) && (1..LEVELS).all(right);
        let free = |tract| self.words(tract).iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        all_right.then(|| (0..tracts).map(free).sum())
    }
}

const _: () = assert!(MOST >= TRACT);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::PAGE;
    use std::vec::Vec;
    extern crate std;

    /// A map of so many pages, none of them free.
    fn map(pages: u32) -> FreeMap {
        let map = FreeMap::default();
        map.settle(Span::reserve(FreeMap::bytes_for(pages as usize), PAGE).unwrap(), pages as usize);
        map.extend_to(pages as usize).unwrap();
        map
    }

    /// The lowest stretch, page by page.
    fn first_fit_slowly(free: &[bool], pages: u32) -> Option<Page> {
        free.windows(pages as usize).position(|window| window.iter().all(|&free| free)).map(|at| Page(at as u32))
    }

    #[test]
    fn the_stretches_of_a_tract() {
        let of = |words| stretches(words).collect::<Vec<_>>();
        assert_eq!(of([0; WORDS]), []);
        assert_eq!(of([u64::MAX; WORDS]), [(0, TRACT)]);
        let mut words = [0; WORDS];
        (words[0], words[1], words[2], words[7]) = (0b1011 | 1 << 63, u64::MAX, 1, 1 << 63);
        assert_eq!(of(words), [(0, 2), (3, 1), (63, 66), (511, 1)]);
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
            map.mark(Page(first), len, state);
            free[first as usize..(first + len) as usize].fill(state);
            assert_eq!(map.is_free(Page(first), len), state);
            let pages = 1 + (random >> 50) as u32 % 1500;
            assert_eq!(map.first_fit(pages), first_fit_slowly(&free, pages), "turn {turn}: {pages} pages");
        }
        assert_eq!(map.validate(), Some(free.iter().filter(|&&free| free).count() as u64));
    }

    #[test]
    fn the_longest_that_can_be_asked_for_is_found_in_free_space_without_end() {
        let map = map(40 * MOST);
        map.mark(Page(100), 39 * MOST, true);
        assert_eq!(map.first_fit(MOST), Some(Page(100)));
        map.mark(Page(100), 20 * MOST, false);
        map.mark(Page(500), MOST - 1, true);
        assert_eq!(map.first_fit(MOST), Some(Page(100 + 20 * MOST)));
    }

    /// Looks at summaries to find the only stretch that is long enough, at the end of a region of so many GiB; the rest is full of short ones.
    fn looks_in(gib: u32) -> u32 {
        let pages = gib << 18;
        let map = map(pages);
        (0..pages / TRACT).for_each(|tract| map.mark(Page(tract * TRACT + 9), 9, true));
        map.mark(Page(pages - 30), 30, true);
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
    fn a_map_that_grows_keeps_what_it_knows() {
        let map = FreeMap::default();
        map.settle(Span::reserve(FreeMap::bytes_for(1 << 20), PAGE).unwrap(), 1 << 20);
        for end in (1..400).map(|step| step * 700) {
            map.extend_to(end).unwrap();
            assert!(map.validate().is_some(), "{end} pages");
            map.mark(Page(end as u32 - 350), 350, true);
        }
        assert_eq!(map.validate(), Some(399 * 350));
        assert_eq!(map.first_fit(351), None);
    }
}
