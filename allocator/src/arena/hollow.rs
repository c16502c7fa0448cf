//! Hollow pages: those that slabs have given back inside of them.
//!
//! They are in use for the arena, for no other run may have them, but there is no memory behind them, so they do not count to the process's limits
//! until an object is taken from their slab: then all of the slab counts again, or if that may not be nothing is taken.

use super::buddy::Arena;
use crate::base::sync::{AtomicU32, Ordering};
use crate::base::units::PAGE;
use crate::sys::limit::LIMIT;

/// How many there are. Slabs of several classes change at once.
#[derive(Debug, Default)]
pub(super) struct Hollow(AtomicU32);

impl Hollow {
    pub(super) fn pages(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Arena {
    /// Bytes of them.
    pub fn hollow_bytes(&self) -> usize {
        self.hollow.pages() as usize * PAGE
    }

    /// A slab has so many now; before, it had so many.
    pub fn count_hollow(&self, before: u32, now: u32) {
        if before == now {
            return;
        }
        self.hollow.0.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        LIMIT.add(before as usize * PAGE);
        LIMIT.release(now as usize * PAGE);
    }

    /// A slab's are about to be used; false if the process may not hold as much.
    pub fn fill_hollow(&self, pages: u32) -> bool {
        let may = LIMIT.charge(pages as usize * PAGE);
        if may {
            self.hollow.0.fetch_sub(pages, Ordering::Relaxed);
        }
        may
    }
}
