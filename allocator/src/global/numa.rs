//! NUMA for programs: allocating on a node, asking where memory lies, moving it.
#![allow(unsafe_code, reason = "GlobalAlloc")]

use super::observe::seen;
use super::{HEAP, Larder};
use crate::heap::Home;
use crate::stats::{Migration, NodeStats, NumaError, NumaPolicy, Refusal, Residence};
use core::alloc::{GlobalAlloc, Layout};

/// An allocator that takes memory from one node, or from all nodes in turn, rather than from the node that the thread runs on. When that node is
/// full, memory comes from the nearest node that is not.
///
/// [`Larder::free`] takes its objects, and its `dealloc` takes any object of larder's; `dealloc` requires the layout that `alloc` was given, here as
/// everywhere.
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
    /// Returns an allocator of one node's memory, by the kernel's number of the node; [`NumaError::NoSuchNode`] if the process can have none of it.
    /// [`Placed`] has an example.
    pub fn on_node(node: usize) -> Result<Placed, NumaError> {
        HEAP.home_on(node).map(Placed).ok_or(NumaError::NoSuchNode(node))
    }

    /// Returns an allocator whose pages lie on all nodes in turn (under an interleaving policy: on that policy's nodes).
    pub fn interleaved() -> Placed {
        Placed(HEAP.home_everywhere())
    }
}

impl Placed {
    /// [`Larder::memalign`] with this allocator's memory.
    pub fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        HEAP.alloc_placed(self.0, size, align.max(crate::base::units::MIN_ALIGN), false)
    }

    /// [`Placed::memalign`], zeroed.
    pub fn memalign_zeroed(&self, align: usize, size: usize) -> *mut u8 {
        HEAP.alloc_placed(self.0, size, align.max(crate::base::units::MIN_ALIGN), true)
    }

    /// [`Larder::resize_aligned`]; if the object must move, it moves to this allocator's memory.
    ///
    /// # Safety
    /// As [`Larder::resize`].
    pub unsafe fn resize_aligned(&self, pointer: *mut u8, align: usize, size: usize) -> *mut u8 {
        HEAP.realloc_placed(self.0, pointer, size, align.max(crate::base::units::MIN_ALIGN))
    }
}

// SAFETY: the objects are `Larder`'s, so what holds for its implementation holds here.
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

/// Returns the kernel's number of the node whose memory an object has; `None` if the object is not larder's. Interleaved objects and those with a
/// mapping of their own (above 32 MiB) are where their first page lies, which is unknown (`None`) until it is touched.
pub fn node_of(object: *const u8) -> Option<usize> {
    HEAP.system_node_of(object)
}

/// Returns the figures of every node's arena, then those of the interleaved one if there are several nodes.
pub fn nodes() -> impl Iterator<Item = NodeStats> {
    (0..seen().arena_count()).filter_map(|index| seen().node_stats(index))
}

/// Asks the kernel where the memory of an arena, given by its place in [`nodes`], really lies, for a sample of about `samples` pages;
/// [`NumaError::Refused`] if it does not say. An arena that does not exist has no pages.
pub fn residence(index: usize, samples: usize) -> Result<Residence, NumaError> {
    seen().residence(index, samples)
}

/// Moves the memory that one node's objects have now to another node, and with it those pages of interleaved objects and of objects with mappings of
/// their own that lie on the node. Both nodes are given by the kernel's numbers. Addresses stay the same, and what is allocated later lies where it
/// did before. If the kernel refuses ([`NumaError::Refused`]), a part may have moved.
///
/// ```
/// match larder::migrate(0, 1) {
///     Ok(done) => println!("{} of {} pages moved", done.moved, done.present),
///     Err(error) => println!("{error}"),
/// }
/// ```
pub fn migrate(from: usize, to: usize) -> Result<Migration, NumaError> {
    HEAP.migrate(from, to)
}

/// Takes notice at once of the memory policy that this thread has set for itself (`set_mempolicy`, by libnuma or otherwise). Without this call, in
/// programs of more than one thread, larder notices it within a few of the thread's slow paths. Returns false where threads' policies are not
/// followed: with a single node, under a policy of `LARDER_CONF`, and where the system does not tell.
pub fn follow_policy() -> bool {
    HEAP.follow_policy()
}

/// Returns the memory policy of this process.
pub fn numa_policy() -> NumaPolicy {
    seen().numa_policy()
}

/// Returns the system calls for NUMA that were refused and are not made again.
pub fn numa_refusals() -> impl Iterator<Item = Refusal> {
    seen().numa_refusals()
}
