//! Rounds of a magazine that come back to the slabs of their class.
//!
//! What was allocated in a row is mostly freed in a row, and then a round lies in the slab of the round before, the *present* one: the slab is looked up,
//! and moved to the list where it belongs, once for all of them. Rounds that are scattered *wait* until there are several: the slab numbers of all of
//! them are fetched, then their descriptors, so that cold lines come from memory together.

use super::cache::end_slab;
use super::descriptor::{Slab, SlabId};
use super::lists::Lists;
use super::table::Slabs;
use crate::arena::Arena;
use crate::base::units::{Class, PAGE};
use crate::region::{Links, Magazine, Object};
use crate::sys::die::die;

/// Rounds that wait for each other.
const ABREAST: usize = 16;
/// An empty slab of at most this many pages is kept for the next fill.
const KEEP_EMPTY_PAGES: u32 = 8;
const _: () = assert!(PAGE * KEEP_EMPTY_PAGES as usize <= 32 * 1024);

/// The slab that the last round was put into. It may be on the wrong list, or empty.
struct Present<'a> {
    id: SlabId,
    slab: &'a Slab,
    /// The address of its first object.
    first: usize,
}

/// Rounds on their way back.
pub(super) struct Returns<'a> {
    lists: &'a mut Lists,
    slabs: &'a Slabs,
    arena: &'a Arena,
    class: Class,
    present: Option<Present<'a>>,
    waiting: [Option<Object>; ABREAST],
    /// How many wait.
    count: usize,
}

impl<'a> Returns<'a> {
    pub(super) fn new(lists: &'a mut Lists, slabs: &'a Slabs, arena: &'a Arena, class: Class) -> Returns<'a> {
        Returns { lists, slabs, arena, class, present: None, waiting: [const { None }; ABREAST], count: 0 }
    }

    /// Puts all rounds back. Passes those that are no objects of these slabs to `stray`.
    pub(super) fn put_all(mut self, mut magazine: Magazine, links: Links, mut stray: impl FnMut(Object)) {
        let mut last_page = 0;
        while let Some(object) = magazine.pop(links, self.class) {
            let Err(object) = self.put_in_present(object) else { continue };
            // Two rounds in a row of a page that is not the present slab's: what follows will be there, too.
            let page = object.address() / PAGE;
            if self.count == ABREAST || page == last_page {
                self.put_waiting(&mut stray);
            }
            last_page = page;
            self.wait(object);
        }
        self.put_waiting(&mut stray);
        self.settle();
    }

    fn wait(&mut self, object: Object) {
        self.slabs.fetch_id(self.arena, object.address());
        if let Some(place) = self.waiting.get_mut(self.count) {
            *place = Some(object);
            self.count += 1;
        }
    }

    fn put_waiting(&mut self, stray: &mut impl FnMut(Object)) {
        let waiting = self.waiting.iter().take(self.count).flatten();
        waiting.for_each(|object| self.slabs.fetch_descriptor(self.arena, object.address()));
        for place in 0..core::mem::take(&mut self.count) {
            let Some(object) = self.waiting.get_mut(place).and_then(Option::take) else { continue };
            if let Err(object) = self.put(object) {
                stray(object);
            }
        }
    }

    fn put(&mut self, object: Object) -> Result<(), Object> {
        let Err(object) = self.put_in_present(object) else { return Ok(()) };
        self.settle();
        self.present = self.slab_of(object.address());
        self.put_in_present(object)
    }

    /// Puts an object into the present slab; gives it back if it is none of this slab's. One whose bit is set already was freed twice.
    #[inline(always)]
    fn put_in_present(&mut self, object: Object) -> Result<(), Object> {
        let Some(present) = &self.present else { return Err(object) };
        let (address, class) = (object.address(), self.class);
        let distance = address.wrapping_sub(present.first);
        let number = class.objects_in(distance);
        if number >= class.info().slab_objects as usize || number * class.size() != distance {
            return Err(object);
        }
        if !present.slab.put(number as u32) {
            die(format_args!("double free: {address:#x}: an object of {} bytes", class.size()));
        }
        self.lists.free += 1;
        Ok(())
    }

    /// The slab on whose pages an address lies, if it is one of the class.
    fn slab_of(&self, address: usize) -> Option<Present<'a>> {
        let region = self.arena.region();
        let page = region.page_of(address).filter(|&page| region.entry(page).class() == Some(self.class))?;
        let id = self.slabs.id_of(self.arena, page)?;
        let (slab, first) = self.slabs.slab(self.arena, id);
        Some(Present { id, slab, first })
    }

    /// Moves the present slab to the list where it belongs now, or gives it back if it is empty and not worth keeping.
    fn settle(&mut self) {
        let Some(Present { id, slab, .. }) = self.present.take() else { return };
        let info = self.class.info();
        let empty = slab.free() == info.slab_objects;
        if empty && (info.slab_pages > KEEP_EMPTY_PAGES || self.lists.empty().is_some()) {
            end_slab(self.lists, self.slabs, self.arena, self.class, id);
        } else {
            self.lists.place(&self.slabs.descriptors, id, self.class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::{CLASS, give_back, objects, with_slabs};
    use super::*;
    extern crate std;
    use std::vec::Vec;

    #[test]
    fn rounds_come_home_in_a_row_and_scattered() {
        with_slabs(|slabs, arena| {
            let found = objects(slabs, arena, 40 * CLASS.info().slab_objects as usize);
            let free = || slabs.figures(CLASS).free as usize;
            let before = free();
            // Some in a row, some of another slab each, forwards and backwards, and more than wait for each other.
            let each = CLASS.info().slab_objects as usize;
            let row: Vec<_> = found[..each / 2].to_vec();
            let scattered: Vec<_> = found[each..].iter().copied().step_by(each + 1).collect();
            assert!(scattered.len() > 2 * ABREAST);
            let (few, rest) = scattered.split_at(ABREAST + 3);
            let mut all = [few, &row, rest].concat();
            all.reverse();
            give_back(slabs, arena, &all);
            assert_eq!(free() - before, all.len());
            assert!(all.iter().all(|&address| slabs.object_around(arena, address) == Some((address, CLASS, true))));
            let left = found.iter().filter(|address| !all.contains(address));
            assert!(left.copied().all(|address| slabs.object_around(arena, address) == Some((address, CLASS, false))));
        });
    }
}
