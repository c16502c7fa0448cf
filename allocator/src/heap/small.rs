//! Small objects: the hit path, and the ladder below it.

use super::Heap;
use super::knowledge::Call;
use super::large::Origin;
use super::tend::MUCH_ALONE;
use crate::arena::PurgePolicy;
use crate::base::classes::MAX_SMALL;
use crate::base::units::{Class, MIN_ALIGN, NodeId, PAGE};
use crate::cpu::Place;
use crate::region::{Magazine, Object};
use crate::sys::arch;
use crate::sys::die::die;
use crate::sys::limit::{LIMIT, NONE};
use crate::sys::options::Key;

/// After a magazine's rounds have gone back, at most so many pages (2 MiB, twice) are given back beyond the usual step, whatever other
/// threads have freed meanwhile. This bounds the time.
const MOST_FREED: u32 = 512;

/// Most bytes of a class that a CPU keeps in a depot: where a helper thread takes back what is not needed (at less cost than a thread that
/// frees, because it takes back much at a time), and where there is none.
const DEPOT_BYTES: usize = 128 << 20;
const DEPOT_BYTES_ALONE: usize = 2 << 20;
/// The same for a medium class: one magazine, two where a full one has at most half as many bytes (44, 48 and 72 to 96 KiB), and none above this size. Memory
/// kept for one size is of no use to requests of another.
const DEPOT_BYTES_MEDIUM: usize = 192 << 10;

/// Reports that an object which came out of a magazine is no object of any node.
fn stray_object(object: &Object, class: Class) {
    die(format_args!(
        "invalid free: {:#x}: found among objects of {} bytes, but is not one",
        object.address(),
        class.size()
    ))
}

/// Bytes of a full magazine.
fn bytes_of_magazine(class: Class) -> u64 {
    u64::from(class.info().rounds) * class.size() as u64
}

impl Heap {
    /// Allocates for any layout: `align` is a power of two. An alignment of at most 8 allows objects of at most 8 bytes to be that small.
    #[inline(always)]
    pub fn alloc(&self, size: usize, align: usize) -> *mut u8 {
        if align > MIN_ALIGN {
            return self.alloc_aligned(size, align);
        }
        if size > MAX_SMALL || !self.cpus.is_open() {
            return self.alloc_slow(size, align);
        }
        self.alloc_at(Class::offset_for(size, align))
    }

    /// A hit, where the path is open, from the class at an offset. Every other way out is a tail call, so that there is no frame.
    #[inline(always)]
    pub(super) fn alloc_at(&self, offset: usize) -> *mut u8 {
        let (address, link) = self.cpus.hit_pop(offset);
        if address == 0 {
            return self.refill_home(offset);
        }
        if !self.cpus.fetch_next(link) {
            return self.take_odd(address, offset, link);
        }
        Object::mint(address).into_pointer()
    }

    #[inline(never)]
    fn alloc_aligned(&self, size: usize, align: usize) -> *mut u8 {
        match Class::for_layout(size, align) {
            Some(class) if self.cpus.is_open() => self.alloc_at(class.offset()),
            _ => self.alloc_slow(size, align),
        }
    }

    /// An object that the hit path popped, whose link needs a closer look.
    #[cold]
    #[inline(never)]
    pub fn take_odd(&self, address: usize, offset: usize, link: u64) -> *mut u8 {
        self.cpus.odd_link(address, Class::at_offset(offset), link);
        Object::mint(address).into_pointer()
    }

    /// Frees a pointer; one that is no live object is reported.
    #[inline(always)]
    pub fn free(&self, pointer: *mut u8) {
        match self.cpus.offset_and_size(pointer as usize) {
            Some((offset, _)) => self.push_home(pointer as usize, offset),
            None => self.free_slow(pointer as usize, Call::Free),
        }
    }

    /// Frees an object that was allocated with this layout, without a look at the pagemap if the layout tells the class.
    #[inline(always)]
    pub fn free_layout(&self, address: usize, size: usize, align: usize) {
        if align > MIN_ALIGN || size > MAX_SMALL || !self.cpus.is_alone() {
            return self.free_any(address);
        }
        self.push_home(address, Class::offset_for(size, align));
    }

    #[inline(never)]
    fn free_any(&self, address: usize) {
        self.free(address as *mut u8);
    }

    #[inline(always)]
    pub(super) fn push_home(&self, address: usize, offset: usize) {
        if let Err(object) = self.cpus.hit_push(offset, Object::mint(address)) {
            self.free_slow(object.address(), Call::Free);
        }
    }

    #[cold]
    #[inline(never)]
    fn refill_home(&self, offset: usize) -> *mut u8 {
        if !self.enter() {
            return core::ptr::null_mut();
        }
        self.refill_from(self.wanted_node(0), Class::at_offset(offset))
    }

    /// Tries the nodes in the order of the zonelist. If none has memory, tries them again with what lay idle in windows, depots and slabs,
    /// and then those that are full (see [`full`](super::full)); at last the spare node, which also serves a signal handler that
    /// interrupted the holder of a lock; and a mapping for a handler that interrupted the holder of the spare node's lock.
    pub(super) fn refill_from(&self, first: NodeId, class: Class) -> *mut u8 {
        if let Some(object) = self.pop_instead(first, class) {
            return object.into_pointer();
        }
        let found = self.attempt(first, class);
        if found.is_none() && class.is_medium() {
            return self.alloc_large(Origin { node: first, asked: false }, class.size(), PAGE).0;
        }
        let found = found
            .or_else(|| if self.gather_all() { self.attempt(first, class) } else { None })
            .or_else(|| if self.lift_marks() { self.attempt(first, class) } else { None })
            .or_else(|| self.refill(self.spare(), class));
        let Some(object) = found else {
            return if self.holds_any() { self.alloc_mapping(first, class) } else { core::ptr::null_mut() };
        };
        self.relieve(first);
        self.count_alloc(first, object.address());
        object.into_pointer()
    }

    /// Where the node that serves the thread is full: what a window of that node and of the next ones holds. A look at the full node is due
    /// once per magazine.
    fn pop_instead(&self, first: NodeId, class: Class) -> Option<Object> {
        let is_full = |node: &NodeId| self.node(*node).arena.is_full();
        if !is_full(&first) {
            return None;
        }
        let full = self.nodes_from(first).take_while(is_full).count();
        self.nodes_from(first).take(full + 1).find_map(|node| self.pop_again(node.index(), class))
    }

    fn attempt(&self, first: NodeId, class: Class) -> Option<Object> {
        self.nodes_from(first).find_map(|node| {
            let object = self.refill(node, class);
            if object.is_none() {
                self.note_refused(node);
            }
            object
        })
    }

    /// The ladder: the window (where the hit path did not look), the previous magazine, the depot, the inbox, the slabs.
    fn refill(&self, id: NodeId, class: Class) -> Option<Object> {
        self.follow();
        self.pop_again(id.index(), class)
            .or_else(|| {
                let magazine = self.find_magazine(id, class)?;
                self.open_magazine(id, class, magazine)
            })
            .or_else(|| self.refill_from_slabs(id, class))
    }

    /// Called before anything is done about a miss: the windows of the program's only thread may be another CPU's.
    fn follow(&self) {
        self.cpus.follow(|row, class, magazine| self.stow(NodeId(row as u8), class, magazine));
    }

    fn find_magazine(&self, id: NodeId, class: Class) -> Option<Magazine> {
        let previous = self.cpus.take(id.index(), class, Place::Previous);
        previous
            .or_else(|| self.node(id).depots.get(self.cpus.present_slot(), class))
            .or_else(|| self.open_inbox(id, class, |full| self.stow(id, class, full)))
    }

    /// One thread of a CPU fills; threads that miss there meanwhile find what it left in the window.
    fn refill_from_slabs(&self, id: NodeId, class: Class) -> Option<Object> {
        let filling = self.node(id).depots.begin_fill(self.cpus.present_slot());
        let waited = if filling.waited() { self.pop_again(id.index(), class) } else { None };
        if waited.is_some() {
            return waited;
        }
        let before = self.node(id).arena.fresh_taken();
        let magazine = self.fill(id, class)?;
        self.nudge_dealt(u64::from(magazine.len(class)) * class.size() as u64);
        let object = self.open_magazine(id, class, magazine)?;
        drop(filling);
        let fresh = self.node(id).arena.fresh_taken().wrapping_sub(before);
        if fresh != 0 {
            self.note_fresh(id, object.address(), true);
            self.reclaim_for_growth(id, fresh);
        }
        Some(object)
    }

    /// Takes one round for the program and makes the rest of the magazine the window.
    fn open_magazine(&self, id: NodeId, class: Class, mut magazine: Magazine) -> Option<Object> {
        self.threads.note_given(id, magazine.len(class) as usize * class.size());
        let object = magazine.pop(self.cpus.links(id.index()), class)?;
        let surplus = if magazine.is_empty() { None } else { self.cpus.install(id.index(), class, magazine) };
        if let Some(surplus) = surplus {
            self.stow(id, class, surplus);
        }
        Some(object)
    }

    /// Pops where the hit path did not look: another node's row, a slot that did not exist yet, a window behind a lock.
    fn pop_again(&self, row: usize, class: Class) -> Option<Object> {
        if self.cpus.has_slot() { self.cpus.pop(row, class) } else { self.cpus.pop_locked(row, class) }
    }

    fn fill(&self, id: NodeId, class: Class) -> Option<Magazine> {
        let node = self.node(id);
        let magazine = node.slabs.fill(&node.arena, class, self.cpus.present_slot(), self.cpus.links(id.index()));
        self.publish_extent(id);
        magazine
    }

    /// Gathers what signal handlers left into a magazine, after passing any that became full to `full`.
    pub(super) fn open_inbox(&self, id: NodeId, class: Class, full: impl Fn(Magazine)) -> Option<Magazine> {
        let links = self.cpus.links(id.index());
        let mut magazine = Magazine::empty(class);
        let take = |object| {
            if let Err(object) = magazine.push(links, object) {
                let mut next = Magazine::empty(class);
                let _fits = next.push(links, object);
                full(core::mem::replace(&mut magazine, next));
            }
        };
        self.node(id).depots.inbox(class).take(|| self.cpus.links(id.index()), class, take);
        (!magazine.is_empty()).then_some(magazine)
    }

    /// Frees an object to the row of the node where it lies, after checking whether it is free already.
    pub(super) fn free_checked(&self, home: NodeId, address: usize, class: Class) {
        self.suspect(address, class);
        self.follow();
        let object = Object::mint(address);
        if let Err(object) = self.push_again(home.index(), class, object) {
            self.spill(home, class, object);
        }
    }

    /// The ladder down: the object alone becomes a new window, the full one becomes the previous magazine, and what was the previous
    /// magazine goes to the depot or to the slabs.
    fn spill(&self, home: NodeId, class: Class, object: Object) {
        let mut magazine = Magazine::empty(class);
        let _fits = magazine.push(self.cpus.links(home.index()), object);
        let full = self.cpus.install(home.index(), class, magazine);
        self.unmix(home, class);
        // Nobody will come for the other one.
        let other = || self.cpus.take(home.index(), class, Place::Previous);
        let other = if self.is_shrinking_alone(home, class) { other() } else { None };
        for full in full.into_iter().chain(other) {
            self.count_free(home, full.len(class).into());
            self.stow(home, class, full);
        }
    }

    fn push_again(&self, row: usize, class: Class, object: Object) -> Result<(), Object> {
        if self.cpus.has_slot() {
            self.cpus.push(row, class, object)
        } else {
            self.cpus.push_locked(row, class, object)
        }
    }

    /// Puts a magazine into its depot, or its rounds into their slabs if the depot is full. Where no helper thread does that, also takes
    /// back what the depot does not need, but not if this thread is one of several and on another node: there it takes one lock per magazine
    /// and no more. (If the depot is full, nobody at home wants the magazine, so the lock of the slabs will be free.)
    pub(super) fn stow(&self, home: NodeId, class: Class, magazine: Magazine) {
        self.stow_for(self.cpus.present_slot(), home, class, magazine);
    }

    /// As [`Heap::stow`] for another CPU, which left the magazine in its window.
    pub(super) fn stow_for(&self, cpu: usize, home: NodeId, class: Class, magazine: Magazine) {
        let node = self.node(home);
        let kept = if self.is_shrinking_alone(home, class) {
            Err(magazine)
        } else {
            node.depots.put(cpu, class, magazine, self.depot_bytes(class))
        };
        match kept {
            Ok(()) => self.nudge(bytes_of_magazine(class)),
            Err(magazine) => self.take_back(home, class, magazine),
        }
        if self.idle.has_thread() || self.is_left_to_others(home) {
            return;
        }
        if let Some(surplus) = node.depots.surplus(cpu, class) {
            self.take_back(home, class, surplus);
        }
        self.reap_a_little(home);
        self.visit_another(home);
    }

    /// Returns whether this thread runs on another node and leaves the depots of this one to the threads there, if there can be any.
    fn is_left_to_others(&self, home: NodeId) -> bool {
        !self.is_home(home) && arch::libc_single_threaded() != Some(true)
    }

    /// Returns freed objects to their slabs, and gives pages back if there are too many now; the helper thread may start.
    pub(super) fn take_back(&self, home: NodeId, class: Class, magazine: Magazine) {
        let arena = &self.node(home).arena;
        let warm = arena.warm_now();
        if !self.return_to_slabs(home, class, magazine) {
            return;
        }
        self.nudge(bytes_of_magazine(class));
        let alone = !self.idle.has_thread();
        let grown = || arena.warm_now().saturating_sub(warm);
        let freed = if alone { grown().min(MOST_FREED) } else { 0 };
        // Asked first, because the policy depends on every class's slabs.
        if arena.is_time_to_purge(freed, alone) {
            arena.purge_excess(freed, self.purge_policy_of(home));
        }
    }

    /// Returns a magazine's rounds to their slabs; leaves them in the inbox, and returns false, if this thread holds the lock.
    pub(super) fn return_to_slabs(&self, home: NodeId, class: Class, magazine: Magazine) -> bool {
        let (node, links) = (self.node(home), self.cpus.links(home.index()));
        let stray = |object| self.take_back_stray(home, class, object);
        let returned = node.slabs.take_back(&node.arena, class, magazine, links, stray);
        returned.map_err(|magazine| node.depots.inbox(class).push_all(links, class, magazine)).is_ok()
    }

    /// Handles an object of the spare node that was in the single node's magazine, because a sized free of a Rust program does not look
    /// where the object lies. Its own node takes it back.
    fn take_back_stray(&self, found_at: NodeId, class: Class, object: Object) {
        match self.home_of(object.address()) {
            Some(home) if home != found_at => {
                self.node(home).depots.inbox(class).push(self.cpus.links(home.index()), object)
            }
            _ => stray_object(&object, class),
        }
    }

    /// Most bytes of a class that a CPU keeps in its depot's shard. They may be many where memory has no bound and a helper thread will
    /// take back what is not needed.
    fn depot_bytes(&self, class: Class) -> usize {
        let has_helper = || self.idle.has_thread() && LIMIT.ceiling() == NONE;
        match class.is_medium() {
            true => DEPOT_BYTES_MEDIUM,
            false if has_helper() => DEPOT_BYTES,
            false => DEPOT_BYTES_ALONE,
        }
    }

    /// Bytes that a node may keep warm.
    pub(super) fn warm_limit(&self) -> usize {
        let asked = (self.settings.get(Key::WarmLimit) as usize) << 20;
        asked.min(LIMIT.warm_share() / self.node_count().max(1))
    }

    /// When freed pages go back to the system.
    pub(super) fn purge_policy(&self) -> PurgePolicy {
        PurgePolicy {
            delay_ms: self.settings.get(Key::PurgeDelay),
            limit_pages: (self.warm_limit() / PAGE) as u32,
            alone: !self.idle.has_thread(),
            free_in_slabs: 0,
        }
    }

    /// The policy of a node. Without a helper thread, and where much is warm, what slabs hold free is not the program's, and that much need
    /// not be kept.
    pub(super) fn purge_policy_of(&self, id: NodeId) -> PurgePolicy {
        let (node, policy) = (self.node(id), self.purge_policy());
        if !policy.alone || node.arena.warm_now() as usize * PAGE < MUCH_ALONE {
            return policy;
        }
        PurgePolicy { free_in_slabs: (node.slabs.free_bytes() / PAGE) as u32, ..policy }
    }

    /// Returns what this CPU's windows and the depots hold to the slabs, and empty slabs to the arenas.
    pub(super) fn drain(&self, nodes: impl Iterator<Item = NodeId>) {
        self.follow();
        for home in nodes {
            for class in Class::all() {
                for place in [Place::Window, Place::Previous] {
                    if let Some(magazine) = self.cpus.take(home.index(), class, place) {
                        self.take_back(home, class, magazine);
                    }
                }
            }
            self.gather(home);
        }
    }
}
