//! Giving back the free pages inside slabs.
//!
//! One object keeps a whole slab, up to 64 pages. When a program no longer uses a class, or frees at random, such slabs are most of what stays behind.
//! So a slab that is **sparse** (at least half free) and **rests** (no object was taken since the last look at it) gives back every page on
//! which no object is taken. It remains a slab, and its pages come back as zeros when they are used again: nobody
//! relies on the contents of an object that is free in its slab.
//!
//! Locks: the class's, while the pages of one slab are given back, so that no object of it is taken meanwhile. It is tried, never waited for.

use super::cache::Cache;
use super::descriptor::Slab;
use super::table::Slabs;
use crate::arena::{Arena, Reason};
use crate::base::units::{Class, PAGE};
use crate::region::Run;
use core::ops::Range;

/// Which slabs give pages back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that rest.
    Resting,
    /// All of them.
    All,
}

impl Slabs {
    /// Looks at the slabs with these indices (a slab's number less 1).
    pub fn thin(&self, arena: &Arena, numbers: Range<usize>, which: Which, reason: Reason) {
        if arena.is_refused() {
            return;
        }
        let mut given = 0;
        for index in numbers.start..numbers.end.min(self.descriptors.len()) {
            let slab = self.descriptors.get(index);
            if let Some(class) = slab.class().filter(|class| slab.is_sparse(*class) || slab.hollow() > 0) {
                given += self.cache(class).thin(arena, class, slab, which, reason);
            }
        }
        if given > 0 {
            arena.refuse_if_sparse();
        }
    }
}

impl Cache {
    /// Returns the number of pages that the slab gave back.
    fn thin(&self, arena: &Arena, class: Class, slab: &Slab, which: Which, reason: Reason) -> u32 {
        let Some(_lists) = self.try_hold() else { return 0 };
        if slab.class() != Some(class) {
            return 0;
        }
        if !slab.is_sparse(class) {
            slab.count_hollow(arena, 0);
            return 0;
        }
        if slab.was_thinned() || !(slab.rests() || which == Which::All) {
            return 0;
        }
        let is_free = |index: &u32| slab.has_page(*index, class);
        let pages = class.info().slab_pages;
        let (mut from, mut hollow) = (0, 0);
        while let Some(start) = (from..pages).find(is_free) {
            let end = (start..pages).find(|index| !is_free(index)).unwrap_or(pages);
            let run = Run { page: slab.page().plus(start), pages: end - start, zero: false };
            hollow += if arena.give_back_inside(&run, reason) { run.pages } else { 0 };
            from = end;
        }
        slab.count_hollow(arena, hollow);
        slab.note_thinned();
        hollow
    }
}

impl Slab {
    /// Returns whether at least half of its objects are free.
    fn is_sparse(&self, class: Class) -> bool {
        self.free() * 2 >= class.info().slab_objects
    }

    /// Sets the number of its hollow pages, and tells the arena.
    pub(super) fn count_hollow(&self, arena: &Arena, pages: u32) {
        arena.count_hollow(self.set_hollow(pages), pages);
    }

    /// Before objects are taken: its hollow pages count again. Returns false if the process may not hold that much.
    pub(super) fn fill_hollow(&self, arena: &Arena) -> bool {
        let may = self.hollow() == 0 || arena.fill_hollow(self.hollow());
        if may {
            self.set_hollow(0);
        }
        may
    }

    /// Returns whether no object on its page `index` is taken.
    fn has_page(&self, index: u32, class: Class) -> bool {
        let (size, colour) = (class.size(), self.colour());
        let first = (index as usize * PAGE).saturating_sub(colour) / size;
        let end = ((index as usize + 1) * PAGE).saturating_sub(colour).div_ceil(size);
        (first..end.min(class.info().slab_objects as usize)).all(|number| self.has(number as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slab::table::tests::{CLASS, give_back, objects, with_slabs};
    extern crate std;
    use std::vec::Vec;

    fn thin(slabs: &Slabs, arena: &Arena, which: Which) -> u64 {
        let before = arena.given_back()[Reason::Decay as usize];
        slabs.thin(arena, 0..usize::MAX, which, Reason::Decay);
        arena.given_back()[Reason::Decay as usize] - before
    }

    /// Takes a slab's objects and gives back all but the lowest and one in the middle; returns the addresses of all, in order.
    fn sparse(slabs: &Slabs, arena: &Arena) -> Vec<usize> {
        let mut all = objects(slabs, arena, CLASS.info().slab_objects as usize);
        all.sort_unstable();
        let mut freed = all.clone();
        freed.remove(all.len() / 2);
        freed.remove(0);
        give_back(slabs, arena, &freed);
        all
    }

    #[test]
    fn every_page_without_a_taken_object_goes_back_once_it_rests() {
        with_slabs(|slabs, arena| {
            let all = sparse(slabs, arena);
            let taken = |address: usize| (address / PAGE)..=((address + CLASS.size() - 1) / PAGE);
            let in_use = taken(all[0]).chain(taken(all[all.len() / 2])).collect::<std::collections::BTreeSet<_>>();
            let free = u64::from(CLASS.info().slab_pages) - in_use.len() as u64;
            assert_eq!(thin(slabs, arena, Which::Resting), 0, "seen for the first time");
            assert_eq!(thin(slabs, arena, Which::Resting), free);
            assert_eq!(thin(slabs, arena, Which::Resting), 0, "nothing has come since");
            assert_eq!(thin(slabs, arena, Which::All), 0);
        });
    }

    #[test]
    fn who_takes_an_object_wakes_the_slab() {
        with_slabs(|slabs, arena| {
            sparse(slabs, arena);
            thin(slabs, arena, Which::Resting);
            let again = objects(slabs, arena, 1);
            assert_eq!(thin(slabs, arena, Which::Resting), 0);
            give_back(slabs, arena, &again);
            assert!(thin(slabs, arena, Which::All) > 0);
        });
    }

    #[test]
    fn who_takes_objects_and_gives_them_back_unseen_has_its_pages_back_too() {
        with_slabs(|slabs, arena| {
            sparse(slabs, arena);
            let first = thin(slabs, arena, Which::All);
            let again = objects(slabs, arena, 20);
            give_back(slabs, arena, &again);
            assert_eq!((first > 0, thin(slabs, arena, Which::All)), (true, first));
        });
    }

    #[test]
    fn a_child_counts_hollow_pages_anew() {
        with_slabs(|slabs, arena| {
            sparse(slabs, arena);
            let hollow = thin(slabs, arena, Which::All);
            // As if it had been forked while another thread was taking from the slab: the arena knows, the slab does not yet.
            assert!(arena.fill_hollow(hollow as u32));
            slabs.cache(CLASS).lists.orphan();
            slabs.rebuild(arena);
            assert_eq!(arena.hollow_bytes(), hollow as usize * PAGE);
            objects(slabs, arena, 1);
            assert_eq!(arena.hollow_bytes(), 0);
        });
    }

    #[test]
    fn a_slab_in_use_keeps_its_pages() {
        with_slabs(|slabs, arena| {
            let all = objects(slabs, arena, CLASS.info().slab_objects as usize);
            give_back(slabs, arena, &all[..all.len() / 3]);
            assert_eq!(thin(slabs, arena, Which::All), 0);
        });
    }
}
