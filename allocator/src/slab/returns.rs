//! Objects that come back to the slabs of a class.
//!
//! Most rounds of a magazine lie in the slab of the round before: what was allocated in a row is mostly freed in a row. So a slab is looked up, and moved
//! to the list where it belongs, once for all of those that follow each other.

use super::cache::end_slab;
use super::descriptor::{Slab, SlabId};
use super::lists::Lists;
use super::table::Slabs;
use crate::arena::Arena;
use crate::base::units::{Class, PAGE};
use crate::region::Object;
use crate::sys::die::die;

/// An empty slab of at most this many pages is kept for the next fill.
const KEEP_EMPTY_PAGES: u32 = 8;
const _: () = assert!(PAGE * KEEP_EMPTY_PAGES as usize <= 32 * 1024);

/// A slab that objects are being put into: it may be on the wrong list.
struct Present<'a> {
    id: SlabId,
    slab: &'a Slab,
    /// The address of its first object.
    first: usize,
}

/// Owns a class's lists until [`Returns::settle`].
pub(super) struct Returns<'a> {
    lists: &'a mut Lists,
    slabs: &'a Slabs,
    arena: &'a Arena,
    class: Class,
    present: Option<Present<'a>>,
}

impl<'a> Returns<'a> {
    pub(super) fn new(lists: &'a mut Lists, slabs: &'a Slabs, arena: &'a Arena, class: Class) -> Returns<'a> {
        Returns { lists, slabs, arena, class, present: None }
    }

    /// Puts one object back; if its bit is set already, that is a double free. Returns an address that is no object of these slabs.
    pub(super) fn put(&mut self, object: Object) -> Result<(), Object> {
        let address = object.address();
        let Some((slab, number)) = self.in_present(address).or_else(|| self.in_other(address)) else {
            return Err(object);
        };
        if !slab.put(number) {
            die(format_args!("double free: {address:#x}: an object of {} bytes", self.class.size()));
        }
        self.lists.free += 1;
        Ok(())
    }

    /// The slab that was put into last, and the number of the object at `address`, if it is one of this slab's.
    fn in_present(&self, address: usize) -> Option<(&'a Slab, u32)> {
        let present = self.present.as_ref()?;
        let distance = address.wrapping_sub(present.first);
        let number = self.class.objects_in(distance);
        let is_one = number < self.class.info().slab_objects as usize && number * self.class.size() == distance;
        is_one.then_some((present.slab, number as u32))
    }

    /// Goes over to the slab of the object at `address`, if that is an object of the class.
    fn in_other(&mut self, address: usize) -> Option<(&'a Slab, u32)> {
        self.settle();
        let (slabs, arena, class) = (self.slabs, self.arena, self.class);
        let page = arena.region().page_of(address)?;
        if arena.region().entry(page).class_of_object(address) != Some(class) {
            return None;
        }
        let (slab, number) = slabs.locate(arena, page, class, address)?;
        let first = address - number as usize * class.size();
        self.present = Some(Present { id: slabs.id_of(arena, page)?, slab, first });
        Some((slab, number))
    }

    /// Moves the slab that was put into last to the list where it belongs now, or gives it back if it is empty and not worth keeping.
    pub(super) fn settle(&mut self) {
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
