//! The arena's lists while their lock is held. Whoever releases the lock tells the process's account how much memory the arena has in use or warm, and
//! publishes how much is warm.

use super::buddy::Arena;
use super::lists::Lists;
use crate::base::units::PAGE;
use crate::sys::limit::LIMIT;
use crate::sys::lock::Guard;
use core::ops::{Deref, DerefMut};
use crossbeam_utils::CachePadded;

/// The lists, with their lock held until this is dropped.
pub(super) struct Held<'a> {
    lists: Guard<'a, CachePadded<Lists>>,
    arena: &'a Arena,
}

impl<'a> Held<'a> {
    pub(super) fn new(arena: &'a Arena, lists: Guard<'a, CachePadded<Lists>>) -> Held<'a> {
        Held { lists, arena }
    }
}

impl Deref for Held<'_> {
    type Target = Lists;
    fn deref(&self) -> &Lists {
        &self.lists
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Lists {
        &mut self.lists
    }
}

impl Drop for Held<'_> {
    /// Runs while the lock is still held.
    #[inline(never)]
    fn drop(&mut self) {
        self.arena.show_warm(&self.lists);
        self.arena.account.settle(&LIMIT, self.arena.held_pages(&self.lists) as usize * PAGE);
    }
}

impl Arena {
    /// Bytes that the process's account has on record for this arena.
    pub fn held(&self) -> usize {
        self.account.held()
    }

    /// Charges pages that are about to be taken; the part that is not used is returned when the lists are released. Returns false if the process may hold no
    /// more, or if the node is full.
    pub(super) fn may_take(&self, pages: u32) -> bool {
        !self.is_full() && self.account.reserve(&LIMIT, pages as usize * PAGE)
    }
}
