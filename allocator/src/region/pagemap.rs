//! The pagemap: one 64-bit word per page.
//!
//! ```text
//! slab    bits 16-63  the last object's address times the class's reciprocal, rounded up                          bits 0-15  class offset
//! others  bits 32-39  kind: 0 none · LARGE · FREE_WARM · FREE_ZERO    bits 24-31  order of a free run         bits 0-15  0
//! ```
//!
//! A multiplication tells the start of an object (after Lemire, Kaser, Kurz 2019). The reciprocal R is a little more than 2^64 / size: the products
//! address * R mod 2^64 of objects that follow each other differ by size * R - 2^64, which is at least [`DRIFT`] and, over a whole slab, less than
//! [`STARTS`]. Of two addresses that are not a multiple of the size apart the products differ by about R at least, which is 2^46 or more. So an address on
//! the slab's pages begins an object iff its product is at most that of the last object, and less than `STARTS` below it. `free` needs address * R, one
//! subtraction and one comparison, with a constant. The low 16 bits of the word make room for the class offset: the word is up to 2^16 and a class offset
//! above the last object's product, which is less than `DRIFT`, and so not above the product of the address where one more object would begin.
//!
//! Words of other kinds have class offset 0, whose reciprocal is 0. Of these, none is 0, and the others are more than `STARTS`, so the same comparison
//! refuses them.
#![allow(unsafe_code, reason = "the lookup of the free path reads the table without a bounds check")]

use super::table::Table;
use crate::base::classes::{CLASSES, DRIFT, MAX_SLAB_OBJECTS, MAX_SLAB_PAGES};
use crate::base::sync::{AtomicU64, Ordering};
use crate::base::units::{Class, Order, PAGE, PAGE_SHIFT, Page};
use crate::sys::Errno;
use crate::sys::vm::Span;

const LARGE: u64 = 1 << 32;
const FREE_WARM: u64 = 2 << 32;
const FREE_ZERO: u64 = 3 << 32;
const KIND: u64 = 0xFF << 32;
const OFFSET: u64 = 0xFFFF;

/// The products of a slab's objects are less than this below its word. A constant of 32 bits, for the comparison of the hit path.
pub const STARTS: u64 = 1 << 30;
const _: () = assert!(STARTS < LARGE && DRIFT > OFFSET + 1 + Class(CLASSES as u8).offset() as u64);
const _: () = assert!(STARTS > (MAX_SLAB_OBJECTS as u64 + 1) * DRIFT + (MAX_SLAB_PAGES * PAGE) as u64);

/// A word of the pagemap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(u64);

impl Entry {
    /// Nothing that larder handed out begins here.
    pub const NONE: Entry = Entry(0);
    /// The first page of a large object.
    pub const LARGE: Entry = Entry(LARGE);

    /// The first page of a free run.
    pub const fn free(order: Order, warm: bool) -> Entry {
        Entry((order.0 as u64) << 24 | if warm { FREE_WARM } else { FREE_ZERO })
    }

    /// Any page of a slab whose first object lies at address `first`.
    pub fn slab(class: Class, first: usize) -> Entry {
        let last = first + (class.info().slab_objects as usize - 1) * class.size();
        let product = (last as u64).wrapping_mul(class.reciprocal());
        Entry(product.wrapping_add(OFFSET + 1) & !OFFSET | class.offset() as u64)
    }

    /// The class, if it is a slab's page.
    #[inline(always)]
    pub fn class(self) -> Option<Class> {
        match self.0 & OFFSET {
            0 => None,
            offset => Some(Class::at_offset(offset as usize)),
        }
    }

    /// The class, iff this is a slab's page and `address`, which lies on it, begins one of the slab's objects.
    #[inline(always)]
    pub fn class_of_object(self, address: usize) -> Option<Class> {
        let class = self.class()?;
        self.begins_object(address, class.reciprocal()).then_some(class)
    }

    /// Returns whether `address` begins an object of a slab of the class with this reciprocal.
    #[inline(always)]
    pub fn begins_object(self, address: usize, reciprocal: u64) -> bool {
        (address as u64).wrapping_mul(reciprocal).wrapping_sub(self.0) >= STARTS.wrapping_neg()
    }

    /// The offset of the class, 0 if this is no slab's page.
    #[inline(always)]
    pub fn offset(self) -> usize {
        (self.0 & OFFSET) as usize
    }

    /// Order and warmth, if this is the first page of a free run.
    pub fn as_free(self) -> Option<(Order, bool)> {
        let kind = self.0 & KIND;
        let free = self.0 & OFFSET == 0 && (kind == FREE_WARM || kind == FREE_ZERO);
        free.then_some((Order((self.0 >> 24) as u8), kind == FREE_WARM))
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct PageMap {
    words: Table<AtomicU64>,
}

impl PageMap {
    /// Bytes to reserve for `pages` pages.
    pub fn bytes_for(pages: usize) -> usize {
        Table::<AtomicU64>::bytes_for(pages)
    }

    /// Cuts room for `pages` pages from `metadata`; returns the rest.
    pub fn settle(&self, metadata: Span, pages: usize) -> Span {
        self.words.settle(metadata, pages)
    }

    /// As [`Table::give_up_unused`].
    pub fn give_up_unused(&self) {
        self.words.give_up_unused();
    }

    /// Bytes committed.
    pub fn committed(&self) -> usize {
        self.words.committed()
    }

    /// Makes words for `pages` pages usable.
    pub fn extend_to(&self, pages: usize) -> Result<(), Errno> {
        self.words.extend_to(pages)
    }

    /// Address of the first word.
    #[inline(always)]
    pub fn base(&self) -> usize {
        self.words.base()
    }

    /// The word of a page.
    pub fn get(&self, page: Page) -> Entry {
        Entry(self.words.get(page.index()).load(Ordering::Relaxed))
    }

    /// Sets the word of a page. Release: a forked child sees what was written before it.
    pub fn set(&self, page: Page, entry: Entry) {
        self.words.get(page.index()).store(entry.0, Ordering::Release);
    }

    /// Changes the word of a page from `from` to `to`; returns false if it was not `from`. Two racing frees of one large object meet here.
    pub fn replace(&self, page: Page, from: Entry, to: Entry) -> bool {
        self.words.get(page.index()).compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl PageMap {
    /// Where the word of address 0 would lie if the table began there instead of with the region at `region`.
    pub fn origin(&self, region: usize) -> usize {
        self.base().wrapping_sub((region >> PAGE_SHIFT) * size_of::<AtomicU64>())
    }

    /// The word of the page around `address`: the lookup of the free path.
    ///
    /// # Safety
    /// `origin` must be that of a settled map, and `address` must lie in a committed page of its region.
    #[inline(always)]
    pub unsafe fn lookup(origin: usize, address: usize) -> Entry {
        let word = (origin as *const AtomicU64).wrapping_add(address >> PAGE_SHIFT);
        // SAFETY: the page is committed, so its word is committed memory, which is never unmapped.
        Entry(unsafe { &*word }.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slab_entries_know_object_starts() {
        for class in Class::all() {
            let (info, size) = (class.info(), class.size());
            for colour in [0, (info.colours - 1) * info.colour_step] {
                let slab = 0x7f12_3456_7000_usize;
                let first = slab + colour as usize;
                let entry = Entry::slab(class, first);
                assert_eq!(entry.class(), Some(class));
                let mut starts = (first..).step_by(size).take(info.slab_objects as usize).peekable();
                for address in slab..slab + info.slab_pages as usize * PAGE {
                    let start = starts.next_if_eq(&address).is_some();
                    assert_eq!(entry.class_of_object(address).is_some(), start, "{size} {colour} {address:#x}");
                }
                assert_eq!(starts.next(), None);
            }
        }
    }

    #[test]
    fn other_entries_are_no_slabs() {
        let free = Entry::free(Order(13), true);
        assert_eq!(free.as_free(), Some((Order(13), true)));
        for entry in [Entry::NONE, Entry::LARGE, free, Entry::free(Order(0), false)] {
            assert_eq!(entry.class(), None);
            assert_eq!(entry.class_of_object(0x7f12_3456_7000), None);
            assert!(!entry.begins_object(0x7f12_3456_7000, 0));
        }
    }
}
