//! Giving warm pages back: the oldest first, in pieces, for one of five reasons.
//!
//! - **direct**: a freeing thread finds more warm pages than the high [watermark](super::watermarks), and gives back the excess, up to somewhat more
//!   than it freed;
//! - **decay**: the helper thread gives back pages above the low watermark; where there is no helper thread, frees do, a few pages at a time;
//! - **idle**: the program has taken and freed nothing for a while; the helper thread lets the pages above the min watermark fade;
//! - **limit**: memory is short;
//! - **trim**: the program asked for it.
//!
//! A run that is being purged is in no list, and the lock is not held meanwhile. The run is zero afterwards iff the system took its pages. The system takes
//! no locked pages: a run that it refuses stays warm, and others are given back in its place. Where it refuses all (`mlockall`), frees try again only
//! now and then.

use super::buddy::Arena;
use super::lists::{Kind, Lists};
use super::watermarks::Marks;
use crate::base::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::base::units::{ORDERS, Order};
use crate::region::Run;
use crate::sys::clock::coarse_ms;

/// Pages purged by one system call (2 MiB): bounds how long the call keeps others from changing mappings.
const PIECE: u32 = 512;
/// Pages that a free may purge beyond those it freed (2 MiB): more than none, so that the number of warm pages falls; not many more, which bounds the
/// time of a free.
const STEP: u32 = PIECE;
/// Most pages that a free purges (32 MiB); twice as many where there is no helper thread.
const LARGEST_STEP: u32 = 8192;
/// Without a helper thread at most this many pages are kept (16 MiB), or as many as are in use if that is more: nobody purges once the program is idle.
/// While no more than twice this many are in use, free objects in slabs do not count as in use.
const KEPT_ALONE: u32 = 4096;
/// Pages that were taken again soon after they had been given back are kept in addition, up to this many (256 MiB): a program that works in phases
/// would fault all of them in again in each phase.
const MISSED_ALONE: u32 = 65_536;
/// One free in this many looks whether something is due,
const LOOK_EVERY: u32 = 16;
/// and one in this many where the system refused.
const TRY_EVERY: u32 = 1024;
/// After this many refused runs, no more are offered to the system.
const MOST_REFUSED: usize = 8;

/// Why pages are given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A freeing thread found too many warm pages.
    Direct,
    /// The pages were not needed for a while.
    Decay,
    /// The program was idle.
    Idle,
    /// Memory is short.
    Limit,
    /// The program asked for it.
    Trim,
}

/// Number of reasons.
pub const REASONS: usize = 5;

/// When to give pages back.
#[derive(Clone, Copy, Debug)]
pub struct PurgePolicy {
    /// How long unused pages stay warm, in milliseconds.
    pub delay_ms: u64,
    /// Most pages kept warm.
    pub limit_pages: u32,
    /// Whether frees must take care of decay, because there is no helper thread.
    pub alone: bool,
    /// Pages' worth of free objects in slabs, as far as is known: the arena counts them as in use, but the program does not use them.
    pub free_in_slabs: u32,
}

/// What an arena remembers of its purging.
#[derive(Debug, Default)]
pub(super) struct Purge {
    /// Pages given back so far, by reason.
    given_back: [AtomicU64; REASONS],
    /// Those of them that were given back lately and not taken again: fades.
    lately: AtomicU32,
    /// Pages taken again soon after they had been given back (an upper bound: which pages they are is not known).
    refaults: AtomicU64,
    /// The last time, the system took nothing of what it was offered.
    refused: AtomicBool,
    /// The high watermark at the last look.
    high: AtomicU32,
    /// When warm pages last decayed.
    decayed_ms: AtomicU64,
    /// Frees so far, approximately: not every free looks at the clock.
    frees: AtomicU32,
}

impl Purge {
    /// Lowers the remembered high mark by what was freed, because that mark follows the pages in use.
    fn lower_high(&self, freed: u32) {
        let high = self.high.load(Ordering::Relaxed);
        self.high.store(high.saturating_sub(freed), Ordering::Relaxed);
    }

    /// Returns whether this free, after which `warm` pages are warm, should look whether something is due.
    fn is_time_to_look(&self, warm: u32) -> bool {
        let frees = self.frees.load(Ordering::Relaxed).wrapping_add(1);
        self.frees.store(frees, Ordering::Relaxed);
        if self.refused.load(Ordering::Relaxed) {
            return frees.is_multiple_of(TRY_EVERY);
        }
        warm > self.high.load(Ordering::Relaxed) || frees.is_multiple_of(LOOK_EVERY)
    }

    /// Notes that zero pages were taken; returns how many of them may have been given back lately. The caller holds the lock.
    pub(super) fn note_zero_taken(&self, pages: u32) -> u32 {
        let lately = self.lately.load(Ordering::Relaxed);
        let again = pages.min(lately);
        if again > 0 {
            self.lately.store(lately - again, Ordering::Relaxed);
            self.refaults.fetch_add(again as u64, Ordering::Relaxed);
        }
        again
    }

    fn note_given_back(&self, pages: u32, reason: Reason) {
        self.given_back[reason as usize].fetch_add(pages as u64, Ordering::Relaxed);
        self.lately.fetch_add(pages, Ordering::Relaxed);
    }

    /// Notes that an epoch has passed; the caller holds the lock.
    fn fade(&self) {
        let lately = self.lately.load(Ordering::Relaxed);
        self.lately.store(lately - lately.div_ceil(8), Ordering::Relaxed);
    }
}

impl Arena {
    /// Pages given back so far, by reason.
    pub fn given_back(&self) -> [u64; REASONS] {
        [0, 1, 2, 3, 4].map(|reason: usize| self.purge.given_back[reason].load(Ordering::Relaxed))
    }

    /// Pages taken again soon after they had been given back.
    pub fn refaults(&self) -> u64 {
        self.purge.refaults.load(Ordering::Relaxed)
    }

    /// Returns whether giving back is pointless, because the system takes nothing.
    pub fn is_refused(&self) -> bool {
        self.purge.refused.load(Ordering::Relaxed)
    }

    /// After `freed` pages were freed: gives back what is too much, up to a bound, if it is time to look.
    pub fn purge_after_free(&self, freed: u32, policy: PurgePolicy) {
        if self.is_time_to_purge(freed, policy.alone) {
            self.purge_excess(freed, policy);
        }
    }

    /// After `freed` pages were freed: returns whether [`Arena::purge_excess`] is due. `alone` says that there is no helper thread.
    pub fn is_time_to_purge(&self, freed: u32, alone: bool) -> bool {
        if alone {
            self.purge.lower_high(freed);
        }
        self.purge.is_time_to_look(self.warm_now())
    }

    /// After `freed` pages were freed: gives back what is too much, up to a bound.
    pub fn purge_excess(&self, freed: u32, policy: PurgePolicy) {
        let Some((marks, warm)) = self.look(policy) else { return };
        // Without a helper thread as many pages may be kept as are in use, and those have become fewer, too.
        let twice = if policy.alone { freed.min(LARGEST_STEP) } else { 0 };
        let step = (freed + STEP).min(LARGEST_STEP) + twice;
        if warm > marks.high {
            self.give_back((warm - marks.high).min(step), Reason::Direct);
        } else if policy.alone {
            self.give_back(self.due(marks, warm, policy).min(STEP), Reason::Decay);
        }
    }

    /// Pages above the low watermark that decay now: all of them over a purge delay, a tenth of them over a tenth of it.
    fn due(&self, marks: Marks, warm: u32, policy: PurgePolicy) -> u32 {
        let (now, above) = (coarse_ms(), warm.saturating_sub(marks.low) as u64);
        let since = now.saturating_sub(self.purge.decayed_ms.load(Ordering::Relaxed)).min(policy.delay_ms);
        let due = (above * since).checked_div(policy.delay_ms).unwrap_or(above);
        if due > 0 || above == 0 {
            self.purge.decayed_ms.store(now, Ordering::Relaxed);
        }
        due as u32
    }

    /// Memory is short: gives back the pages above the high watermark, up to a bound.
    pub fn keep_within(&self, policy: PurgePolicy) {
        if let Some((marks, warm)) = self.look(policy) {
            self.give_back(warm.saturating_sub(marks.high).min(STEP), Reason::Limit);
        }
    }

    /// Gives back the pages above the low watermark that are due, but no more than `most`.
    pub fn decay(&self, policy: PurgePolicy, most: u32) {
        if let Some((marks, warm)) = self.look(policy) {
            self.give_back(self.due(marks, warm, policy).min(most), Reason::Decay);
        }
    }

    /// Gives back `part` of `whole` of the pages above the min watermark.
    pub fn fade(&self, policy: PurgePolicy, part: u64, whole: u64) {
        if let Some((marks, warm)) = self.look(policy) {
            let above = warm.saturating_sub(marks.min) as u64;
            // At the end whole pieces: the rest may be one run that is longer than what is above the mark.
            let last = above.next_multiple_of(PIECE.into());
            let due = if part < whole { above * part / whole } else { last };
            self.give_back(due as u32, Reason::Idle);
        }
    }

    /// Gives back all but `keep` of the pages that are warm now; returns how many. Pages that other threads free meanwhile stay.
    pub fn trim(&self, keep: u32) -> u32 {
        self.reclaim(u32::MAX, keep, Reason::Trim)
    }

    /// Gives back up to `most` warm pages but keeps `keep`; returns how many the system took.
    pub fn reclaim(&self, most: u32, keep: u32, reason: Reason) -> u32 {
        let warm = self.lists().map_or(0, |mut lists| {
            self.flush_quick(&mut lists);
            self.warm_pages(&lists)
        });
        self.give_back(warm.saturating_sub(keep).min(most), reason)
    }

    /// The watermarks now, and the number of warm pages. Begins the epochs that are due.
    fn look(&self, policy: PurgePolicy) -> Option<(Marks, u32)> {
        let lists = self.lists().ok()?;
        if self.watermarks.advance(coarse_ms(), policy.delay_ms, self.in_use(&lists)) {
            self.purge.fade();
        }
        let marks = self.marks_of(&lists, policy);
        self.purge.high.store(marks.high, Ordering::Relaxed);
        Some((marks, self.warm_pages(&lists)))
    }

    pub(super) fn marks_of(&self, lists: &Lists, policy: PurgePolicy) -> Marks {
        let limit = if policy.delay_ms == 0 { 0 } else { policy.limit_pages };
        let in_use = self.in_use(lists);
        let kept_alone = KEPT_ALONE + self.watermarks.missed().min(MISSED_ALONE);
        // With more in use they count: free runs that stay a while merge with their neighbours, and go back with fewer calls.
        let hollow = if in_use <= 2 * KEPT_ALONE { policy.free_in_slabs } else { 0 };
        let alone = if policy.alone { in_use.saturating_sub(hollow).max(kept_alone) } else { u32::MAX };
        self.watermarks.marks(in_use, limit.min(alone))
    }

    /// Gives back up to `most` warm pages in whole runs or pieces; returns how many the system took.
    fn give_back(&self, most: u32, reason: Reason) -> u32 {
        let (mut given, mut refused) = (0, [const { None }; MOST_REFUSED]);
        for place in &mut refused {
            *place = self.give_back_until_refused(most, &mut given, reason);
            if place.is_none() {
                break;
            }
        }
        if given == 0 && refused[0].is_none() {
            return 0;
        }
        self.purge.refused.store(given == 0, Ordering::Relaxed);
        // Not earlier: they would be offered first again.
        refused.into_iter().flatten().for_each(|run| self.free_quietly(run));
        self.refuse_if_sparse();
        given
    }

    /// Gives back runs until `given` reaches `most` or the system refuses one; returns the refused run, if any.
    fn give_back_until_refused(&self, most: u32, given: &mut u32, reason: Reason) -> Option<Run> {
        while *given < most {
            let run = self.take_oldest_warm(most - *given)?;
            if self.region.purge(&run).is_err() {
                return Some(run);
            }
            *given += run.pages;
            self.purge.note_given_back(run.pages, reason);
            self.forget_first_touch(&run);
            self.free_quietly(Run { zero: true, ..run });
        }
        None
    }

    /// Takes the oldest warm run of the largest order that `most` pages allow, cut to a piece.
    fn take_oldest_warm(&self, most: u32) -> Option<Run> {
        let mut lists = self.lists().ok()?;
        if lists.pages(Kind::Warm) + self.region.loose().count() < most {
            self.flush_quick(&mut lists);
        }
        self.tidy_for(&mut lists, most.min(PIECE));
        let fits = |order: &Order| order.pages().min(PIECE) <= most;
        let oldest = |order| Some((lists.oldest(order, Kind::Warm)?, order));
        let (page, order) = (0..ORDERS as u8).rev().map(Order).filter(fits).find_map(oldest)?;
        lists.remove(&self.region, page, order, Kind::Warm);
        let (run, tail) = Run { page, pages: order.pages(), zero: false }.split(PIECE);
        if let Some(tail) = tail {
            self.insert_run(&mut lists, tail);
        }
        self.region.free().mark_used(run.page, run.pages);
        Some(run)
    }

    /// Gives back pages inside a run that is in use, whose contents nobody needs; returns whether the system took them. A refusal says nothing about other
    /// pages: the program may have locked these.
    pub fn give_back_inside(&self, run: &Run, reason: Reason) -> bool {
        let taken = self.region.purge(run).is_ok();
        if taken {
            self.purge.given_back[reason as usize].fetch_add(run.pages as u64, Ordering::Relaxed);
        }
        taken
    }
}

#[cfg(test)]
#[allow(unsafe_code, reason = "locks pages")]
mod tests {
    use super::*;
    use crate::base::units::PAGE;
    use crate::sys::vm::Span;
    extern crate std;
    use std::vec::Vec;

    const LEN: usize = 512 << 20;
    /// A delay that no test outlives.
    const ALONE: PurgePolicy =
        PurgePolicy { delay_ms: 1_000_000, limit_pages: u32::MAX, alone: true, free_in_slabs: 0 };

    fn arena() -> Arena {
        let arena = Arena::default();
        let metadata = Span::reserve(crate::region::Region::metadata_len(LEN), PAGE).unwrap();
        arena.settle(Span::reserve(LEN, 32 << 20).unwrap(), metadata);
        arena
    }

    /// Takes and frees a buffer; returns the pages given back then, and the number of warm pages.
    fn come_and_go(arena: &Arena, pages: u32) -> (u64, u32) {
        let before = arena.given_back()[Reason::Direct as usize];
        let run = arena.alloc(pages, 1).unwrap();
        arena.free(Run { zero: false, ..run });
        arena.purge_after_free(pages, ALONE);
        (arena.given_back()[Reason::Direct as usize] - before, arena.warm_now())
    }

    /// Locks or unlocks the page at `distance` in a run.
    fn set_locked(arena: &Arena, run: &Run, distance: u32, locked: bool) {
        let page = arena.region().address(run.page.plus(distance)) as *const libc::c_void;
        let call = if locked { libc::mlock } else { libc::munlock };
        // SAFETY: the page is a committed page of the test's own arena; locking it does not change its contents.
        let done = unsafe { call(page, PAGE) };
        assert_eq!(done, 0);
    }

    #[test]
    fn a_locked_page_keeps_its_piece_and_no_other() {
        let arena = arena();
        let run = arena.alloc(8 * PIECE, 1).unwrap();
        let again = Run { zero: false, ..run };
        set_locked(&arena, &again, 3 * PIECE + 7, true);
        arena.free(Run { zero: false, page: again.page, pages: again.pages });
        assert_eq!((arena.trim(0), arena.is_refused()), (7 * PIECE, false));
        assert_eq!((arena.trim(0), arena.is_refused()), (0, true));
        set_locked(&arena, &again, 3 * PIECE + 7, false);
        assert_eq!((arena.trim(0), arena.is_refused()), (PIECE, false));
    }

    #[test]
    fn without_a_helper_what_was_missed_is_kept_up_to_a_bound() {
        let arena = arena();
        let longer = KEPT_ALONE + 1024;
        assert_eq!(come_and_go(&arena, longer), (1024, KEPT_ALONE));
        assert_eq!(come_and_go(&arena, longer), (0, longer), "it was missed");
        assert_eq!(come_and_go(&arena, longer), (0, longer));
        // Phases: all of it is taken, and all of it freed.
        let phase = |runs: usize| {
            let all: Vec<_> = (0..runs).map(|_| arena.alloc(KEPT_ALONE, 1).unwrap()).collect();
            for run in all {
                arena.free(Run { zero: false, ..run });
                arena.purge_after_free(KEPT_ALONE, ALONE);
            }
            arena.warm_now() / KEPT_ALONE
        };
        let kept = [(); 4].map(|()| phase(10));
        assert!(kept[0] <= 2 && kept[2..] == [10; 2], "{kept:?}");
        assert_eq!([(); 4].map(|()| phase(20))[3], (KEPT_ALONE + MISSED_ALONE) / KEPT_ALONE, "no more");
    }

    #[test]
    fn without_a_helper_what_is_left_is_no_more_than_is_kept_at_most() {
        for free_whole in [true, false] {
            let arena = arena();
            let page = |run: Run| run.page;
            let large = [(); 30].map(|()| page(arena.alloc(1900, 1).unwrap()));
            for page in large {
                let (kept, run) = (if free_whole { 0 } else { 50 }, Run { page, pages: 1900, zero: false });
                arena.free(Run { page: run.page.plus(kept), pages: run.pages - kept, ..run });
                arena.purge_after_free(run.pages - kept, ALONE);
            }
            assert!(arena.warm_now() <= 2 * KEPT_ALONE, "{} pages", arena.warm_now());
        }
    }

    #[test]
    fn without_a_helper_what_slabs_hold_free_does_not_count_unless_much_is_in_use() {
        let kept_beside = |in_use: u32| {
            let arena = arena();
            let (_used, buffer) = (arena.alloc(in_use, 1).unwrap(), arena.alloc(3 * KEPT_ALONE, 1).unwrap());
            arena.free(Run { zero: false, ..buffer });
            let kept = |free_in_slabs| arena.marks(PurgePolicy { free_in_slabs, ..ALONE }).high;
            (kept(0), kept(in_use))
        };
        assert_eq!(kept_beside(2 * KEPT_ALONE), (2 * KEPT_ALONE, KEPT_ALONE));
        assert_eq!(kept_beside(2 * KEPT_ALONE + 512), (2 * KEPT_ALONE + 512, 2 * KEPT_ALONE + 512));
    }
}
