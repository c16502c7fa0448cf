//! A stand-in for `region`: objects and pages that have nothing but their links. Only the holder of an object may touch its link, so the link is a
//! cell that loom watches for races.
use crate::base::sync::AtomicU32;
use crate::base::units::{Class, Page};
use loom::cell::UnsafeCell;

/// The number of objects in a model; the first has address 1.
pub const OBJECTS: usize = 4;

/// The first words of all objects.
#[derive(Debug, Default)]
pub struct Memory([UnsafeCell<u64>; OBJECTS]);

// SAFETY: loom fails a model in which two threads access a cell at the same time.
unsafe impl Sync for Memory {}

impl Memory {
    /// Access to these words.
    pub fn links(&self) -> Links {
        Links(self)
    }
}

/// Reads and writes the objects' first words. Must be used only while the memory exists.
#[derive(Clone, Copy, Debug)]
pub struct Links(*const Memory);

impl Links {
    fn word(self, address: usize) -> &'static UnsafeCell<u64> {
        // SAFETY: a model keeps the memory until its threads have ended.
        let memory = unsafe { &*self.0 };
        &memory.0[address - 1]
    }

    /// The link in the object at `address`.
    pub fn read(self, address: usize) -> u64 {
        // SAFETY: loom fails the model if somebody writes meanwhile.
        self.word(address).with(|link| unsafe { link.read() })
    }

    /// Whether `next` is the address of an object or the link of the last one.
    pub fn leads_to(self, next: u64) -> bool {
        next <= OBJECTS as u64
    }

    /// Sets the link of an object.
    pub fn write(self, object: &Object, next: u64) {
        // SAFETY: loom fails the model if somebody reads or writes meanwhile.
        self.word(object.address()).with_mut(|link| unsafe { link.write(next) });
    }
}

/// Fails the model.
pub fn broken_link(address: usize, _class: Class) -> ! {
    panic!("the link of object {address} leads nowhere")
}

/// A free object with a single owner.
#[derive(Debug)]
pub struct Object(usize);

impl Object {
    /// The object at an address.
    pub fn mint(address: usize) -> Object {
        Object(address)
    }

    /// The object's address.
    pub fn address(&self) -> usize {
        self.0
    }
}

/// Some objects.
#[derive(Debug)]
pub struct Magazine(pub Vec<Object>);

impl Magazine {
    /// Takes an object out.
    pub fn pop(&mut self, _links: Links, _class: Class) -> Option<Object> {
        self.0.pop()
    }
}

/// Two numbers of a page.
#[derive(Debug, Default)]
pub struct PageLink {
    /// The number of pages of a deferred run.
    pub first: AtomicU32,
    /// The run below it.
    pub second: AtomicU32,
}

/// Pages and their links.
#[derive(Debug, Default)]
pub struct Region([PageLink; OBJECTS]);

impl Region {
    /// The links of a page.
    pub fn links(&self, page: Page) -> &PageLink {
        &self.0[page.index()]
    }
}

/// Consecutive pages that the holder of this value owns.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// The first page.
    pub page: Page,
    /// The number of pages.
    pub pages: u32,
    /// Whether the pages are zero.
    pub zero: bool,
}
