//! Hollow pages: pages inside slabs that were given back to the system.
//!
//! For the arena they are in use, because no other run may have them. But there is no memory behind them, so they do not count towards the process's
//! limits until an object is taken from their slab. Then the whole slab counts again; if the limits do not allow that, another slab of the class has to
//! serve: one without hollow pages or, if there is none, the one with the fewest.
//!
//! Fork: the slab's own number and the sum here change one after the other, so a child counts anew if a thread that it does not have held
//! the lock of a class. If its own thread was interrupted between the two and forked in a handler, the sum may stay wrong by the pages of that slab.

use super::buddy::Arena;
use crate::base::sync::{AtomicU32, Ordering};
use crate::base::units::PAGE;
use crate::sys::limit::LIMIT;

/// Number of hollow pages. Slabs of several classes change it at once.
#[derive(Debug, Default)]
pub(super) struct Hollow(AtomicU32);

impl Hollow {
    pub(super) fn pages(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn change(&self, before: u32, now: u32) {
        let sum = |pages: u32| Some((pages + now).saturating_sub(before));
        let _always = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
    }
}

impl Arena {
    /// Bytes of hollow pages.
    pub fn hollow_bytes(&self) -> usize {
        self.hollow.pages() as usize * PAGE
    }

    /// A slab had `before` hollow pages and has `now` from now on.
    pub fn count_hollow(&self, before: u32, now: u32) {
        if before == now {
            return;
        }
        self.hollow.change(before, now);
        LIMIT.add(before as usize * PAGE);
        LIMIT.release(now as usize * PAGE);
    }

    /// The `pages` hollow pages of a slab are about to be used; returns false if the process may not hold that much.
    pub fn fill_hollow(&self, pages: u32) -> bool {
        let may = LIMIT.charge(pages as usize * PAGE);
        if may {
            self.hollow.change(pages, 0);
        }
        may
    }

    /// In a forked child: sets the number of hollow pages.
    pub fn recount_hollow(&self, pages: u32) {
        self.hollow.0.store(pages, Ordering::Relaxed);
    }
}
