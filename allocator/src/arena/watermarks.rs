//! Watermarks: how many free pages an arena keeps warm.
//!
//! What a program took lately it may take again: the most pages in use at a time, seen over the last while, less those in use now, is its
//! demand. The peak is remembered by *epochs*, an eighth of the purge delay each. An epoch counts in full
//! until it is a delay old, then less and less, and not at all after two delays; so a program that shrinks gives back smoothly.
//!
//! Pages that were given back and then missed were given back too early. As many pages are kept in addition, up to as many as are in use, and fewer
//! with every epoch (**regret**). So a program whose free pages are of the wrong lengths keeps more of them.
//!
//! - **low**: the demand, some slack and the regret, and never less than min. Warm pages above it decay: the helper thread gives them back, or frees do
//!   where there is none.
//! - **high**: above low by an eighth of low and a quarter of what is in use (4 MiB at least), and never above the limit: free pages are of the wrong length
//!   for some requests, and a program that gave them back at once would take them again at once. Above it, frees give back directly.
//! - **min**: what an idle process keeps.

use crate::base::sync::{AtomicU32, AtomicU64, Ordering};

const EPOCHS: u32 = 16;
/// Epochs that count in full: a purge delay.
const FULL: u32 = EPOCHS / 2;
/// This part of a swing is kept beyond the program's peak.
const SLACK: u32 = 8;
/// This part of the regret fades in an epoch.
const REGRET_FADES: u32 = 16;
/// The high mark is above the low one by at least this many pages (4 MiB), so that a freeing thread seldom must give back,
const HEADROOM: u32 = 1024;
/// and by at least this part of what is in use.
const HEADROOM_SHARE: u32 = 4;
/// Least and most pages an idle process keeps (256 KiB, 8 MiB).
const LEAST_MIN: u32 = 64;
const MOST_MIN: u32 = 2048;

/// The watermarks, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Kept even when idle.
    pub min: u32,
    /// Kept while the program works.
    pub low: u32,
    /// Above this, frees give back.
    pub high: u32,
}

/// What an arena remembers of its use. Written under its lock, read by anyone.
#[derive(Debug, Default)]
pub(super) struct Watermarks {
    /// Most pages in use in each epoch: a ring.
    peaks: [AtomicU32; EPOCHS as usize],
    /// Pages in use at the beginning of each epoch.
    starts: [AtomicU32; EPOCHS as usize],
    /// Pages given back and soon taken again: fades.
    regret: AtomicU32,
    /// The present epoch's number.
    epoch: AtomicU32,
    ends_ms: AtomicU64,
}

impl Watermarks {
    fn peak(&self, epoch: u32) -> &AtomicU32 {
        &self.peaks[(epoch % EPOCHS) as usize]
    }

    /// Notes the pages in use after an allocation.
    pub(super) fn note(&self, in_use: u32) {
        let peak = self.peak(self.epoch.load(Ordering::Relaxed));
        if in_use > peak.load(Ordering::Relaxed) {
            peak.store(in_use, Ordering::Relaxed);
        }
    }

    /// Notes that pages were taken which had been given back not long ago.
    pub(super) fn regret(&self, pages: u32) {
        self.regret.store(self.regret.load(Ordering::Relaxed).saturating_add(pages), Ordering::Relaxed);
    }

    /// Begins the epochs that are due; returns whether any were.
    pub(super) fn advance(&self, now_ms: u64, delay_ms: u64, in_use: u32) -> bool {
        let len = (delay_ms / FULL as u64).max(1);
        let ends = self.ends_ms.load(Ordering::Relaxed);
        if now_ms < ends {
            return false;
        }
        let due = if ends == 0 { 0 } else { ((now_ms - ends) / len + 1).min(EPOCHS as u64) as u32 };
        let first = self.epoch.load(Ordering::Relaxed).wrapping_add(1);
        for epoch in (0..due).map(|later| (first.wrapping_add(later) % EPOCHS) as usize) {
            self.peaks[epoch].store(in_use, Ordering::Relaxed);
            self.starts[epoch].store(in_use, Ordering::Relaxed);
        }
        let regret = self.missed().min(self.most());
        let faded = (0..due).fold(regret, |regret, _| regret - regret.div_ceil(REGRET_FADES));
        self.regret.store(faded, Ordering::Relaxed);
        self.epoch.store(first.wrapping_add(due).wrapping_sub(1), Ordering::Relaxed);
        self.ends_ms.store(now_ms + len, Ordering::Relaxed);
        due > 0
    }

    /// Pages that were given back too early, lately.
    pub(super) fn missed(&self) -> u32 {
        self.regret.load(Ordering::Relaxed)
    }

    /// Most pages in use at a time, lately.
    fn most(&self) -> u32 {
        self.peaks.iter().map(|peak| peak.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    /// Pages that the program may soon ask for.
    fn demand(&self, in_use: u32) -> u32 {
        let now = self.epoch.load(Ordering::Relaxed);
        let of_age = |age: u32| {
            let above = self.peak(now.wrapping_sub(age)).load(Ordering::Relaxed).saturating_sub(in_use);
            (above as u64 * (EPOCHS - age).min(FULL) as u64 / FULL as u64) as u32
        };
        (0..EPOCHS).map(of_age).max().unwrap_or(0)
    }

    /// For a program whose use swings, a part of the swing is kept beyond its peak: free pages are of the wrong length for some requests, and
    /// would be given back at each peak to be missed at the next.
    fn slack(&self) -> u32 {
        let least = self.starts.iter().map(|start| start.load(Ordering::Relaxed)).min().unwrap_or(0);
        self.most().saturating_sub(least) / SLACK
    }

    /// The marks if `in_use` pages are in use and at most `limit` may be kept.
    pub(super) fn marks(&self, in_use: u32, limit: u32) -> Marks {
        let min = (in_use / 64).clamp(LEAST_MIN, MOST_MIN).min(limit);
        let regret = self.missed().min(in_use);
        let low = (self.demand(in_use) + self.slack() + regret).min(limit).max(min);
        let high = (low + low / 8).saturating_add(HEADROOM.max(in_use / HEADROOM_SHARE)).min(limit);
        Marks { min, low, high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: u64 = 800;
    const EPOCH: u64 = 100;
    const NO_LIMIT: u32 = u32::MAX;

    #[test]
    fn what_was_taken_is_kept_for_a_delay_and_fades_over_another() {
        let marks = Watermarks::default();
        marks.note(8000);
        assert!(!marks.advance(1000, DELAY, 8000), "the first look only starts the clock");
        let low = |at: u64| {
            marks.advance(1000 + at, DELAY, 0);
            marks.marks(0, NO_LIMIT).low
        };
        assert_eq!(low(0), 8000 + 8000 / SLACK);
        assert_eq!(low(DELAY - EPOCH), 8000 + 8000 / SLACK);
        let faded = [900, 1100, 1300, 1500].map(low);
        assert!(faded.windows(2).all(|pair| pair[1] < pair[0]) && faded[3] > 0, "{faded:?}");
        assert_eq!(low(2 * DELAY + EPOCH), LEAST_MIN);
    }

    #[test]
    fn what_is_in_use_is_not_asked_for() {
        let marks = Watermarks::default();
        marks.note(8000);
        assert_eq!(marks.marks(8000, NO_LIMIT).low, 8000 / SLACK);
        assert_eq!(marks.marks(5000, NO_LIMIT).low, 3000 + 8000 / SLACK);
    }

    #[test]
    fn what_was_missed_is_kept_for_a_while() {
        let marks = Watermarks::default();
        marks.advance(1000, DELAY, 5000);
        let low = || marks.marks(5000, NO_LIMIT).low;
        let before = low();
        marks.regret(1000);
        assert_eq!(low(), before.max(1000));
        marks.regret(100_000);
        assert_eq!(low(), 5000, "no more than is in use");
        marks.advance(1000 + 100 * EPOCH, DELAY, 5000);
        assert!(low() < 5000);
        marks.regret(1600);
        marks.note(5000);
        let missed = marks.missed();
        marks.advance(1000 + 101 * EPOCH, DELAY, 0);
        assert_eq!(marks.missed(), missed - missed.div_ceil(REGRET_FADES), "nothing is in use just now");
    }

    #[test]
    fn the_high_mark_leaves_room_for_free_pages_of_the_wrong_lengths() {
        let marks = Watermarks::default();
        let above = |in_use| {
            let Marks { low, high, .. } = marks.marks(in_use, NO_LIMIT);
            high - low - low / 8
        };
        assert_eq!((above(0), above(40_000)), (HEADROOM, 10_000));
    }

    #[test]
    fn nothing_is_kept_beyond_the_limit() {
        let marks = Watermarks::default();
        marks.note(8000);
        let Marks { min, low, high } = marks.marks(0, 100);
        assert_eq!((min, low, high), (64, 100, 100));
        assert_eq!(marks.marks(0, 0), Marks::default());
        assert_eq!([1 << 16, 1 << 20].map(|in_use| marks.marks(in_use, NO_LIMIT).min), [1024, MOST_MIN], "when idle");
    }

    #[test]
    fn a_long_pause_forgets() {
        let marks = Watermarks::default();
        marks.note(8000);
        marks.advance(1000, DELAY, 8000);
        assert!(marks.advance(1_000_000, DELAY, 10));
        assert_eq!(marks.marks(10, NO_LIMIT).low, LEAST_MIN);
    }
}
