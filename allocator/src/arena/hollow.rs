//! Hollow pages: pages inside slabs that were given back to the system.
//!
//! For the arena they are in use, because no other run may have them. But there is no memory behind them, so they do not count towards the process's
//! limits until an object is taken from their slab. Then the whole slab counts again; if the limits do not allow that, another slab of the class has to
//! serve: one without hollow pages or, if there is none, the one with the fewest.

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
        self.hollow.0.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        LIMIT.add(before as usize * PAGE);
        LIMIT.release(now as usize * PAGE);
    }

    /// The `pages` hollow pages of a slab are about to be used; returns false if the process may not hold that much.
    pub fn fill_hollow(&self, pages: u32) -> bool {
        let may = LIMIT.charge(pages as usize * PAGE);
        if may {
            self.hollow.0.fetch_sub(pages, Ordering::Relaxed);
        }
        may
    }
}
