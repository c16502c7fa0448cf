//! Heaps of a given shape, and calls that name their node: for tests, which build machines of many nodes where there is one.

use super::{Heap, Shape};
use crate::base::units::{Class, NodeId};
use crate::region::Magazine;
use crate::sys::topology::Topology;

impl Shape {
    /// The machine that a tree laid out like `/sys/devices/system/node` describes.
    #[doc(hidden)]
    pub fn read(root: &str, region_len: usize) -> Shape {
        Shape { topology: Topology::read(root), region_len }
    }
}

impl Heap {
    /// Boots with this shape instead of the machine's own. False if there is no address space for it.
    #[doc(hidden)]
    pub fn boot_as(&self, shape: &Shape) -> bool {
        self.boot.open_with(|| self.boot_with(shape))
    }

    /// [`Heap::alloc`] by a thread that runs on node number `node`.
    #[doc(hidden)]
    pub fn alloc_on(&self, node: usize, size: usize, align: usize) -> *mut u8 {
        if !self.enter() || node >= self.node_count() {
            return core::ptr::null_mut();
        }
        self.alloc_from(NodeId(node as u8), size, align)
    }

    /// The number of the node where the object lies (the spare node comes after the last); `None` for a huge one.
    #[doc(hidden)]
    pub fn node_of(&self, pointer: *const u8) -> Option<usize> {
        self.home_of(pointer as usize).map(NodeId::index)
    }

    /// Small objects in use, by walking every chain: exact where [`Heap::stats`] is right to within restarted sequences. Negative iff
    /// something is free twice. Nothing else may use the heap meanwhile.
    #[doc(hidden)]
    pub fn count_in_use(&self) -> i64 {
        self.all_nodes().map(|id| Heap::classes().map(|class| self.count_in_use_of(id, class)).sum::<i64>()).sum()
    }

    fn count_in_use_of(&self, id: NodeId, class: Class) -> i64 {
        let (node, mut rounds) = (self.node(id), 0);
        let mut count = |word: u64| {
            let mut magazine = Magazine::from_word(word);
            while magazine.pop(self.cpus.links(), class).is_some() {
                rounds += 1;
            }
        };
        self.cpus.words(id.index(), class, &mut count);
        node.depots.words(class, &mut count);
        let figures = node.slabs.figures(class);
        i64::from(figures.slabs * class.info().slab_objects) - i64::from(figures.free) - rounds
    }
}
