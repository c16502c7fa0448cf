//! `region`: objects and pages with nothing but their links. An object's link is memory that only its holder may touch, so it is a cell that
//! loom watches for races.
use crate::base::sync::AtomicU32;
use crate::base::units::{Class, Page};
use loom::cell::UnsafeCell;

/// Objects of a model, the first at address 1.
pub const OBJECTS: usize = 4;

/// The first words of all objects.
#[derive(Debug, Default)]
pub struct Memory([UnsafeCell<u64>; OBJECTS]);

// SAFETY: loom fails a model in which two threads reach a cell at once.
unsafe impl Sync for Memory {}

impl Memory {
    /// How to reach them.
    pub fn links(&self) -> Links {
        Links(self)
    }
}

/// Reads and writes the objects' first words. Used only while the memory is there.
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

    /// Whether there is such an object, or it is the last one's link.
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

/// A free object, in one hand only.
#[derive(Debug)]
pub struct Object(usize);

impl Object {
    /// The object at an address.
    pub fn mint(address: usize) -> Object {
        Object(address)
    }

    /// Its address.
    pub fn address(&self) -> usize {
        self.0
    }
}

/// Some objects.
#[derive(Debug)]
pub struct Magazine(pub Vec<Object>);

impl Magazine {
    /// Takes one out.
    pub fn pop(&mut self, _links: Links, _class: Class) -> Option<Object> {
        self.0.pop()
    }
}

/// Two numbers of a page.
#[derive(Debug, Default)]
pub struct PageLink {
    /// Pages of a deferred run.
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

/// Consecutive pages that the holder owns.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// First page.
    pub page: Page,
    /// Number of pages.
    pub pages: u32,
    /// Whether they are zero.
    pub zero: bool,
}
