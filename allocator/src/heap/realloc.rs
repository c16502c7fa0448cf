//! Resizing: in place where possible, by moving page tables where that pays, otherwise by copying.
#![allow(unsafe_code, reason = "copies the program's bytes")]

use super::Heap;
use super::knowledge::{Call, Found};
use crate::base::classes::MAX_SMALL;
use crate::base::units::{
    ADDRESSES, Class, MAX_RUN_PAGES, MAX_SIZE, MIN_ALIGN, NodeId, PAGE, Page, pages_for, round_up,
};
use crate::sys::limit::LIMIT;
use core::ptr::null_mut;

/// A large object that must move and will be at least this long is moved into a mapping of its own, where it grows by `mremap`: from this
/// length on, moving page tables is cheaper than copying.
const PROMOTE: usize = 1 << 20;

/// A huge object that shrinks by no more than this part of its length stays as it is.
const CUT_SHARE: usize = 8;

/// A small object that grows and must move gets at least so many eighths of what it had: an object that has grown once grows again, and so
/// it moves only every few times.
const GROWN_EIGHTHS: usize = 11;
/// A small object that shrinks stays where it is while it needs more than so many eighths of its class's size.
const LEAST_EIGHTHS: usize = 5;

/// Whether larder chooses the class of an object that is resized, or a layout tells it, which will be told again.
const FREELY: bool = true;
const BY_LAYOUT: bool = false;

/// What is known of a class: its offset, and the size of its objects.
type Known = (usize, usize);

impl Heap {
    /// C's realloc of a live object (not null) to `size` bytes. Nobody will tell larder the size again, so the class may be larger than
    /// that of `size`. Returns null and leaves the object as it was if there is no memory.
    #[inline(always)]
    pub fn resize_freely(&self, pointer: *mut u8, size: usize) -> *mut u8 {
        match self.cpus.offset_and_size(pointer as usize) {
            Some(has) if size <= MAX_SMALL => self.realloc_small::<FREELY>(pointer, has, size, free_choice(has, size)),
            _ => self.resize_any_freely(pointer, size),
        }
    }

    #[inline(never)]
    fn resize_any_freely(&self, pointer: *mut u8, size: usize) -> *mut u8 {
        let Some(found) = self.enter_and_find(pointer, Call::Realloc) else { return null_mut() };
        let new = match found {
            Found::Small(class) if size <= MAX_SMALL => match free_choice((class.offset(), class.size()), size) {
                stays if stays == class.offset() => pointer,
                offset => self.copy_to_new(pointer, found, Class::at_offset(offset).size(), MIN_ALIGN),
            },
            _ => self.resize(pointer, found, size, MIN_ALIGN),
        };
        if new.is_null() { self.as_it_is(pointer, found, size) } else { new }
    }

    /// An object that shrinks stays where it is if there is no memory for another: a caller that wants less seldom expects to get nothing.
    /// A large or huge object is cut all the same.
    fn as_it_is(&self, pointer: *mut u8, found: Found, size: usize) -> *mut u8 {
        if size > self.usable(found) {
            return null_mut();
        }
        match found {
            Found::Large(home, page) => {
                self.resize_large(home, page, size);
            }
            Found::Huge(_) => {
                self.huge.resize(pointer as usize, size.max(PROMOTE), false);
            }
            Found::Small(_) => {}
        }
        pointer
    }

    /// Reallocates a live object (not null) to `size` bytes at `align` (a power of two). Returns null and leaves the object as it was if
    /// there is no memory.
    #[inline]
    pub fn realloc(&self, pointer: *mut u8, size: usize, align: usize) -> *mut u8 {
        match self.cpus.offset_and_size(pointer as usize) {
            Some(has) if size <= MAX_SMALL && align <= MIN_ALIGN => {
                self.realloc_small::<BY_LAYOUT>(pointer, has, size, Class::offset_for(size, align))
            }
            _ => self.realloc_any(pointer, size, align),
        }
    }

    /// Resizes an object that stays or becomes small, where the hit path is open. `offset` is that of the class the object will have; `has`
    /// is the offset and the size of the class it has.
    #[inline(always)]
    fn realloc_small<const FREE: bool>(&self, pointer: *mut u8, has: Known, size: usize, offset: usize) -> *mut u8 {
        if self.may_be_free(pointer as usize) {
            return self.realloc_suspect::<FREE>(pointer, has, size, offset);
        }
        if offset == has.0 { pointer } else { self.move_small::<FREE>(pointer, has, size, offset) }
    }

    /// Resizes an object that looks as if it were free already.
    #[cold]
    #[inline(never)]
    fn realloc_suspect<const FREE: bool>(&self, pointer: *mut u8, has: Known, size: usize, offset: usize) -> *mut u8 {
        if self.is_free_object(pointer as usize, Class::at_offset(has.0)) {
            self.refuse(pointer as usize, Call::Realloc);
            return null_mut();
        }
        if offset == has.0 { pointer } else { self.move_small::<FREE>(pointer, has, size, offset) }
    }

    /// Moves a small object by hits.
    #[inline(never)]
    fn move_small<const FREE: bool>(
        &self,
        pointer: *mut u8,
        (has_offset, has_size): Known,
        size: usize,
        offset: usize,
    ) -> *mut u8 {
        let new = self.alloc_at(offset);
        if !new.is_null() {
            // SAFETY: both objects are live and distinct; the old one is `has_size` bytes long, and the new one at least the smaller of
            // that and `size`.
            unsafe { new.copy_from_nonoverlapping(pointer, has_size.min(size)) };
            self.push_home(pointer as usize, has_offset);
        } else if FREE && size <= has_size {
            return pointer;
        }
        new
    }

    #[inline(never)]
    fn realloc_any(&self, pointer: *mut u8, size: usize, align: usize) -> *mut u8 {
        let Some(found) = self.enter_and_find(pointer, Call::Realloc) else { return null_mut() };
        self.resize(pointer, found, size, align)
    }

    fn resize(&self, pointer: *mut u8, found: Found, size: usize, align: usize) -> *mut u8 {
        let address = pointer as usize;
        if size > MAX_SIZE - align.min(MAX_SIZE) {
            return null_mut();
        }
        if address.is_multiple_of(align) && self.fits(found, size, align) {
            return pointer;
        }
        let moved = self.move_pages(address, found, size, align);
        if !moved.is_null() {
            return moved;
        }
        let copied = self.copy_to_new(pointer, found, size, align);
        match found {
            // The place for a copy may have gone to another thread by then; moving the pages needs memory only for the growth.
            Found::Large(home, page) if copied.is_null() && may_move_pages(size, align) => {
                self.promote(home, page, size)
            }
            _ => copied,
        }
    }

    /// Resizes a small object of known class to a new layout: in place iff that has the same class, so that a sized free stays right.
    #[inline(always)]
    pub fn realloc_class(&self, pointer: *mut u8, class: Class, size: usize, align: usize) -> *mut u8 {
        if Class::for_layout(size, align) == Some(class) {
            return pointer;
        }
        self.copy_to_new(pointer, Found::Small(class), size, align)
    }

    /// Returns whether the object has what the new size asks for, or was given it where it lies.
    pub(super) fn fits(&self, found: Found, size: usize, align: usize) -> bool {
        let class = Class::for_layout(size, align);
        match found {
            Found::Small(old) => class == Some(old),
            Found::Large(home, page) => size > MAX_SMALL && self.resize_large(home, page, size),
            Found::Huge(len) => class.is_none() && size <= len && len - size <= len / CUT_SHARE,
        }
    }

    fn resize_large(&self, home: NodeId, page: Page, size: usize) -> bool {
        let arena = &self.node(home).arena;
        let done = pages_for(size).is_some_and(|pages| arena.resize_large(page, pages, self.purge_policy()));
        self.publish_extent(home);
        self.nudge(0);
        done
    }

    /// Moves the pages instead of their bytes. Aligned to more than a page, they may not go just anywhere, but a huge object can be cut, or
    /// grow, where it lies. Returns null if the object does not qualify.
    fn move_pages(&self, address: usize, found: Found, size: usize, align: usize) -> *mut u8 {
        let may_move = may_move_pages(size, align);
        let may_stay = matches!(found, Found::Huge(_)) && size >= PROMOTE && address.is_multiple_of(align);
        if !may_move && !may_stay {
            return null_mut();
        }
        let growth = size.saturating_sub(self.usable(found));
        if LIMIT.lacks(growth) {
            self.gather_all();
        }
        match found {
            Found::Huge(_) if !may_move => self.huge.resize(address, size, false),
            Found::Huge(_) => self.resize_huge(address, size, growth),
            Found::Large(home, page) if !self.is_better_copied(home, page, size) => self.promote(home, page, size),
            _ => null_mut(),
        }
    }

    /// Returns whether a large object that grows to `size` bytes is better copied within its arena, because most of what it would get there has
    /// memory: fewer pages than it grows by have none. Copying a page costs less than a page fault, and when the object is freed the pages stay warm.
    fn is_better_copied(&self, home: NodeId, page: Page, size: usize) -> bool {
        let arena = &self.node(home).arena;
        let Some(pages) = pages_for(size) else { return false };
        let growth = pages.saturating_sub(arena.region().large_pages(page));
        arena.zero_pages_for(pages).is_some_and(|zero| zero < growth)
    }

    /// Resizes a huge object, once more if the regions give up addresses for what it grows by: it is not copied where there is room for that
    /// alone.
    fn resize_huge(&self, address: usize, size: usize, growth: usize) -> *mut u8 {
        let resized = self.huge.resize(address, size, true);
        let may_retry = resized.is_null() && growth > 0 && self.gives_up_addresses(growth);
        if may_retry { self.huge.resize(address, size, true) } else { resized }
    }

    /// Moves a large object that grows into a mapping of its own. Its run is zero afterwards. If there is no room for the new size, or no
    /// place for one more huge object, the pages go back where they were.
    fn promote(&self, home: NodeId, page: Page, size: usize) -> *mut u8 {
        let arena = &self.node(home).arena;
        let old = arena.region().large_pages(page) as usize * PAGE;
        let Some(growth) = round_up(size, PAGE).and_then(|new| new.checked_sub(old)).filter(|&growth| growth > 0)
        else {
            return null_mut();
        };
        if !self.huge.places.has_room() || !LIMIT.charge(growth) {
            return null_mut();
        }
        let moved = arena.move_large_out(page, |span| {
            // From here on the run's pages are the new object's; the arena takes the run off its own account.
            LIMIT.add(old);
            self.unbind_mapping(&span);
            self.huge.adopt(span, old + growth).inspect_err(|_| LIMIT.release(old))
        });
        moved.unwrap_or_else(|| {
            LIMIT.release(growth);
            null_mut()
        })
    }

    #[cold]
    #[inline(never)]
    fn copy_to_new(&self, pointer: *mut u8, found: Found, size: usize, align: usize) -> *mut u8 {
        let grows_on = size > MAX_SMALL && size > self.usable(found);
        self.move_to_new(pointer, found, size, || {
            if grows_on { self.alloc_to_grow(size, align) } else { self.alloc_slow(size, align) }
        })
    }

    /// Copies an object to one that `alloc` gives, and frees it. Returns null, and changes nothing, if `alloc` gives none.
    pub(super) fn move_to_new(
        &self,
        pointer: *mut u8,
        found: Found,
        size: usize,
        alloc: impl FnOnce() -> *mut u8,
    ) -> *mut u8 {
        let new = alloc();
        if !new.is_null() {
            let bytes = self.usable(found).min(size);
            // SAFETY: both objects are live and distinct; the old one is at least `bytes` long, and the new one at least `size`.
            unsafe { new.copy_from_nonoverlapping(pointer, bytes) };
            self.free(pointer);
        }
        new
    }

    /// Tries to give the object at least `size` and up to `want` bytes where it lies. Returns what it has then (xallocx).
    pub fn resize_in_place(&self, pointer: *mut u8, size: usize, want: usize) -> usize {
        let address = pointer as usize;
        let Some(found) = self.enter_and_find(pointer, Call::Realloc) else { return 0 };
        for bytes in [want, size] {
            let huge = matches!(found, Found::Huge(_)) && bytes >= PROMOTE;
            if self.fits(found, bytes.max(1), 1) || (huge && !self.huge.resize(address, bytes, false).is_null()) {
                break;
            }
        }
        self.find(address, Call::Realloc).map_or(0, |found| self.usable(found))
    }

    /// Bytes that the holder of a live object may use. Some programs ask this of every object they get and free.
    #[inline(always)]
    pub fn usable_size(&self, pointer: *const u8) -> usize {
        let address = pointer as usize;
        match self.cpus.offset_and_size(address) {
            Some((_, size)) if !self.may_be_free(address) => size,
            _ => self.usable_size_of_any(pointer),
        }
    }

    #[inline(never)]
    fn usable_size_of_any(&self, pointer: *const u8) -> usize {
        self.enter_and_find(pointer, Call::UsableSize).map_or(0, |found| self.usable(found))
    }

    /// The usable size an allocation would have; 0 if it cannot be had. An object gets more where a mapping must stand in for a run.
    pub fn good_size(&self, size: usize, align: usize) -> usize {
        if let Some(class) = Class::for_layout(size, align) {
            return class.size();
        }
        // No run is so long or so aligned. The length of a mapping depends on the options, which are read at boot.
        let is_huge = size.max(align) > MAX_RUN_PAGES as usize * PAGE && self.enter();
        let usable = if is_huge { Some(self.huge.pages.mapping_len(size)) } else { round_up(size.max(1), PAGE) };
        usable.filter(|&usable| usable < ADDRESSES - align.min(ADDRESSES)).unwrap_or(0)
    }
}

/// Returns whether an object's pages may be moved to give it this size and alignment.
fn may_move_pages(size: usize, align: usize) -> bool {
    align <= PAGE && size >= PROMOTE
}

/// The offset of the class that an object should have for `size` bytes if its present class has the first offset and `has` bytes.
fn free_choice((offset, has): Known, size: usize) -> usize {
    if size > has {
        Class::offset_for(size.max(has / 8 * GROWN_EIGHTHS).min(MAX_SMALL), MIN_ALIGN)
    } else if size * 8 > has * LEAST_EIGHTHS {
        offset
    } else {
        Class::offset_for(size, MIN_ALIGN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Shape;
    use crate::sys::topology::Topology;
    extern crate std;
    use std::boxed::Box;

    const SIZE: usize = 80 << 20;
    const ALIGN: usize = 2 << 20;

    #[test]
    fn a_huge_object_of_a_large_alignment_is_cut_where_it_lies() {
        let heap = Box::leak(Box::new(Heap::new()));
        assert!(heap.boot_as(&Shape { topology: Topology::single(), region_len: 64 << 20 }));
        let object = heap.alloc(SIZE, ALIGN);
        assert!(!object.is_null());
        for size in [SIZE / 2, PROMOTE] {
            assert_eq!(heap.realloc(object, size, ALIGN), object, "{size}");
            assert_eq!(heap.usable_size(object), size);
        }
        let small = heap.realloc(object, PROMOTE / 2, ALIGN);
        assert!(small != object && small.addr().is_multiple_of(ALIGN));
        heap.free(small);
        assert_eq!(heap.huge.places.in_use(), (0, 0));
    }
}
