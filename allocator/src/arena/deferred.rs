//! Runs freed by a signal handler that interrupted the holder of the arena's lock: a lock-free stack (Treiber 1986), emptied by the
//! next holder. A run's link is kept in the region's tables. Pushes are many, pops are made under the lock only, so the stack's
//! head cannot be popped and pushed back between a popper's load and its exchange (no ABA).

use crate::base::sync::{AtomicU32, Ordering};
use crate::base::units::Page;
use crate::region::{Region, Run};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    /// Page number + 1, 0 for none.
    head: AtomicU32,
}

impl Deferred {
    /// Leaves a run.
    pub(super) fn push(&self, region: &Region, run: Run) {
        let links = region.links(run.page);
        links.first.store(run.pages, Ordering::Relaxed);
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            links.second.store(head, Ordering::Relaxed);
            // Release: pairs with the Acquire in `pop`; the links are seen with the head.
            match self.head.compare_exchange_weak(head, run.page.0 + 1, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes a run; the caller holds the arena's lock.
    pub(super) fn pop(&self, region: &Region) -> Option<Run> {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let page = Page(head.checked_sub(1)?);
            let links = region.links(page);
            let next = links.second.load(Ordering::Relaxed);
            match self.head.compare_exchange_weak(head, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(Run { page, pages: links.first.load(Ordering::Relaxed), zero: false }),
                Err(now) => head = now,
            }
        }
    }
}
