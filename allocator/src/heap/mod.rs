//! # heap: policy
//!
//! Which layer serves a request, and what happens when it cannot.
//!
//! | object | size | where |
//! |---|---|---|
//! | small | up to 32 KiB, alignment up to a page | cpu → depot → slab → arena |
//! | large | up to 32 MiB | a run straight from the arena |
//! | huge | beyond, or grown by `realloc` | a mapping of its own |
//!
//! A slow path is one ladder, its cases in order of cost; calls go down once and the object comes up once. Every slow path passes
//! [`Heap::enter`] first: it boots the heap, and in a forked child repairs it.
//!
//! Several nodes: each has an arena, slabs and depots, and a row of windows; an object is always pushed to the row of the node whose
//! region it lies in. Behind the last node comes the **spare** one, used only by a signal handler that interrupted the holder of a
//! lock it needs.

mod boot;
mod fork;
mod huge;
mod knowledge;
mod large;
mod node;
mod realloc;
mod rows;
mod shaped;
mod small;
mod stats;
mod validate;

use crate::base::classes::CLASSES;
use crate::base::sync::{AtomicU8, AtomicUsize, Ordering};
use crate::base::units::{Class, NodeId};
use crate::cpu::Cpus;
use crate::region::Table;
use crate::sys::once::Gate;
use crate::sys::options::Settings;
use crate::sys::thread::{self, Family};
use crate::sys::topology::MAX_CPUS;
use huge::HugeTable;
use node::Node;

pub use boot::Shape;
pub use knowledge::Call;

/// A whole allocator. The process has one ([`crate::Larder`]); tests make more.
#[derive(Debug)]
#[repr(C)]
pub struct Heap {
    /// First, because the hit path knows it by the heap's own address.
    cpus: Cpus,
    nodes: Table<Node>,
    /// Nodes of the machine; the spare one comes after them.
    node_count: AtomicUsize,
    /// First and last address of the nodes' regions, which follow each other, and the bytes of each (the spare one is smaller).
    regions_base: AtomicUsize,
    regions_end: AtomicUsize,
    region_len: AtomicUsize,
    node_of_cpu: [AtomicU8; MAX_CPUS],
    huge: HugeTable,
    settings: Settings,
    boot: Gate,
    family: Family,
    witness: Option<fn(usize) -> bool>,
}

impl Heap {
    /// A heap that boots when it is first used.
    pub const fn new() -> Heap {
        Heap::with_witness(None)
    }

    /// The process's heap: a thread that is about to wait for one of its locks asks `witness`, which passes the question on to
    /// [`Heap::holds_one_with`].
    pub const fn with_witness(witness: Option<fn(usize) -> bool>) -> Heap {
        Heap {
            witness,
            cpus: Cpus::new(),
            nodes: Table::new(),
            node_count: AtomicUsize::new(0),
            regions_base: AtomicUsize::new(0),
            regions_end: AtomicUsize::new(0),
            region_len: AtomicUsize::new(0),
            node_of_cpu: [const { AtomicU8::new(0) }; MAX_CPUS],
            huge: HugeTable::new(),
            settings: Settings::new(),
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
    /// Boots if need be, and in a forked child repairs. False iff the system gave no address space at all.
    #[inline]
    fn enter(&self) -> bool {
        (self.boot.is_open() && self.family.gate().is_open()) || self.enter_first()
    }

    #[cold]
    fn enter_first(&self) -> bool {
        self.boot.open_with(|| self.boot()) && self.family.gate().open_with(|| self.repair())
    }

    /// How windows are reached.
    pub fn mode(&self) -> crate::stats::Mode {
        self.enter();
        self.cpus.mode()
    }

    /// Boots now if there are options to read.
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

    /// Whether this thread holds a lock of the node that the lock at `address` belongs to.
    pub fn holds_one_with(&self, address: usize) -> bool {
        let index = address.wrapping_sub(self.nodes.base()) / size_of::<Node>();
        index <= self.node_count() && self.node(NodeId(index as u8)).holds_from(address)
    }

    /// Every node, the spare one last.
    fn all_nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..=self.node_count() as u8).map(NodeId)
    }

    /// The node the thread runs on now.
    fn present_node(&self) -> NodeId {
        if self.node_count() == 1 {
            return NodeId(0);
        }
        let cpu = self.cpus.present_cpu().unwrap_or_else(thread::cpu_hint);
        NodeId(self.node_of_cpu.get(cpu).map_or(0, |node| node.load(Ordering::Relaxed)))
    }

    /// The order in which nodes are tried: `first`, the others, the spare one.
    fn zonelist(&self, first: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        let count = self.node_count();
        (0..count).map(move |step| NodeId(((first.index() + step) % count) as u8)).chain([NodeId(count as u8)])
    }

    /// The node whose region holds `address`.
    fn home_of(&self, address: usize) -> Option<NodeId> {
        if address >= self.regions_end.load(Ordering::Relaxed) {
            return None;
        }
        let distance = address.checked_sub(self.regions_base.load(Ordering::Relaxed))?;
        let index = distance.checked_div(self.region_len.load(Ordering::Relaxed))?;
        Some(NodeId(index.min(self.node_count()) as u8))
    }

    /// Lets the hit path see how far the single node's region reaches now.
    fn publish_extent(&self) {
        if self.node_count() == 1 {
            self.cpus.show_extent(self.node(NodeId(0)).arena.region());
        }
    }

    fn classes() -> impl Iterator<Item = Class> {
        (1..CLASSES as u8).map(Class)
    }
}
