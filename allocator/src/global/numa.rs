//! NUMA for programs: allocating on a node, asking where memory lies, moving it.
#![allow(unsafe_code, reason = "GlobalAlloc")]

use super::{HEAP, Larder};
use crate::heap::Home;
use crate::stats::{Migration, NodeStats, NumaError, NumaPolicy, Refusal, Residence};
use core::alloc::{GlobalAlloc, Layout};

/// An allocator that takes memory from a node, or from all nodes in turn, rather than from the one the thread runs on. When that
/// is full, it comes from the nearest node that is not.
///
/// `free` takes its objects and it takes any of larder's; `dealloc` wants the layout that `alloc` had, here as everywhere.
///
/// ```
/// use std::alloc::{GlobalAlloc, Layout};
/// let node = larder::nodes().find_map(|node| node.node).expect("there is at least one node");
/// let near = larder::Larder::on_node(node)?;
/// let layout = Layout::new::<[u64; 1000]>();
/// // SAFETY: the layout's size is not 0; the object is freed once, with its layout.
/// unsafe {
///     let object = near.alloc(layout);
///     assert_eq!(larder::node_of(object), Some(node));
///     near.dealloc(object, layout);
/// }
/// assert!(larder::Larder::on_node(4711).is_err());
/// # Ok::<(), larder::NumaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed(Home);

impl Larder {
    /// An allocator of one node's memory, by the kernel's number of the node.
    pub fn on_node(node: usize) -> Result<Placed, NumaError> {
        HEAP.home_on(node).map(Placed).ok_or(NumaError::NoSuchNode(node))
    }

    /// An allocator whose pages lie on all nodes in turn (under an interleaving policy: on that policy's nodes).
    pub fn interleaved() -> Placed {
        Placed(HEAP.home_everywhere())
    }
}

impl Placed {
    /// [`Larder::memalign`] from here.
    pub fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        HEAP.alloc_placed(self.0, size, align.max(crate::base::units::MIN_ALIGN), false)
    }

    /// [`Placed::memalign`], zeroed.
    pub fn memalign_zeroed(&self, align: usize, size: usize) -> *mut u8 {
        HEAP.alloc_placed(self.0, size, align.max(crate::base::units::MIN_ALIGN), true)
    }

    /// [`Larder::resize_aligned`]; if the object must move, it moves here.
    ///
    /// # Safety
    /// As [`Larder::resize`].
    pub unsafe fn resize_aligned(&self, pointer: *mut u8, align: usize, size: usize) -> *mut u8 {
        HEAP.realloc_placed(self.0, pointer, size, align.max(crate::base::units::MIN_ALIGN))
    }
}

// SAFETY: as of `Larder`, whose objects these are.
unsafe impl GlobalAlloc for Placed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HEAP.alloc_placed(self.0, layout.size(), layout.align(), false)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _layout: Layout) {
        HEAP.free(pointer);
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        HEAP.alloc_placed(self.0, layout.size(), layout.align(), true)
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        HEAP.realloc_placed(self.0, pointer, new_size, layout.align())
    }
}

/// The kernel's number of the node that an object's memory is of; none if it is not larder's. Interleaved objects and those with a mapping of
/// their own (above 32 MiB) are where their first page lies, which nobody knows before it was touched.
pub fn node_of(object: *const u8) -> Option<usize> {
    HEAP.system_node_of(object)
}

/// Every node's figures, then those of the interleaved arena if there are several nodes.
pub fn nodes() -> impl Iterator<Item = NodeStats> {
    (0..HEAP.arena_count()).filter_map(|index| HEAP.node_stats(index))
}

/// Asks the kernel where the memory of an arena, by its place in [`nodes`], really lies: of about `samples` of its pages.
pub fn residence(index: usize, samples: usize) -> Result<Residence, NumaError> {
    HEAP.residence(index, samples)
}

/// Moves the memory of one node's objects, as it is now, to another node; and of interleaved objects and those with mappings of their own
/// what lies on the node. Addresses stay.
pub fn migrate(from: usize, to: usize) -> Result<Migration, NumaError> {
    HEAP.migrate(from, to)
}

/// Takes notice at once of the memory policy that this thread has set for itself (`set_mempolicy`, by libnuma or otherwise). Without it
/// larder finds out by itself within a few of the thread's slow paths, in programs of more than one thread. False where
/// threads' policies are not followed: with a single node, under a policy of `LARDER_CONF`, and where the system does not tell.
pub fn follow_policy() -> bool {
    HEAP.follow_policy()
}

/// The memory policy of this process.
pub fn numa_policy() -> NumaPolicy {
    HEAP.numa_policy()
}

/// The system calls for NUMA that were refused and are not made again.
pub fn numa_refusals() -> impl Iterator<Item = Refusal> {
    HEAP.numa_refusals()
}
