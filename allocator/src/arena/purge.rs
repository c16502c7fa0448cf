//! Giving warm pages back: delayed, oldest first, and never more than a bounded amount in one call.
//!
//! Two rules. **Unused**: over each delay the smallest number of warm pages seen was not needed in it (Bonwick's working-set minimum,
//! applied to pages), so that many of the oldest go back. **Bound**: what exceeds the limit goes back at once. Both run when the
//! arena is used. A run being purged is out of the lists and the lock is not held meanwhile.

use super::buddy::Arena;
use super::lists::{Kind, Lists};
use crate::base::sync::{AtomicU32, AtomicU64, Ordering};
use crate::base::units::{ORDERS, Order};
use crate::region::Run;
use crate::sys::clock::coarse_ms;

/// Most pages purged in one call (8 MiB): a bound on the time one `free` can take.
const STEP_PAGES: u32 = 2048;

/// When to give pages back.
#[derive(Clone, Copy, Debug)]
pub struct PurgePolicy {
    /// How long unused pages stay warm, in milliseconds.
    pub delay_ms: u64,
    /// Most pages kept warm.
    pub limit_pages: u32,
}

/// What the policy needs to remember.
#[derive(Debug, Default)]
pub(super) struct Purge {
    /// End of the present delay.
    due_ms: AtomicU64,
    /// Fewest warm pages seen in it.
    fewest: AtomicU32,
    /// Pages still to be given back because they were not used in the last delay.
    owed: AtomicU32,
    /// Large frees so far: not each looks at the clock.
    frees: AtomicU32,
    /// Pages given back so far.
    purged: AtomicU64,
}

/// One large free in so many looks whether something is due.
const LOOK_EVERY: u32 = 16;

impl Purge {
    /// Learns the present number of warm pages after an allocation.
    pub(super) fn note_warm(&self, pages: u32) {
        if pages < self.fewest.load(Ordering::Relaxed) {
            self.fewest.store(pages, Ordering::Relaxed);
        }
    }

    /// Whether this free should look whether something is due.
    pub(super) fn is_time_to_look(&self) -> bool {
        let frees = self.frees.load(Ordering::Relaxed).wrapping_add(1);
        self.frees.store(frees, Ordering::Relaxed);
        frees.is_multiple_of(LOOK_EVERY)
    }

    /// At the end of a delay: what was not used in it is owed to the system. Whether it was the end.
    fn settle_delay(&self, delay_ms: u64, warm: u32) -> bool {
        let now = coarse_ms();
        let due = self.due_ms.load(Ordering::Relaxed);
        if now < due {
            return false;
        }
        let unused = if due == 0 { 0 } else { self.fewest.load(Ordering::Relaxed) };
        self.owed.store(unused.min(warm), Ordering::Relaxed);
        self.fewest.store(warm, Ordering::Relaxed);
        self.due_ms.store(now + delay_ms.max(1), Ordering::Relaxed);
        true
    }
}

impl Arena {
    /// Pages given back so far.
    pub fn purged_pages(&self) -> u64 {
        self.purge.purged.load(Ordering::Relaxed)
    }

    /// Gives back what the policy says is too much or too old, a bounded amount.
    pub fn purge_by(&self, policy: PurgePolicy) {
        let Some(mut budget) = self.purge_due(policy) else { return };
        while budget > 0 {
            let Some(run) = self.take_oldest_warm(budget) else { return };
            budget = budget.saturating_sub(run.pages);
            self.purge_run(run);
        }
    }

    /// Gives back the pages that are warm now, but for `keep`; returns how many. What other threads free meanwhile stays.
    pub fn trim(&self, keep: u32) -> u32 {
        let Ok(mut lists) = self.lists() else { return 0 };
        self.flush_quick(&mut lists);
        let surplus = lists.pages(Kind::Warm).saturating_sub(keep);
        drop(lists);
        let mut left = surplus;
        while let Some(run) = self.take_oldest_warm(left) {
            let pages = run.pages;
            if !self.purge_run(run) {
                break;
            }
            left -= pages;
        }
        surplus - left
    }

    fn purge_due(&self, policy: PurgePolicy) -> Option<u32> {
        let mut lists = self.lists().ok()?;
        let warm = self.warm_pages(&lists);
        if self.purge.settle_delay(policy.delay_ms, warm) || warm > policy.limit_pages {
            self.flush_quick(&mut lists);
        }
        let owed = self.purge.owed.load(Ordering::Relaxed).min(warm);
        let excess = warm.saturating_sub(policy.limit_pages);
        let step = owed.max(excess).min(STEP_PAGES);
        self.purge.owed.store(owed.saturating_sub(step), Ordering::Relaxed);
        (step > 0).then_some(step)
    }

    /// Takes the oldest warm run of the largest order, cut to `most` pages.
    fn take_oldest_warm(&self, most: u32) -> Option<Run> {
        if most == 0 {
            return None;
        }
        let mut lists = self.lists().ok()?;
        let (page, order) =
            (0..ORDERS as u8).rev().map(Order).find_map(|order| Some((lists.oldest(order, Kind::Warm)?, order)))?;
        lists.remove(&self.region, page, order, Kind::Warm);
        let (run, tail) = Run { page, pages: order.pages(), zero: false }.split(most);
        if let Some(tail) = tail {
            self.insert_run(&mut lists, tail);
        }
        self.purge.note_warm(self.warm_pages(&lists));
        Some(run)
    }

    /// Purges a run and frees it; it is zero iff the system took the pages (under `mlockall` it does not).
    fn purge_run(&self, run: Run) -> bool {
        let zero = self.region.purge(&run).is_ok();
        if zero {
            self.purge.purged.fetch_add(run.pages as u64, Ordering::Relaxed);
        }
        self.free(Run { zero, ..run });
        zero
    }

    /// With the lock held, when the system refuses more: makes every warm run zero so that neighbours merge.
    pub(super) fn purge_all_locked(&self, lists: &mut Lists) {
        for order in (0..ORDERS as u8).map(Order) {
            while let Some(page) = lists.oldest(order, Kind::Warm) {
                let run = Run { page, pages: order.pages(), zero: true };
                lists.remove(&self.region, page, order, Kind::Warm);
                if self.region.purge(&run).is_err() {
                    return self.insert_run(lists, Run { zero: false, ..run });
                }
                self.purge.purged.fetch_add(run.pages as u64, Ordering::Relaxed);
                self.insert_run(lists, run);
            }
        }
    }
}
