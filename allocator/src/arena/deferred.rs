//! Runs that were freed while somebody else held the arena's lock: a lock-free stack (Treiber 1986), emptied by the next holder. So a
//! free waits for nobody, and what many threads free is merged by the one whose caches hold the lists. When [`MANY`] lie here threads do wait, lest
//! the holder be kept busy; a signal handler that interrupted the holder leaves its run in any case.
//!
//! A run's link is kept in the region's tables. Pushes are many, pops are made under the lock only, so the stack's head cannot be popped and
//! pushed back between a popper's load and its exchange (no ABA).

use crate::base::sync::{AtomicU64, Ordering};
use crate::base::units::Page;
use crate::region::{Region, Run};

/// Runs that may lie here before threads wait.
const MANY: u64 = 16;
/// Their number lies above this bit.
const COUNT: u32 = 32;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    /// How many they are, and the first one's page number + 1, 0 for none.
    head: AtomicU64,
}

impl Deferred {
    /// How many runs lie here.
    pub(super) fn count(&self) -> u64 {
        self.head.load(Ordering::Relaxed) >> COUNT
    }

    /// Leaves a run, unless there are many.
    pub(super) fn offer(&self, region: &Region, run: Run) -> Result<(), Run> {
        if self.count() >= MANY {
            return Err(run);
        }
        self.push(region, run);
        Ok(())
    }

    /// Leaves a run.
    pub(super) fn push(&self, region: &Region, run: Run) {
        let links = region.links(run.page);
        links.first.store(run.pages, Ordering::Relaxed);
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            links.second.store(head as u32, Ordering::Relaxed);
            let new = (((head >> COUNT) + 1) << COUNT) | u64::from(run.page.0 + 1);
            // Release: pairs with the Acquire in `pop`; the links are seen with the head.
            match self.head.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes a run; the caller holds the arena's lock.
    pub(super) fn pop(&self, region: &Region) -> Option<Run> {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let page = Page((head as u32).checked_sub(1)?);
            let links = region.links(page);
            let next = u64::from(links.second.load(Ordering::Relaxed)) | (((head >> COUNT) - 1) << COUNT);
            match self.head.compare_exchange_weak(head, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(Run { page, pages: links.first.load(Ordering::Relaxed), zero: false }),
                Err(now) => head = now,
            }
        }
    }
}
