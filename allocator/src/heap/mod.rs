//! # heap: policy
//!
//! Decides which layer serves a request, and what happens when that layer cannot.
//!
//! | object | size | where |
//! |---|---|---|
//! | small | up to 32 KiB, alignment up to a page | cpu → depot → slab → arena |
//! | medium | up to 256 KiB, alignment up to a page, neither zeroed nor grown | cpu → slab of its own → arena |
//! | large | up to 32 MiB | a run straight from the arena |
//! | huge | beyond, or grown by `realloc` | a mapping of its own |
//!
//! A slow path is one ladder whose cases are in order of cost: the call goes down once and the object comes up once. Every slow path
//! passes `Heap::enter` first, which boots the heap and, in a forked child, repairs it.
//!
//! With several nodes, each has an arena, slabs, depots and a row of windows. An object is always pushed to the row of the node in whose
//! region it lies. After the last node comes the **interleaved** one, whose pages lie on all nodes in turn. In every heap the last is the
//! **spare** one: it serves a signal handler that interrupted the holder of a lock it needs, and what no other node can. `placement`
//! decides which memory is bound to which node, and from which node a thread's objects come.

mod addresses;
mod boot;
mod counters;
mod dealer;
mod filled;
mod fork;
mod full;
mod growth;
mod huge;
mod idle;
mod kept;
mod knowledge;
mod large;
mod limit;
mod migrate;
mod node;
mod pages;
mod place;
mod placed;
mod placement;
mod places;
mod realloc;
mod residence;
mod rows;
mod shaped;
mod small;
mod stats;
mod tend;
mod threads;
mod unmix;
mod validate;
mod whereabouts;

use crate::base::sync::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use crate::base::units::NodeId;
use crate::cpu::Cpus;
use crate::region::Table;
use crate::stats::NumaPolicy;
use crate::sys::numa::Refusals;
use crate::sys::once::Gate;
use crate::sys::options::Settings;
use crate::sys::thread::Family;
use addresses::Addresses;
use huge::HugeTable;
use idle::Idle;
use limit::Poll;
use node::Node;
use threads::Threads;
use whereabouts::Whereabouts;

pub use boot::Shape;
pub use knowledge::Call;
pub use placed::Home;

/// A whole allocator. The process has one ([`crate::Larder`]); tests make others.
#[derive(Debug)]
#[repr(C)]
pub struct Heap {
    /// First, because the hit path finds it at the heap's own address.
    cpus: Cpus,
    nodes: Table<Node>,
    /// Nodes whose memory may be used.
    node_count: AtomicUsize,
    /// Those nodes and the interleaved one; the spare node comes after them.
    arena_count: AtomicUsize,
    /// [`Heap::common_home`] + 1, or 0.
    common_home: AtomicU8,
    /// Nodes over which the interleaved arena is spread.
    spread: AtomicUsize,
    /// The policy, as a number.
    policy: AtomicU8,
    /// Whether huge objects' mappings must be bound as the regions are.
    binds_mappings: AtomicBool,
    /// Whether the nodes' regions are bound to them.
    are_bound: AtomicBool,
    /// First address of the nodes' regions, which are adjacent, the address after the last one, and the length of each in bytes (the spare
    /// one is shorter).
    regions_base: AtomicUsize,
    regions_end: AtomicUsize,
    region_len: AtomicUsize,
    addresses: Addresses,
    whereabouts: Whereabouts,
    refusals: Refusals,
    threads: Threads,
    huge: HugeTable,
    settings: Settings,
    poll: Poll,
    boot: Gate,
    family: Family,
    idle: Idle,
    hooks: Hooks,
}

/// What the process's heap must be told, because it cannot name itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hooks {
    /// Asked by a thread that is about to wait for one of the heap's locks; passes the question on to [`Heap::holds_one_with`].
    pub witness: Option<fn(usize) -> bool>,
    /// The helper thread's entry point: calls [`Heap::serve`].
    pub helper: Option<extern "C" fn() -> !>,
}

impl Heap {
    /// A heap that boots when it is first used.
    pub const fn new() -> Heap {
        Heap::with_hooks(Hooks { witness: None, helper: None })
    }

    /// The process's heap.
    pub const fn with_hooks(hooks: Hooks) -> Heap {
        Heap {
            hooks,
            idle: Idle::new(),
            cpus: Cpus::new(),
            nodes: Table::new(),
            node_count: AtomicUsize::new(0),
            arena_count: AtomicUsize::new(0),
            common_home: AtomicU8::new(0),
            spread: AtomicUsize::new(0),
            policy: AtomicU8::new(NumaPolicy::Local as u8),
            binds_mappings: AtomicBool::new(false),
            are_bound: AtomicBool::new(false),
            regions_base: AtomicUsize::new(0),
            regions_end: AtomicUsize::new(0),
            region_len: AtomicUsize::new(0),
            addresses: Addresses::new(),
            whereabouts: Whereabouts::new(),
            refusals: Refusals::new(),
            threads: Threads::new(),
            huge: HugeTable::new(),
            settings: Settings::new(),
            poll: Poll::new(),
            boot: Gate::new(),
            family: Family::new(),
        }
    }
}

impl Default for Heap {
    fn default() -> Self {
        Heap::new()
    }
}

impl Heap {
    /// Boots the heap if necessary, and repairs it in a forked child. Returns false iff the system gave no address space at all.
    #[inline]
    fn enter(&self) -> bool {
        (self.boot.is_open() && self.family.gate().is_open()) || self.enter_first()
    }

    #[cold]
    fn enter_first(&self) -> bool {
        // A thread that was booting when another one forked is not there in the child, where all of it is done again.
        if self.boot.is_opening() && !self.family.is_shared() {
            self.boot.shut_unfinished();
        }
        self.boot.open_with(|| self.boot()) && self.family.gate().open_with(|| self.repair())
    }

    /// How the windows are reached.
    pub fn mode(&self) -> crate::stats::Mode {
        self.enter();
        self.cpus.mode()
    }

    /// Lets calls that come by the back door hit too, once there are hits.
    pub fn unlock_back_door(&self) {
        self.cpus.unlock_back();
    }

    /// Boots now if there are options to read. Returns whether there are and the heap has booted.
    pub fn read_options(&self) -> bool {
        crate::sys::environment::variable(crate::sys::options::VARIABLE).is_some() && self.enter()
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.node_count.load(Ordering::Relaxed)
    }

    fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.index())
    }

    /// Returns whether this thread holds a lock that the holder of the lock at `address` may be waiting for: a lock of the same node whose
    /// rank is the same or higher, or any lock of a later node. Outside of signal handlers no thread waits while it holds such a lock. So
    /// every waiting thread waits for a lock of a higher rank or a later node than those it holds, and no ring of waiting threads can form.
    pub fn holds_one_with(&self, address: usize) -> bool {
        if self.family.gate().is_shut() {
            self.family.gate().open_with(|| self.repair());
        }
        let mut nodes = self.all_nodes().map(|id| self.node(id)).skip_while(|node| !node.has_at(address));
        nodes.next().is_some_and(|own| own.holds_from(address)) || nodes.any(Node::holds_any)
    }

    /// Returns whether this thread holds a lock of any node. Unless the caller is itself inside a slow path, the thread is then in a signal
    /// handler that interrupted the holder.
    fn holds_any(&self) -> bool {
        self.all_nodes().any(|id| self.node(id).holds_any())
    }

    /// The spare node, which comes last.
    fn spare(&self) -> NodeId {
        NodeId(self.arena_count.load(Ordering::Relaxed) as u8)
    }

    /// Every node but the spare one.
    fn regular_nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.spare().0).map(NodeId)
    }

    /// Every node, the spare one last.
    fn all_nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..=self.spare().0).map(NodeId)
    }

    /// The node from which a thread should get its memory if it runs where this thread runs now.
    fn present_node(&self) -> NodeId {
        if self.node_count() == 1 {
            return NodeId(0);
        }
        self.whereabout().home
    }

    /// Returns whether this thread should get a node's memory. The interleaved arena and the spare one belong to everybody.
    fn is_home(&self, node: NodeId) -> bool {
        let nodes = self.node_count();
        nodes == 1 || node.index() >= nodes || self.whereabout().home == node
    }

    /// The order in which nodes are tried: `first`, the others by their distance from it, and the spare one.
    fn zonelist(&self, first: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes_from(first).chain([self.spare()])
    }

    /// The same order without the spare node.
    fn nodes_from(&self, first: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let interleaved = (first.index() == self.node_count()).then_some(first);
        let by_distance = &self.node(first).zonelist[..self.node_count()];
        let nodes = by_distance.iter().map(|node| NodeId(node.load(Ordering::Relaxed)));
        interleaved.into_iter().chain(nodes)
    }

    /// The node whose region holds `address`.
    fn home_of(&self, address: usize) -> Option<NodeId> {
        if address >= self.regions_end.load(Ordering::Relaxed) {
            return None;
        }
        let distance = address.checked_sub(self.regions_base.load(Ordering::Relaxed))?;
        let index = distance.checked_div(self.region_len.load(Ordering::Relaxed))?;
        let home = NodeId(index.min(self.spare().index()) as u8);
        let region = self.node(home).arena.region();
        // Addresses that a region has given up may be anybody's.
        (address - region.base() < region.reserved()).then_some(home)
    }

    /// The arena that serves all threads, if there is such an arena: the single node's, that of the only preferred node, or the interleaved
    /// one.
    fn common_home(&self) -> Option<NodeId> {
        self.common_home.load(Ordering::Relaxed).checked_sub(1).map(NodeId)
    }

    /// Shows the hit path how far a node's region reaches now. Must be called before the first object that may lie beyond the old end is
    /// handed out, because links are checked against that end.
    fn publish_extent(&self, id: NodeId) {
        let region = self.node(id).arena.region();
        if self.common_home() == Some(id) {
            self.cpus.show_extent(region);
        }
        self.cpus.show_row(id.index(), region);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Class;
    use crate::sys::topology::Topology;
    extern crate std;
    use std::boxed::Box;

    const SIZE: usize = 100;

    fn heap() -> &'static Heap {
        let heap = Box::leak(Box::new(Heap::new()));
        assert!(heap.boot_as(&Shape { topology: Topology::single(), region_len: 64 << 20 }));
        heap
    }

    #[test]
    fn where_sequences_are_missing_hits_go_behind_locks_unless_every_call_must_be_seen() {
        let open = |conf: &str| {
            let heap = Box::leak(Box::new(Heap::new()));
            heap.settings().read(conf);
            assert!(heap.boot_as(&Shape { topology: Topology::single(), region_len: 64 << 20 }));
            (heap.cpus.is_open(), heap.cpus.has_open_locks(), heap)
        };
        let (by_sequence, behind_locks, heap) = open("percpu:locked");
        assert_eq!([by_sequence, behind_locks], [false, true]);
        let class = Class::small(SIZE, 16).unwrap();
        assert!(heap.cpus.hit_pop_locked(class).is_none(), "nothing was allocated yet");
        let [object, other] = [(); 2].map(|()| heap.alloc(SIZE, 16) as usize);
        assert!(heap.cpus.hit_push_locked(object) && !heap.cpus.hit_push_locked(object), "it is free already");
        assert!(!heap.cpus.hit_push_locked(other + 16) && !heap.cpus.hit_push_locked(8));
        assert_eq!(heap.cpus.hit_pop_locked(class).map(|found| found.into_pointer() as usize), Some(object));
        assert!(!open("percpu:locked,double_free:at_once").1);
        let (by_sequence, behind_locks, _) = open("stats:off");
        assert!(by_sequence != behind_locks);
    }

    #[test]
    fn who_holds_a_lock_of_a_later_node_does_not_wait_for_one_of_an_earlier() {
        let heap = heap();
        let nodes = [NodeId(0), heap.spare()].map(|id| heap.node(id));
        let may_wait = || nodes.map(|node| !heap.holds_one_with(core::ptr::from_ref(node).addr()));
        assert_eq!(may_wait(), [true, true]);
        let held = nodes[1].slabs.seize(Class(1));
        assert_eq!(may_wait(), [false, false]);
        drop(held);
        let held = nodes[0].slabs.seize(Class(1));
        assert_eq!(may_wait(), [false, true]);
        drop(held);
    }

    #[test]
    fn a_heap_whose_boot_was_interrupted_at_its_very_end_boots_again() {
        let heap = heap();
        let before = heap.node(NodeId(0)).arena.region().base();
        heap.boot.shut();
        assert!(heap.boot_as(&Shape { topology: Topology::single(), region_len: 64 << 20 }));
        let region = heap.node(NodeId(0)).arena.region();
        assert_ne!(region.base(), before);
        let objects: std::vec::Vec<_> = (0..10_000).map(|_| heap.alloc(SIZE, 16)).collect();
        assert!(objects.iter().all(|&object| heap.node_of(object) == Some(0)));
        assert!(objects.iter().all(|&object| heap.cpus.fetch_next(object.addr() as u64)));
        objects.into_iter().for_each(|object| heap.free(object));
    }

    /// The functions that take an alignment are safe, so a wrong one must do no harm.
    #[test]
    fn an_alignment_that_is_no_power_of_two_does_no_harm() {
        const PAGES: usize = 3 << 12;
        let heap = heap();
        for align in [24, 48, 5000, PAGES, 6_000_000, (32 << 20) + 1, (32 << 20) + PAGES, usize::MAX / 3] {
            let objects = [100, 5000, 300_000, 40 << 20].map(|size| heap.alloc(size, align));
            assert!(objects[3].is_null(), "{align}");
            objects.into_iter().filter(|object| !object.is_null()).for_each(|object| heap.free(object));
        }
        assert!(heap.huge.places.in_use() == (0, 0) && heap.validate().is_ok());
    }

    #[test]
    fn who_holds_the_locks_of_all_nodes_gets_a_mapping() {
        let heap = heap();
        let class = Class::small(SIZE, 16).unwrap();
        let held = [NodeId(0), heap.spare()].map(|id| heap.node(id).slabs.seize(class));
        let [object, other] = [(); 2].map(|()| heap.alloc(SIZE, 16));
        assert!(!object.is_null() && [object, other].iter().all(|&object| heap.node_of(object).is_none()));
        heap.free(object);
        heap.free_layout(other as usize, SIZE, 16);
        drop(held);
        let object = heap.alloc(SIZE, 16);
        assert!(heap.node_of(object) == Some(0) && heap.huge.places.in_use() == (0, 0));
        heap.free(object);
    }
}
