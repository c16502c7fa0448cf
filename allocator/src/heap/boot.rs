//! The first call: address space, nodes, options, windows.
//!
//! Runs once, with signals blocked, perhaps before libc is ready: it calls no libc function that could allocate or needs an environment. It
//! takes about a dozen system calls, and some more for each node if there are several.
//!
//! Fork: a child that is forked in the midst of it boots from the beginning. So every part of it may be done twice; what the parent had reserved by then
//! is lost to the child.

use super::Heap;
use super::node::Node;
use super::placement::Placement;
use super::places::Places;
use super::threads::Threads;
use crate::arena::ThpPolicy;
use crate::base::sync::Ordering;
use crate::base::units::{MAX_RUN_PAGES, NodeId, PAGE};
use crate::cpu::{Cpus, Wanted};
use crate::depot::MOST_SHARDS;
use crate::region::Table;
use crate::sys::clock;
use crate::sys::cpus;
use crate::sys::environment;
use crate::sys::file::mapped_bytes;
use crate::sys::lock::set_witness;
use crate::sys::options::Key;
use crate::sys::syscall;
use crate::sys::topology::Topology;
use crate::sys::vm::Span;

/// Regions begin on a multiple of this, so that every run is naturally aligned in memory too.
const ALIGNED_REGION: usize = MAX_RUN_PAGES as usize * PAGE;
/// Where addresses are scarce, the alignment is smaller, because the addresses skipped for it are lost: a sixteenth of the region's length,
/// but at least this.
const SMALL_ALIGN: usize = 64 * 1024;
/// Region lengths are multiples of this, or of the next constant if the region is small.
const REGION_UNIT: usize = 4 << 20;
const SMALLEST_REGION: usize = 1 << 20;
/// The length of a region in an emulator: in qemu-user every reserved page costs memory.
const EMULATED_REGION: usize = 8 << 30;
/// Page numbers, and counts of pages, are 32 bits.
const LARGEST_REGION: usize = (1 << 44) - ALIGNED_REGION;
const _: () = assert!(LARGEST_REGION / PAGE < u32::MAX as usize);
const LARGEST_POWER: usize = 1 << LARGEST_REGION.ilog2();
const FEW_SHARDS: usize = 2;
/// If regions have at least this length, address space is not scarce.
pub(super) const MUCH_SPACE: usize = 1 << 32;
const SYSFS_NODES: &str = "/sys/devices/system/node";
const SYSFS_CPUS: &str = "/sys/devices/system/cpu";
/// The most nodes there can be, including the interleaved and the spare one: a node's number is a byte.
const _: () = assert!(crate::sys::topology::MAX_NODES + 2 < u8::MAX as usize);

/// How a heap is laid out.
#[derive(Debug)]
pub struct Shape<'a> {
    /// The nodes.
    pub topology: Topology<'a>,
    /// Bytes of address space of each node's region (fewer where the system refuses).
    pub region_len: usize,
}

impl Heap {
    /// Boots as the process's heap.
    pub(super) fn boot(&self) -> bool {
        self.family.begin();
        clock::settle();
        self.settings.read_environment();
        self.set_limits();
        if let Some(witness) = self.hooks.witness {
            set_witness(witness);
        }
        self.boot_here()
    }

    /// Boots with what the machine and the process have. A function of its own, because the code before it needs as much stack as this.
    #[inline(never)]
    fn boot_here(&self) -> bool {
        let topology = if self.settings.ignores_nodes() { Topology::single() } else { Topology::read(SYSFS_NODES) };
        let placement = self.placement(&topology);
        let generous =
            (syscall::physical_memory() / placement.sharers()).saturating_mul(4).clamp(64 << 30, LARGEST_REGION);
        let generous = if environment::may_be_emulated() { EMULATED_REGION } else { generous };
        // With several nodes, a shift then tells in which region an address lies.
        let generous = if placement.count() > 1 { generous.next_power_of_two().min(LARGEST_POWER) } else { generous };
        // Three quarters of what the process may still map: the rest is for its stacks, and for objects with mappings of their own.
        self.addresses.know(syscall::address_space_limit());
        let affordable = addresses_left(self.addresses.bound()) / 4 * 3 / arenas_for(placement.count());
        self.boot_with(&Shape { topology, region_len: generous.min(affordable) }, &placement)
    }

    /// Boots a heap of a given shape. Returns false if there is no address space for it.
    #[inline(never)]
    pub(super) fn boot_with(&self, shape: &Shape<'_>, placement: &Placement) -> bool {
        let arenas = arenas_for(placement.count());
        let (mut len, mut exact) = (round_region(shape.region_len), None);
        loop {
            // Where addresses are scarce, there are no more slots than needed.
            let bound = if len >= MUCH_SPACE { cpus::bound() } else { None };
            let cpus = bound.or_else(|| *exact.get_or_insert_with(|| cpus::possible(SYSFS_CPUS)));
            if let Some(reserved) = reserve(arenas, len, cpus.unwrap_or(0)) {
                return self.settle(&shape.topology, placement, len, cpus, reserved);
            }
            let is_one_of_several = placement.count() > 1 && len.is_power_of_two() && len > MUCH_SPACE;
            len = round_region(if is_one_of_several { len / 2 } else { len - len / 8 });
            if len < SMALLEST_REGION {
                return false;
            }
        }
    }

    fn settle(
        &self,
        topology: &Topology<'_>,
        placement: &Placement,
        len: usize,
        cpus: Option<usize>,
        Reserved { regions, metadata, around }: Reserved,
    ) -> bool {
        let nodes = placement.count();
        let arenas = arenas_for(nodes);
        self.node_count.store(nodes, Ordering::Relaxed);
        self.arena_count.store(arenas, Ordering::Relaxed);
        self.regions_base.store(regions.base(), Ordering::Relaxed);
        self.regions_end.store(regions.base() + regions.len(), Ordering::Relaxed);
        self.region_len.store(len, Ordering::Relaxed);
        let rest = self.nodes.settle(metadata, arenas + 1);
        if self.nodes.extend_exactly(arenas + 1).is_err() {
            // Nothing refers to any of it yet, and the next call starts from scratch.
            self.nodes.abandon();
            [rest, regions].into_iter().chain(around).for_each(Span::release);
            return false;
        }
        self.addresses.settle(len, around);
        let rest = self.settle_nodes(arenas, len, regions, rest);
        self.place(topology, placement);
        let rest = self.threads.settle(rest, nodes);
        let rest = self.huge.places.settle(rest);
        let first = self.common_home().map_or(0, NodeId::index);
        self.cpus.settle(rest, (arenas + 1, first), cpus, secret(), self.wanted_windows());
        self.family.settle();
        self.advise_huge_pages();
        self.warm_up(nodes);
        true
    }

    fn wanted_windows(&self) -> Wanted {
        match self.settings.get(Key::PerCpu) {
            0 => Wanted::Best,
            1 => Wanted::Cpu,
            _ => Wanted::Locked,
        }
    }

    fn settle_nodes(&self, arenas: usize, len: usize, regions: Span, metadata: Span) -> Span {
        let (mut regions, mut metadata) = (regions, metadata);
        for index in 0..=arenas {
            let (mine, others) = regions.split(len);
            metadata = self.node(NodeId(index as u8)).settle(mine, metadata, shards_for(len));
            regions = others;
        }
        metadata
    }

    fn advise_huge_pages(&self) {
        let [thp, pool] = [Key::Thp, Key::HugeTlb].map(|key| self.settings.get(key));
        self.huge.pages.settle(thp, pool, self.mappings_are_alike());
        let policy = ThpPolicy::of_choice(self.settings.get(Key::Thp));
        for node in self.all_nodes() {
            self.node(node).arena.begin_huge_pages(policy, self.node_count() == 1);
        }
    }

    /// Opens the hit path where one arena serves all threads, and with several nodes the rows. Opens neither if an option requires that
    /// every call be seen.
    fn warm_up(&self, nodes: usize) {
        let hits = self.settings.get(Key::DoubleFree) == 0;
        let region = |id| self.node(id).arena.region();
        if let Some(home) = self.common_home() {
            self.cpus.open(region(home), (nodes == 1).then(|| region(self.spare())), hits);
        }
        if nodes > 1 {
            self.begin_rows();
            if hits {
                self.cpus.open_rows();
            }
        }
    }
}

/// Bytes of address space that the process may still map if it may map `bound` in all.
fn addresses_left(bound: usize) -> usize {
    match bound {
        usize::MAX => usize::MAX,
        limit => limit.saturating_sub(mapped_bytes()),
    }
}

/// Number of arenas for so many nodes, not counting the spare one: several nodes have an interleaved one beside them.
fn arenas_for(nodes: usize) -> usize {
    if nodes > 1 { nodes + 1 } else { 1 }
}

/// The length of the spare node's region: a sixteenth of a node's, because it serves nothing but signal handlers and requests that no other
/// node can.
fn spare_len(len: usize) -> usize {
    (len / 16).next_multiple_of(SMALLEST_REGION / 4).min(1 << 30)
}

/// Number of shards in a depot.
fn shards_for(len: usize) -> usize {
    if len >= MUCH_SPACE { MOST_SHARDS } else { FEW_SHARDS }
}

fn round_region(len: usize) -> usize {
    let unit = if len >= ALIGNED_REGION { REGION_UNIT } else { SMALLEST_REGION };
    len / unit * unit
}

/// The alignment of a region of `len` bytes.
fn region_align(len: usize) -> usize {
    (1 << (len / 16).max(1).ilog2()).clamp(SMALL_ALIGN, ALIGNED_REGION)
}

/// The addresses of a heap: the adjacent regions, the metadata below them, and what their alignment leaves over.
struct Reserved {
    regions: Span,
    metadata: Span,
    around: [Span; 2],
}

/// Reserves all of it in one piece.
fn reserve(arenas: usize, len: usize, slots: usize) -> Option<Reserved> {
    let regions_len = len.checked_mul(arenas)?.checked_add(spare_len(len))?;
    let metadata_len = Table::<Node>::bytes_for(arenas + 1)
        + Node::metadata_len(len, shards_for(len)) * arenas
        + Node::metadata_len(spare_len(len), shards_for(len))
        + Cpus::metadata_len(arenas + 1, slots)
        + Places::metadata_len()
        + if arenas > 1 { Threads::metadata_len() } else { 0 };
    let align = region_align(len);
    let all = Span::reserve(metadata_len.checked_add(regions_len)?.checked_add(align)?, PAGE).ok()?;
    let begin = (all.base() + metadata_len).next_multiple_of(align) - all.base();
    let (before, all) = all.split(begin - metadata_len);
    let (metadata, all) = all.split(metadata_len);
    let (regions, behind) = all.split(regions_len);
    Some(Reserved { regions, metadata, around: [before, behind] })
}

/// The process's secret: derived from the kernel's random bytes without revealing them.
fn secret() -> u64 {
    let [a, b] = environment::kernel_random();
    let mut mixed = a ^ b.rotate_left(32) ^ 0x9E37_79B9_7F4A_7C15;
    for _ in 0..3 {
        mixed = (mixed ^ mixed >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
    mixed
}
