//! The arena's lists, held: whoever lets them go tells the process's account how much memory the arena has in use or warm, and
//! everybody how much is warm.

use super::buddy::Arena;
use super::lists::Lists;
use crate::base::units::PAGE;
use crate::sys::limit::LIMIT;
use crate::sys::lock::Guard;
use core::ops::{Deref, DerefMut};
use crossbeam_utils::CachePadded;

/// The lists, until dropped.
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
    /// Still under the lock.
    #[inline(never)]
    fn drop(&mut self) {
        self.arena.show_warm(&self.lists);
        self.arena.account.settle(&LIMIT, self.arena.held_pages(&self.lists) as usize * PAGE);
    }
}

impl Arena {
    /// Bytes that the process's account knows of.
    pub fn held(&self) -> usize {
        self.account.held()
    }

    /// Charges pages that are about to be taken; what is not used of it comes back when the lists are let go. False also where the node has
    /// none.
    pub(super) fn may_take(&self, pages: u32) -> bool {
        !self.is_full() && self.account.reserve(&LIMIT, pages as usize * PAGE)
    }
}
