//! Large objects: runs straight from the buddy; and the place where every request that is not small is sorted.
#![allow(unsafe_code, reason = "clearing fresh memory, and the program's pointers")]

use super::Heap;
use super::knowledge::Call;
use crate::arena::Reason;
use crate::base::classes::MAX_SMALL;
use crate::base::units::{Class, HUGE_PAGE, MAX_RUN_PAGES, MAX_SIZE, NodeId, PAGE, pages_for};
use crate::region::Entry;
use crate::sys::limit::LIMIT;
use crate::sys::options::Key;
use core::ptr::null_mut;

/// From this size on, clearing costs more than making and ending a mapping, if few of its pages are touched.
const MOST_CLEARED: usize = 1 << 20;

/// Most bytes of freed mappings that are kept with their memory.
const WARM_MAPPINGS: usize = 32 << 20;

/// How often the regions give up addresses that they have not grown into, for one mapping.
const MOST_GIVEN_UP: u32 = 3;

/// Where a request should be served from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The node to try first.
    pub(super) node: NodeId,
    /// Whether the program named it; if not, it is the node where the thread runs.
    pub(super) asked: bool,
}

impl Heap {
    /// Allocates for any request; `align` is a power of two. Returns null if there is no memory or the size is absurd.
    #[cold]
    #[inline(never)]
    pub fn alloc_slow(&self, size: usize, align: usize) -> *mut u8 {
        if self.may_hit_locked()
            && let Some(object) = Class::for_layout(size, align).and_then(|class| self.cpus.hit_pop_locked(class))
        {
            return object.into_pointer();
        }
        if self.cpus.is_open()
            && size > MAX_SMALL
            && let Some(class) = Class::for_layout(size, align)
        {
            return self.alloc_at(class.offset());
        }
        match self.pop_by_row(size, align) {
            Some(object) => object.into_pointer(),
            None => self.alloc_here(size, align),
        }
    }

    /// Returns whether hits behind locks may be tried. Unlike those by sequences they wait until a forked child is repaired: that frees the latches which
    /// threads of the parent held.
    #[inline]
    fn may_hit_locked(&self) -> bool {
        self.cpus.has_open_locks() && (self.family.gate().is_open() || self.enter_first())
    }

    #[inline(never)]
    fn alloc_here(&self, size: usize, align: usize) -> *mut u8 {
        if size > MAX_SIZE - align.min(MAX_SIZE) || !self.enter() {
            return null_mut();
        }
        self.alloc_from(self.origin_here(size), size, align)
    }

    /// Allocates a large object even where a medium one would do: an object that has grown once grows again, and a run can grow where it
    /// lies.
    pub(super) fn alloc_to_grow(&self, size: usize, align: usize) -> *mut u8 {
        if self.enter() { self.alloc_large(self.origin_here(size), size, align).0 } else { null_mut() }
    }

    fn origin_here(&self, size: usize) -> Origin {
        Origin { node: self.wanted_node((size / PAGE).min(MAX_RUN_PAGES as usize) as u32), asked: false }
    }

    /// Tries the nodes in the order of the origin's zonelist.
    pub(super) fn alloc_from(&self, origin: Origin, size: usize, align: usize) -> *mut u8 {
        match Class::for_layout(size, align) {
            Some(class) => self.refill_from(origin.node, class),
            None => self.alloc_large(origin, size, align).0,
        }
    }

    /// As [`Heap::alloc_slow`], and zeroed.
    #[inline(always)]
    pub fn alloc_zeroed(&self, size: usize, align: usize) -> *mut u8 {
        if size > MAX_SMALL || align > PAGE {
            return self.alloc_zeroed_large(size, align);
        }
        let pointer = self.alloc(size, align);
        clear(pointer, size);
        pointer
    }

    #[cold]
    #[inline(never)]
    fn alloc_zeroed_large(&self, size: usize, align: usize) -> *mut u8 {
        if size > MAX_SIZE - align.min(MAX_SIZE) || !self.enter() {
            return null_mut();
        }
        self.alloc_zeroed_from(self.origin_here(size), size, align)
    }

    /// As [`Heap::alloc_from`], and zeroed.
    pub(super) fn alloc_zeroed_from(&self, origin: Origin, size: usize, align: usize) -> *mut u8 {
        let (pointer, zero) = match Class::small(size, align) {
            Some(class) => (self.refill_from(origin.node, class), false),
            None => self.alloc_zero_run(origin, size, align),
        };
        if zero { pointer } else { self.cleared(pointer, origin, size, align) }
    }

    /// Makes a mapping at once where nothing else will do, or where the program is known to fill it; otherwise as [`Heap::alloc_large`].
    fn alloc_zero_run(&self, origin: Origin, size: usize, align: usize) -> (*mut u8, bool) {
        let at_once = size > MAX_RUN_PAGES as usize * PAGE || self.huge.is_likely_filled(size, true);
        let mapping = if at_once { self.alloc_huge(origin, size, align, true).0 } else { null_mut() };
        if mapping.is_null() {
            return self.alloc_large(origin, size, align);
        }
        self.relieve(origin.node);
        (mapping, true)
    }

    /// Zeroes an object of a used run, or trades it for fresh pages where that is less work: those are touched only if the program does so.
    /// Not for pages of the pool, which are for huge objects.
    fn cleared(&self, pointer: *mut u8, origin: Origin, size: usize, align: usize) -> *mut u8 {
        let is_worth = size >= MOST_CLEARED && !self.huge.pages.is_for_pool(size);
        let trade = is_worth && !pointer.is_null() && !self.huge.is_to_be_cleared(size);
        let fresh = if trade { self.alloc_huge(origin, size, align, true).0 } else { null_mut() };
        if fresh.is_null() {
            clear(pointer, size);
            return pointer;
        }
        self.free_slow(pointer as usize, Call::Free);
        fresh
    }

    /// Allocates a large or huge object. Returns it and whether it is known to be zero.
    pub(super) fn alloc_large(&self, origin: Origin, size: usize, align: usize) -> (*mut u8, bool) {
        let found = self.try_large(origin, size, align);
        self.relieve(origin.node);
        let refused = found.0.is_null() && (LIMIT.might_hold(size) || self.has_grown_by(size));
        if refused && self.gather_all() { self.try_large(origin, size, align) } else { found }
    }

    /// Returns whether a node has that many bytes, in use or free: if some lie idle, they may serve.
    fn has_grown_by(&self, bytes: usize) -> bool {
        self.regular_nodes().any(|id| bytes <= self.node(id).arena.region().pages() as usize * PAGE)
    }

    fn try_large(&self, origin: Origin, size: usize, align: usize) -> (*mut u8, bool) {
        match pages_for(size).and_then(|pages| self.alloc_run(origin.node, pages, align.div_ceil(PAGE))) {
            Some((address, zero)) => (address as *mut u8, zero),
            None => self.alloc_huge(origin, size, align, false),
        }
    }

    /// A mapping for an object of a class: it takes no lock of a node. From now on a free by layout must look where the object lies.
    #[cold]
    pub(super) fn alloc_mapping(&self, node: NodeId, class: Class) -> *mut u8 {
        self.cpus.look_at_frees();
        self.alloc_huge(Origin { node, asked: false }, class.size(), PAGE, false).0
    }

    fn alloc_huge(&self, origin: Origin, size: usize, align: usize, for_calloc: bool) -> (*mut u8, bool) {
        if !align.is_power_of_two() {
            return (null_mut(), false);
        }
        // So that no huge page is shared with a neighbour, which may be touched first from another node.
        let align = if self.node_count() > 1 { align.max(HUGE_PAGE) } else { align };
        let attempt = || self.huge.alloc(size, align, for_calloc, |span| self.bind_mapping(span, origin));
        let mut found = attempt();
        let needed = self.huge.pages.mapping_len(size).saturating_add(align);
        for _ in 0..MOST_GIVEN_UP {
            if !found.0.is_null() || !self.gives_up_addresses(needed) {
                break;
            }
            found = attempt();
        }
        found
    }

    fn alloc_run(&self, first: NodeId, pages: u32, align: usize) -> Option<(usize, bool)> {
        let align = u32::try_from(align).ok().filter(|align| align.is_power_of_two())?;
        let attempt = || self.nodes_from(first).find_map(|id| self.run_of(id, pages, align));
        let found = attempt()
            .or_else(|| if self.lift_marks() { attempt() } else { None })
            .or_else(|| self.run_of(self.spare(), pages, align));
        if let Some((address, _)) = found {
            self.count_alloc(first, address);
        }
        found
    }

    /// A run of this node, which then takes back for what it grew by.
    fn run_of(&self, id: NodeId, pages: u32, align: u32) -> Option<(usize, bool)> {
        let arena = &self.node(id).arena;
        let before = arena.fresh_taken();
        let found = arena.alloc_large(pages, align);
        if found.is_some() {
            self.publish_extent(id);
            self.threads.note_given(id, pages as usize * PAGE);
            self.reclaim_for_growth(id, arena.fresh_taken().wrapping_sub(before));
        }
        match found {
            Some((address, true)) => self.note_fresh(id, address, false),
            Some(_) => {}
            None => self.note_refused(id),
        }
        found
    }

    /// Frees what the hit path could not: objects whose window is full, large and huge objects. Reports addresses that are no object at
    /// all.
    #[cold]
    #[inline(never)]
    pub fn free_slow(&self, address: usize, call: Call) {
        let pushed = (self.may_hit_locked() && self.cpus.hit_push_locked(address)) || self.cpus.push_by_row(address);
        if !pushed {
            self.free_known(address, call);
        }
    }

    #[inline(never)]
    fn free_known(&self, address: usize, call: Call) {
        if address == 0 || !self.enter() {
            return;
        }
        match self.home_of(address) {
            Some(home) => self.free_in(home, address, call),
            None => {
                if !self.huge.free(address, self.most_warm_mappings()) {
                    self.refuse(address, call);
                }
                self.nudge(0);
            }
        }
    }

    /// Bytes of freed mappings that may be kept warm.
    fn most_warm_mappings(&self) -> usize {
        if self.settings.get(Key::PurgeDelay) == 0 { 0 } else { WARM_MAPPINGS.min(self.warm_limit()) }
    }

    fn free_in(&self, home: NodeId, address: usize, call: Call) {
        let arena = &self.node(home).arena;
        let Some(page) = arena.region().page_of(address) else { return self.refuse(address, call) };
        let entry = arena.region().entry(page);
        if let Some(class) = entry.class_of_object(address) {
            return self.free_checked(home, address, class);
        }
        let is_large = entry == Entry::LARGE && address.is_multiple_of(PAGE);
        if !(is_large && arena.free_large(page, self.purge_policy())) {
            return self.refuse(address, call);
        }
        self.count_free(home, 1);
        self.nudge(0);
    }

    /// Gives free memory back to the system, except for `keep` bytes of each node's. Returns the bytes given back.
    pub fn trim(&self, keep: usize) -> usize {
        if !self.enter() {
            return 0;
        }
        self.empty_windows_of_others();
        self.drain(self.all_nodes());
        let mappings = self.huge.release();
        let keep = u32::try_from(keep / PAGE).unwrap_or(u32::MAX);
        let trimmed = |id| self.node(id).arena.given_back()[Reason::Trim as usize] as usize * PAGE;
        let before: usize = self.all_nodes().map(trimmed).sum();
        for id in self.all_nodes() {
            self.node(id).arena.trim(keep);
            self.thin_all(id, Reason::Trim);
        }
        self.all_nodes().map(trimmed).sum::<usize>() - before + mappings
    }
}

/// Zeroes fresh memory. Null stays null.
#[inline(always)]
fn clear(pointer: *mut u8, size: usize) {
    if !pointer.is_null() {
        // SAFETY: the object was just allocated with at least `size` bytes.
        unsafe { pointer.write_bytes(0, size) };
    }
}
