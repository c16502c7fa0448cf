//! Heaps of a given shape, and calls that name their node: for tests, which build machines of many nodes where there is one.

use super::knowledge::{Call, Found};
use super::large::Origin;
use super::{Heap, Shape};
use crate::base::units::{Class, NodeId};
use crate::region::Magazine;
use crate::sys::syscall;
use crate::sys::topology::Topology;

impl<'a> Shape<'a> {
    /// The machine that a tree laid out like `/sys/devices/system/node` describes.
    #[doc(hidden)]
    pub fn read(root: &'a str, region_len: usize) -> Shape<'a> {
        Shape { topology: Topology::read(root), region_len }
    }
}

impl Heap {
    /// Boots with this shape instead of the machine's own. Returns false if there is no address space for it.
    #[doc(hidden)]
    pub fn boot_as(&self, shape: &Shape<'_>) -> bool {
        let placement = self.asked_placement(&shape.topology).unbound();
        self.boot.open_with(|| self.boot_with(shape, &placement))
    }

    /// The node that a thread on a CPU gets its objects from.
    #[doc(hidden)]
    pub fn home_of_cpu(&self, cpu: usize) -> Option<usize> {
        self.whereabouts.of_cpu(cpu).map(|place| place.home.index())
    }

    /// The nodes in the order in which requests try them.
    #[doc(hidden)]
    pub fn order_from(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.zonelist(NodeId(node as u8)).map(NodeId::index)
    }

    /// [`Heap::alloc`] by a thread that runs on node number `node`.
    #[doc(hidden)]
    pub fn alloc_on(&self, node: usize, size: usize, align: usize) -> *mut u8 {
        if !self.enter() || node >= self.node_count() {
            return core::ptr::null_mut();
        }
        self.alloc_from(Origin { node: NodeId(node as u8), asked: true }, size, align)
    }

    /// From now on all threads are assumed to run on that CPU, whichever of the first 64 they really run on; the calling thread stays on
    /// those.
    #[doc(hidden)]
    pub fn run_on(&self, cpu: usize) {
        syscall::stay_on_first_cpus();
        if let Some(place) = self.whereabouts.of_cpu(cpu) {
            (0..64).for_each(|real| self.note_whereabout(real, place));
        }
    }

    /// Magazines that a node's depots have traded.
    #[doc(hidden)]
    pub fn trades_of(&self, node: usize) -> u32 {
        self.node(NodeId(node as u8)).depots.activity()
    }

    /// Whether hits are served by the hit path itself.
    #[doc(hidden)]
    pub fn has_open_hits(&self) -> bool {
        self.cpus.is_open()
    }

    /// Marks a node full, as if the kernel had given pages of another node for one of its own.
    #[doc(hidden)]
    pub fn mark_full(&self, node: usize) {
        self.node(NodeId(node as u8)).room.is_found_full(&self.node(NodeId(node as u8)).arena);
    }

    /// The number of the spare node.
    #[doc(hidden)]
    pub fn spare_number(&self) -> usize {
        self.spare().index()
    }

    /// The number of the node where the object lies (after the last node come the interleaved one, if there are several, and the spare
    /// one); `None` for a huge object.
    #[doc(hidden)]
    pub fn node_of(&self, pointer: *const u8) -> Option<usize> {
        self.home_of(pointer as usize).map(NodeId::index)
    }

    /// Whether the object that begins at a pointer is one of a class.
    #[doc(hidden)]
    pub fn has_class(&self, pointer: *const u8) -> bool {
        matches!(self.find(pointer as usize, Call::UsableSize), Some(Found::Small(_)))
    }

    /// Small and medium objects in use, by walking every chain: exact, where [`Heap::stats`] is right only to within restarted sequences.
    /// Negative iff something is free twice. Nothing else may use the heap meanwhile.
    #[doc(hidden)]
    pub fn count_in_use(&self) -> i64 {
        self.all_nodes().map(|id| Class::all().map(|class| self.count_in_use_of(id, class)).sum::<i64>()).sum()
    }

    fn count_in_use_of(&self, id: NodeId, class: Class) -> i64 {
        let (node, mut rounds) = (self.node(id), 0);
        let mut count = |word: u64| {
            let mut magazine = Magazine::from_word(word);
            while magazine.pop(self.cpus.links(id.index()), class).is_some() {
                rounds += 1;
            }
        };
        self.cpus.words(id.index(), class, &mut count);
        node.depots.words(class, &mut count);
        let figures = node.slabs.figures(class);
        i64::from(figures.slabs) * i64::from(class.info().slab_objects) - figures.free as i64 - rounds
    }
}

#[cfg(test)]
impl Heap {
    /// Makes a CPU look as if it had only now come.
    pub fn forget_home(&self, cpu: usize) {
        self.cpus.forget_home(cpu);
    }
}
