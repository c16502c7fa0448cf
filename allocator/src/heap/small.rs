//! Small objects: the hit path, and the ladder below it.
#![allow(unsafe_code, reason = "the hit path takes the program's pointers and sizes")]

use super::Heap;
use super::knowledge::Call;
use crate::arena::PurgePolicy;
use crate::base::classes::MAX_ROUNDS;
use crate::base::sync::Ordering;
use crate::base::units::{Class, NodeId, PAGE, PAGE_SHIFT};
use crate::cpu::Place;
use crate::region::{Entry, Magazine, Object, PageMap};
use crate::sys::options::Key;

impl Heap {
    /// The class of a 16-byte aligned request, iff the hit path may serve it.
    #[inline(always)]
    fn hit_class(&self, size: usize) -> Option<Class> {
        if size < self.hot.small_end.load(Ordering::Relaxed) {
            // SAFETY: `small_end` is at most MAX_SMALL + 1.
            Some(unsafe { Class::of_unchecked(size) })
        } else {
            None
        }
    }

    /// malloc: 16-byte aligned, null if there is no memory.
    #[inline(always)]
    pub fn malloc(&self, size: usize) -> *mut u8 {
        let Some(class) = self.hit_class(size) else { return self.alloc_slow(size, crate::base::units::MIN_ALIGN) };
        match self.cpus.pop(0, class) {
            Some(object) => object.into_pointer(),
            None => self.refill_home(class),
        }
    }

    /// Any layout: `align` is a power of two; an alignment of at most 8 lets objects of at most 8 bytes be as small.
    #[inline(always)]
    pub fn alloc(&self, size: usize, align: usize) -> *mut u8 {
        match Class::for_layout(size, align) {
            Some(class) => self.alloc_class(class),
            None => self.alloc_slow(size, align),
        }
    }

    /// One object of a class that the caller computed, from the present node.
    #[inline(always)]
    pub fn alloc_class(&self, class: Class) -> *mut u8 {
        if self.hot.small_end.load(Ordering::Relaxed) != 0 {
            if let Some(object) = self.cpus.pop(0, class) {
                return object.into_pointer();
            }
        }
        self.refill_home(class)
    }

    /// free: a pointer that is no live object is reported.
    #[inline(always)]
    pub fn free(&self, pointer: *mut u8) {
        let address = pointer as usize;
        let Some(entry) = self.hit_entry(address) else { return self.free_slow(address, Call::Free) };
        let Some(class) = entry.class_of_object_at(address % PAGE) else { return self.free_slow(address, Call::Free) };
        self.push_home(address, class);
    }

    /// Frees an object whose class is known from its Rust layout: no look at the pagemap.
    #[inline(always)]
    pub fn free_class(&self, address: usize, class: Class) {
        if self.hot.extent.load(Ordering::Relaxed) == 0 {
            return self.free_checked(address, class);
        }
        self.push_home(address, class);
    }

    #[inline(always)]
    fn push_home(&self, address: usize, class: Class) {
        if let Err(object) = self.cpus.push(0, class, Object::mint(address)) {
            self.spill_home(class, object);
        }
    }

    /// The pagemap's word, iff the address lies in the single node's region.
    #[inline(always)]
    fn hit_entry(&self, address: usize) -> Option<Entry> {
        let offset = address.wrapping_sub(self.hot.base.load(Ordering::Relaxed));
        if offset >= self.hot.extent.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: the extent is committed, the map is settled, and both before the extent was published.
        Some(unsafe { PageMap::lookup(self.hot.map.load(Ordering::Relaxed), offset >> PAGE_SHIFT) })
    }

    #[cold]
    #[inline(never)]
    fn refill_home(&self, class: Class) -> *mut u8 {
        if !self.enter() {
            return core::ptr::null_mut();
        }
        self.refill_from(self.present_node(), class)
    }

    /// Tries the nodes in the order of the zonelist.
    pub(super) fn refill_from(&self, first: NodeId, class: Class) -> *mut u8 {
        let found = self.zonelist(first).find_map(|node| self.refill(node, class));
        found.map_or(core::ptr::null_mut(), Object::into_pointer)
    }

    /// The ladder: the window (where the hit path did not look), the previous magazine, the depot, the inbox, the slabs.
    fn refill(&self, id: NodeId, class: Class) -> Option<Object> {
        let (node, row) = (self.node(id), id.index());
        self.cpus.admit();
        if let Some(object) = self.pop_again(row, class) {
            return Some(object);
        }
        let mut magazine = self
            .cpus
            .take(row, class, Place::Previous)
            .or_else(|| node.depots.get(class))
            .or_else(|| self.open_inbox(id, class))
            .or_else(|| self.fill(id, class))?;
        let object = magazine.pop(self.cpus.links(), class)?;
        self.cpus.links().wipe(&object);
        if !magazine.is_empty() {
            if let Some(surplus) = self.cpus.install(row, class, magazine) {
                self.stow(id, class, surplus);
            }
        }
        Some(object)
    }

    /// Where the hit path did not look: another node's row, a slot that was not there, a window behind a lock.
    fn pop_again(&self, row: usize, class: Class) -> Option<Object> {
        if self.cpus.has_slot() { self.cpus.pop(row, class) } else { self.cpus.pop_locked(row, class) }
    }

    fn fill(&self, id: NodeId, class: Class) -> Option<Magazine> {
        let node = self.node(id);
        let magazine = node.slabs.fill(&node.arena, class, self.cpus.links());
        self.publish_extent();
        magazine
    }

    /// Gathers what signal handlers left; what is more than a magazine goes on to depot or slab.
    fn open_inbox(&self, id: NodeId, class: Class) -> Option<Magazine> {
        let links = self.cpus.links();
        let mut magazine = Magazine::empty(class);
        self.node(id).depots.inbox(class).take(links, |object| {
            if let Err(object) = magazine.push(links, object) {
                let mut next = Magazine::empty(class);
                let _fits = next.push(links, object);
                self.stow(id, class, core::mem::replace(&mut magazine, next));
            }
        });
        (!magazine.is_empty()).then_some(magazine)
    }

    /// Frees to the row of the node where the object lies, after a look at the object: is it free already?
    #[inline(never)]
    pub(super) fn free_checked(&self, address: usize, class: Class) {
        self.suspect(address, class);
        if let Some(home) = self.home_of(address) {
            if let Err(object) = self.cpus.push(home.index(), class, Object::mint(address)) {
                self.spill(home, class, object);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn spill_home(&self, class: Class, object: Object) {
        self.suspect(object.address(), class);
        if let Some(home) = self.home_of(object.address()) {
            self.spill(home, class, object);
        }
    }

    /// The ladder down: a window behind a lock, a new window for this object alone, the depot, the slabs.
    fn spill(&self, home: NodeId, class: Class, object: Object) {
        if !self.enter() {
            return;
        }
        self.cpus.admit();
        let object = match self.push_again(home.index(), class, object) {
            Ok(()) => return,
            Err(object) => object,
        };
        let mut magazine = Magazine::empty(class);
        let _fits = magazine.push(self.cpus.links(), object);
        if let Some(full) = self.cpus.install(home.index(), class, magazine) {
            self.stow(home, class, full);
        }
    }

    fn push_again(&self, row: usize, class: Class, object: Object) -> Result<(), Object> {
        if self.cpus.has_slot() { Err(object) } else { self.cpus.push_locked(row, class, object) }
    }

    /// Puts a magazine into its depot, or if that is full its rounds into their slabs; and what the depot does not need as well.
    fn stow(&self, home: NodeId, class: Class, magazine: Magazine) {
        let node = self.node(home);
        if let Err(magazine) = node.depots.put(class, magazine) {
            self.take_back(home, class, magazine);
        } else if let Some(surplus) = node.depots.surplus(class) {
            self.take_back(home, class, surplus);
        }
    }

    fn take_back(&self, home: NodeId, class: Class, magazine: Magazine) {
        let (node, links) = (self.node(home), self.cpus.links());
        match node.slabs.take_back(&node.arena, class, magazine, links) {
            Ok(()) => node.arena.purge_by(self.purge_policy()),
            Err(magazine) => node.depots.inbox(class).push_all(links, class, magazine),
        }
    }

    /// When freed pages go back to the system.
    pub(super) fn purge_policy(&self) -> PurgePolicy {
        PurgePolicy {
            delay_ms: self.settings.get(Key::PurgeDelay),
            limit_pages: ((self.settings.get(Key::WarmLimit) << 20) / PAGE as u64) as u32,
        }
    }

    /// Returns what this CPU's windows and the depots hold to the slabs, and the empty slabs to the arenas.
    pub(super) fn drain(&self) {
        for home in self.all_nodes() {
            for class in Heap::classes() {
                for place in [Place::Window, Place::Previous] {
                    if let Some(magazine) = self.cpus.take(home.index(), class, place) {
                        self.take_back(home, class, magazine);
                    }
                }
                while let Some(magazine) = self.node(home).depots.get(class) {
                    self.take_back(home, class, magazine);
                }
                if let Some(magazine) = self.open_inbox(home, class) {
                    self.take_back(home, class, magazine);
                }
            }
            self.node(home).slabs.release_empty(&self.node(home).arena);
        }
    }
}

const _: () = assert!(MAX_ROUNDS <= u8::MAX as usize, "rooms must be told from other words by their low 16 bits");
