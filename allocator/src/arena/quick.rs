//! The quick list: the last few large runs that were freed, kept whole for the next request of exactly that length (Weinstock 1988).
//!
//! Without it, a program that frees and allocates objects of a few lengths would split and merge the same runs for ever, and a run whose length is no
//! power of two would seldom come back in one piece. A run leaves for the free pages when newer runs push it out, before the region grows, when zero
//! pages are refused and the warm ones in the lists do not suffice, or when the lists have too little to give back.
//!
//! Invariant: a word is 0 or (page + 1, pages) of a run that is free, warm, and in no list; the pagemap says `none` of it. A word is
//! cleared before its run is used, so a forked child finds each run here or nowhere.

use crate::base::sync::{AtomicU64, Gauge, Ordering};
use crate::base::units::Page;
use crate::region::Run;

/// A cache line of words, because each request looks at them.
const LEN: usize = 8;
/// Shorter runs are for slabs, and cheap to split.
const SHORTEST: u32 = 9;
/// Holding back more pages than this (2 MiB) would be too much, because they are of no use to requests of other lengths. The newest run alone may be
/// longer, but only until the next request that does not ask for its length.
const MOST: u32 = 512;

/// See the module. Used under the arena's lock.
#[derive(Debug, Default)]
pub(super) struct Quick {
    words: [AtomicU64; LEN],
    /// Where the next run goes; the newest lies before it.
    next: AtomicU64,
    pages: Gauge,
}

impl Quick {
    /// Pages that lie here.
    pub(super) fn pages(&self) -> u32 {
        self.pages.get() as u32
    }

    /// Returns whether the newest run is so long that only the next request may find it here.
    pub(super) fn is_too_full(&self) -> bool {
        self.pages() > MOST
    }

    /// Leaves a freed run here. Hands the runs that must go to the free pages to `pushed_out`: the oldest, or this one if it is too short for this list.
    pub(super) fn put(&self, run: Run, mut pushed_out: impl FnMut(Run)) {
        if run.pages < SHORTEST {
            return pushed_out(run);
        }
        let at = self.next.load(Ordering::Relaxed);
        self.remove(at as usize).into_iter().for_each(&mut pushed_out);
        self.pages.add(run.pages as u64);
        self.words[at as usize % LEN].store(((run.page.0 as u64 + 1) << 32) | run.pages as u64, Ordering::Release);
        self.next.store((at + 1) % LEN as u64, Ordering::Relaxed);
        // All but the new run.
        let mut oldest_first = at as usize + 1..at as usize + LEN;
        while self.pages() > MOST {
            let Some(at) = oldest_first.next() else { return };
            self.remove(at).into_iter().for_each(&mut pushed_out);
        }
    }

    /// Takes the newest run of exactly `pages` pages.
    pub(super) fn take(&self, pages: u32) -> Option<Run> {
        if self.pages() < pages || pages < SHORTEST {
            return None;
        }
        let next = self.next.load(Ordering::Relaxed) as usize;
        let newest_first = (1..=LEN).map(|age| (next + LEN - age) % LEN);
        let at = newest_first.into_iter().find(|&at| self.words[at].load(Ordering::Relaxed) as u32 == pages)?;
        self.remove(at)
    }

    /// Takes any run.
    pub(super) fn take_any(&self) -> Option<Run> {
        (0..LEN).find_map(|at| self.remove(at))
    }

    fn remove(&self, at: usize) -> Option<Run> {
        let word = self.words[at % LEN].load(Ordering::Relaxed);
        self.words[at % LEN].store(0, Ordering::Release);
        let page = Page(((word >> 32) as u32).checked_sub(1)?);
        let run = Run { page, pages: word as u32, zero: false };
        self.pages.sub(run.pages as u64);
        Some(run)
    }

    /// In a forked child: recounts the pages.
    pub(super) fn recount(&self) {
        let pages: u64 = self.words.iter().map(|word| word.load(Ordering::Relaxed) & u32::MAX as u64).sum();
        self.pages.sub(self.pages.get());
        self.pages.add(pages);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;
    extern crate std;

    fn run(number: u32, pages: u32) -> Run {
        Run { page: Page(number * 1000), pages, zero: false }
    }

    /// Leaves a run; returns the numbers of the runs that are pushed out.
    fn put(quick: &Quick, run: Run) -> Vec<u32> {
        let mut numbers = Vec::new();
        quick.put(run, |run| numbers.push(run.page.0 / 1000));
        numbers
    }

    #[test]
    fn the_newest_of_a_length_comes_back_and_the_oldest_must_go() {
        let quick = Quick::default();
        (0..LEN as u32).for_each(|number| assert_eq!(put(&quick, run(number, 10 + number % 2)), []));
        assert_eq!(put(&quick, run(90, 12)), [0]);
        assert_eq!(quick.take(11), Some(run(7, 11)));
        assert_eq!(quick.take(11), Some(run(5, 11)));
        assert_eq!(quick.take(13), None);
    }

    #[test]
    fn no_more_pages_lie_here_than_are_worth_it() {
        let quick = Quick::default();
        assert_eq!(put(&quick, run(1, SHORTEST - 1)), [1]);
        (2..6).for_each(|number| assert_eq!(put(&quick, run(number, MOST / 4)), []));
        assert_eq!(put(&quick, run(6, MOST / 4 - 1)), [2]);
        assert_eq!(put(&quick, run(7, MOST / 4)), [3]);
        assert_eq!(quick.pages(), MOST - 1);
        assert!(!quick.is_too_full());
        assert_eq!(put(&quick, run(8, MOST * 9)), [4, 5, 6, 7], "the newest stays, however long");
        assert!(quick.is_too_full());
        assert_eq!(put(&quick, run(9, 100)), [8]);
        assert_eq!(quick.take(100).map(|run| run.pages), Some(100));
    }
}
