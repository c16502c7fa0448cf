//! The pagemap: one 32-bit word per page.
//!
//! ```text
//! bits 0-7   kind: 0 none · 1-73 slab of that class · LARGE · FREE_WARM · FREE_ZERO
//! bits 8-15  order of a free run
//! bits 16-31 bias of a slab's page: with the offset in the page it makes the distance from an object's start, modulo its size
//! ```
#![allow(unsafe_code, reason = "the lookup of the free path reads the table without a bounds check")]

use super::table::Table;
use crate::base::classes::{self, CLASSES};
use crate::base::sync::{AtomicU32, Ordering};
use crate::base::units::{Class, Order, PAGE, Page};
use crate::sys::Errno;
use crate::sys::vm::Span;

const LARGE: u32 = 0xF0;
const FREE_WARM: u32 = 0xF1;
const FREE_ZERO: u32 = 0xF2;

/// A word of the pagemap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(u32);

impl Entry {
    /// Nothing larder handed out begins here.
    pub const NONE: Entry = Entry(0);
    /// The first page of a large object.
    pub const LARGE: Entry = Entry(LARGE);

    /// The first page of a free run.
    pub const fn free(order: Order, warm: bool) -> Entry {
        Entry((order.0 as u32) << 8 | if warm { FREE_WARM } else { FREE_ZERO })
    }

    /// Page `index` of a slab whose first object lies `colour` bytes into it.
    pub fn slab(class: Class, index: u32, colour: u32) -> Entry {
        let size = class.size() as u32;
        let bias = (index * PAGE as u32 + size - colour % size) % size;
        Entry(bias << 16 | class.0 as u32)
    }

    /// The class, if it is a slab's page.
    #[inline(always)]
    pub fn class(self) -> Option<Class> {
        let kind = self.0 as u8;
        (kind != 0 && (kind as usize) < CLASSES).then_some(Class(kind))
    }

    /// The class, iff it is a slab's page and an object begins `offset` bytes into it. One multiplication, one comparison.
    #[inline(always)]
    pub fn class_of_object_at(self, offset: usize) -> Option<Class> {
        let kind = self.0 as u8;
        classes::is_object_start(kind, (offset + (self.0 >> 16) as usize) as u64).then_some(Class(kind))
    }

    /// Order and warmth, if it is the first page of a free run.
    pub fn as_free(self) -> Option<(Order, bool)> {
        let kind = self.0 & 0xFF;
        (kind == FREE_WARM || kind == FREE_ZERO).then_some((Order((self.0 >> 8) as u8), kind == FREE_WARM))
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct PageMap {
    words: Table<AtomicU32>,
}

impl PageMap {
    /// Bytes to reserve for `pages` pages.
    pub fn bytes_for(pages: usize) -> usize {
        Table::<AtomicU32>::bytes_for(pages)
    }

    /// Cuts room for `pages` pages from `metadata`; returns the rest.
    pub fn settle(&self, metadata: Span, pages: usize) -> Span {
        self.words.settle(metadata, pages)
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

    /// Changes the word of a page from `from` to `to`; false if it was not `from`. Two racing frees of one large object meet here.
    pub fn replace(&self, page: Page, from: Entry, to: Entry) -> bool {
        self.words.get(page.index()).compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The word of the page with number `index`, given the table's address: the lookup of the free path.
    ///
    /// # Safety
    /// `base` is `self.base()` of a settled map and `index` is below the number of committed pages.
    #[inline(always)]
    pub unsafe fn lookup(base: usize, index: usize) -> Entry {
        let words = base as *const AtomicU32;
        // SAFETY: the caller vouches for the index.
        let word = unsafe { &*words.add(index) };
        Entry(word.load(Ordering::Relaxed))
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
                for page in 0..info.slab_pages {
                    let entry = Entry::slab(class, page, colour);
                    assert_eq!(entry.class(), Some(class));
                    for offset in (0..PAGE).step_by(8) {
                        let at = page as usize * PAGE + offset;
                        let start = at >= colour as usize && (at - colour as usize).is_multiple_of(size);
                        let told = entry.class_of_object_at(offset).is_some();
                        assert!(told == start || at < colour as usize, "{size} {colour} {page} {offset}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_entries_are_no_slabs() {
        let free = Entry::free(Order(13), true);
        assert_eq!(free.as_free(), Some((Order(13), true)));
        for entry in [Entry::NONE, Entry::LARGE, free, Entry::free(Order(0), false)] {
            assert_eq!(entry.class(), None);
            assert_eq!(entry.class_of_object_at(0), None);
        }
    }
}
