//! Runs that were freed while another thread held the arena's lock: a lock-free stack (Treiber 1986), emptied by the next holder. So a
//! free waits for nobody, and the runs that many threads free are merged by the one thread whose caches hold the lists. When [`MANY`] runs lie here,
//! threads do wait, lest they keep the holder busy; a signal handler that interrupted the holder always leaves its run here.
//!
//! A run's link is kept in the region's tables. Many threads push, but only the holder of the lock pops. So the stack's head cannot be popped and
//! pushed back between a popper's load and its exchange (no ABA).

use crate::base::sync::{AtomicU64, Ordering};
use crate::base::units::Page;
use crate::region::{Region, Run};

/// Runs that may lie here before threads wait.
const MANY: u64 = 16;
/// The number of runs lies above this bit.
const COUNT: u32 = 32;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    /// The number of runs, and the page number + 1 of the first one, 0 for none.
    head: AtomicU64,
}

impl Deferred {
    /// Number of runs that lie here.
    pub(super) fn count(&self) -> u64 {
        self.head.load(Ordering::Relaxed) >> COUNT
    }

    /// Leaves a run here; returns it if there are many already.
    pub(super) fn offer(&self, region: &Region, run: Run) -> Result<(), Run> {
        if self.count() >= MANY {
            return Err(run);
        }
        self.push(region, run);
        Ok(())
    }

    /// Leaves a run here.
    pub(super) fn push(&self, region: &Region, run: Run) {
        let links = region.links(run.page);
        links.first.store(run.pages, Ordering::Relaxed);
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            links.second.store(head as u32, Ordering::Relaxed);
            let new = (((head >> COUNT) + 1) << COUNT) | u64::from(run.page.0 + 1);
            // Release: pairs with the Acquire in `pop`, so that whoever sees the head sees the links.
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
