//! What larder knows of an address: to resize it, and to say what is wrong with it.
//!
//! Caught at once: pointers outside larder's memory, into the inside of an object, or to free pages; a second free of the object that was
//! freed last; and a double free of any object where the hit path is not taken (a full window, `double_free:at_once`). Caught when the
//! object is met again: a double free of an object that lies in a magazine, because its link was wiped or overwritten when it left. Not
//! caught: a double free of an object that had gone back to its slab, if the program gets it from there first.

use super::Heap;
use crate::base::sync::{AtomicBool, Ordering};
use crate::base::units::{Class, MAX_RUN_PAGES, NodeId, PAGE, Page};
use crate::region::{Entry, NO_LINK};
use crate::sys::die::{die, warn};
use crate::sys::options::Key;
use core::fmt;

/// The call that was made with the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// free, delete, dallocx.
    Free,
    /// realloc, rallocx, xallocx.
    Realloc,
    /// malloc_usable_size, sallocx.
    UsableSize,
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Call::Free => "free",
            Call::Realloc => "realloc",
            Call::UsableSize => "usable_size",
        })
    }
}

/// A live object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An object of a class.
    Small(Class),
    /// A large object, whose run begins at a page of a node.
    Large(NodeId, Page),
    /// A huge object, whose mapping has so many bytes.
    Huge(usize),
}

/// What lies at an address where no live object begins.
enum Knowledge {
    Foreign,
    FreePage,
    FreeObject(usize),
    NoObject(usize),
    Inside { what: &'static str, start: usize, len: usize },
}

impl fmt::Display for Knowledge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Knowledge::Foreign => out.write_str("not memory of larder"),
            Knowledge::FreePage => out.write_str("a free page"),
            Knowledge::FreeObject(size) => write!(out, "a free object of {size} bytes"),
            Knowledge::NoObject(size) => write!(out, "outside the objects of {size} bytes on its page"),
            Knowledge::Inside { what, start, len } => {
                write!(out, "inside {what} of {len} bytes that begins at {start:#x}")
            }
        }
    }
}

impl Heap {
    /// The live object that begins at `address`; any other address is refused.
    pub(super) fn find(&self, address: usize, call: Call) -> Option<Found> {
        let found = match self.home_of(address) {
            Some(home) => self.find_in(home, address),
            None => self.huge.places.len_of(address).map(Found::Huge),
        };
        if found.is_none() {
            self.refuse(address, call);
        }
        found
    }

    /// As [`Heap::find`] at the beginning of a call; also `None` where larder cannot be used yet. A small object in a row is found at once
    /// and returned in registers: a result that a callee writes to memory byte by byte costs a caller that reads it whole 13 ns.
    #[inline(always)]
    pub(super) fn enter_and_find(&self, pointer: *const u8, call: Call) -> Option<Found> {
        let address = pointer as usize;
        match self.cpus.offset_by_row(address) {
            Some(offset) if !self.may_be_free(address) => Some(Found::Small(Class::at_offset(offset))),
            _ => self.enter_and_find_any(address, call),
        }
    }

    #[inline(never)]
    fn enter_and_find_any(&self, address: usize, call: Call) -> Option<Found> {
        if self.enter() { self.find(address, call) } else { None }
    }

    fn find_in(&self, home: NodeId, address: usize) -> Option<Found> {
        let region = self.node(home).arena.region();
        let page = region.page_of(address)?;
        let entry = region.entry(page);
        if let Some(class) = entry.class_of_object(address) {
            return (!self.is_free_object(address, class)).then_some(Found::Small(class));
        }
        (entry == Entry::LARGE && address.is_multiple_of(PAGE)).then_some(Found::Large(home, page))
    }

    /// Bytes that the holder of a live object may use.
    pub(super) fn usable(&self, found: Found) -> usize {
        match found {
            Found::Small(class) => class.size(),
            Found::Large(home, page) => self.node(home).arena.region().large_pages(page) as usize * PAGE,
            Found::Huge(len) => len,
        }
    }

    /// Called when the program frees an object: if its first word is a link, it is free already.
    pub(super) fn suspect(&self, address: usize, class: Class) {
        if self.is_free_object(address, class) {
            die(format_args!("double free: {address:#x}: an object of {} bytes", class.size()));
        }
    }

    /// Returns whether the object's first word is a link: to the start of another object of the class, or the end of a chain. The encoding
    /// includes the secret and the object's own address, so a word that the program wrote there is no link, except in about one case of
    /// 2^40.
    pub(super) fn is_free_object(&self, address: usize, class: Class) -> bool {
        let next = self.cpus.link_in(address);
        next == 0 || (next & NO_LINK == 0 && self.class_at(next as usize) == Some(class))
    }

    /// A first look, which does not follow the link.
    #[inline(always)]
    pub(super) fn may_be_free(&self, address: usize) -> bool {
        self.cpus.link_in(address) & NO_LINK == 0
    }

    fn class_at(&self, address: usize) -> Option<Class> {
        let region = self.node(self.home_of(address)?).arena.region();
        region.entry(region.page_of(address)?).class_of_object(address)
    }

    /// Reports what is wrong with the address and aborts; or goes on, if the address is foreign and the user wants that.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(&self, address: usize, call: Call) {
        let knowledge = self.knowledge_of(address);
        if matches!(knowledge, Knowledge::Foreign) && self.settings.get(Key::ForeignFree) == 1 {
            static SAID: AtomicBool = AtomicBool::new(false);
            if !SAID.swap(true, Ordering::Relaxed) {
                warn(format_args!("ignored {call}: {address:#x}: not memory of larder (reported only once)"));
            }
            return;
        }
        die(format_args!("invalid {call}: {address:#x}: {knowledge}"));
    }

    fn knowledge_of(&self, address: usize) -> Knowledge {
        let Some(home) = self.home_of(address) else {
            return match self.huge.places.around(address) {
                Some((start, len)) => Knowledge::Inside { what: "a huge object", start, len },
                None => Knowledge::Foreign,
            };
        };
        let node = self.node(home);
        let Some(page) = node.arena.region().page_of(address) else { return Knowledge::Foreign };
        if let Some((start, class, _)) = node.slabs.object_around(&node.arena, address) {
            return match start == address {
                true => Knowledge::FreeObject(class.size()),
                false => Knowledge::Inside { what: "an object", start, len: class.size() },
            };
        }
        match node.arena.region().entry(page).class() {
            Some(class) => Knowledge::NoObject(class.size()),
            None => self.large_around(home, page).unwrap_or(Knowledge::FreePage),
        }
    }

    /// The large object that covers a page: its head is the nearest page at or below it whose word says anything.
    fn large_around(&self, home: NodeId, page: Page) -> Option<Knowledge> {
        let region = self.node(home).arena.region();
        let head = (page.0.saturating_sub(MAX_RUN_PAGES)..=page.0)
            .rev()
            .map(Page)
            .find(|&page| region.entry(page) != Entry::NONE)?;
        let pages = region.large_pages(head);
        let covers = region.entry(head) == Entry::LARGE && head.0 + pages > page.0;
        covers.then(|| Knowledge::Inside {
            what: "a large object",
            start: region.address(head),
            len: pages as usize * PAGE,
        })
    }
}
