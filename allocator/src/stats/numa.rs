//! The figures of NUMA nodes.

use core::fmt;

/// Where memory comes from: the process's memory policy, or that of `LARDER_CONF`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumaPolicy {
    /// From each thread's own node.
    #[default]
    Local,
    /// From the nearest of some nodes, then from the others.
    Preferred,
    /// From some nodes and no others.
    Bind,
    /// From some nodes in turn, page by page.
    Interleave,
}

impl fmt::Display for NumaPolicy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            NumaPolicy::Local => "local",
            NumaPolicy::Preferred => "preferred",
            NumaPolicy::Bind => "bind",
            NumaPolicy::Interleave => "interleave",
        })
    }
}

/// A system call that was refused and is not made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its name.
    pub call: &'static str,
    /// The error number (errno).
    pub errno: u32,
}

/// The counters of `/sys/devices/system/node/node*/numastat`, counted by the allocator, for one node.
///
/// The hit path counts nothing. All but `remote_free` count the requests that got beyond it: one for each refill of a CPU's window and one for each
/// object above 256 KiB. With a single node nothing is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumaCounts {
    /// Requests for this node's memory that got it.
    pub numa_hit: u64,
    /// Requests for another node's memory that got this one's.
    pub numa_miss: u64,
    /// Requests for this node's memory that got another node's.
    pub numa_foreign: u64,
    /// Requests for interleaved memory that were meant for this node.
    pub interleave_hit: u64,
    /// Requests by threads running on this node that got its memory.
    pub local_node: u64,
    /// Requests by threads running elsewhere that got this node's memory.
    pub other_node: u64,
    /// Objects of this node that were freed by threads running elsewhere, counted when they go home.
    pub remote_free: u64,
}

/// One arena: that of a node, or the interleaved one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeStats {
    /// The kernel's number of the node; `None` for the interleaved arena.
    pub node: Option<usize>,
    /// First address of its region.
    pub base: usize,
    /// Bytes readable and writable.
    pub committed: usize,
    /// Bytes of slabs and of large objects in use.
    pub used: usize,
    /// Bytes of free pages kept warm.
    pub warm: usize,
    /// Bytes of free pages that read zero.
    pub zero: usize,
    /// Counters of where requests got their memory.
    pub counts: NumaCounts,
}

/// Where the pages of an arena (of 4 KiB) really lie, according to the kernel: for a sample taken at even distances over the committed part.
#[derive(Clone, Copy, Debug)]
pub struct Residence {
    /// Number of pages asked about.
    pub asked: usize,
    /// Number of pages that were present.
    pub present: usize,
    /// Number of present pages that lie where they should: on the arena's node, or for the interleaved arena on any of its nodes.
    pub at_home: usize,
    /// The present pages by node, indexed by the kernel's number; those of nodes beyond the last are left out.
    pub by_node: [u32; RESIDENCE_NODES],
}

/// Number of nodes told apart in [`Residence`].
pub const RESIDENCE_NODES: usize = 64;

impl Residence {
    /// A sample of no pages.
    pub(crate) const NONE: Residence = Residence { asked: 0, present: 0, at_home: 0, by_node: [0; RESIDENCE_NODES] };
}

/// What a migration did, in pages of 4 KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Migration {
    /// Pages that were present: those of the node's arena, and those of interleaved and huge objects that lay on the node.
    pub present: usize,
    /// Pages that were moved.
    pub moved: usize,
    /// Pages that already lay on the target node.
    pub there_already: usize,
    /// Not moved: in use by the kernel at that moment, or pinned. Another attempt may succeed.
    pub busy: usize,
    /// Not moved: the target node has no memory left.
    pub no_memory: usize,
    /// Not moved: shared with another process, as after a fork.
    pub shared: usize,
    /// Not moved for another reason.
    pub refused: usize,
}

/// Why an operation on nodes failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumaError {
    /// This process can have no memory of a node with this number.
    NoSuchNode(usize),
    /// The system refuses to move pages, or to tell where they are (`move_pages`), with this error number.
    Refused(u32),
}

impl fmt::Display for NumaError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NumaError::NoSuchNode(node) => write!(out, "this process can have no memory of a node {node}"),
            NumaError::Refused(errno) => write!(out, "the system refuses move_pages (error {errno})"),
        }
    }
}

impl core::error::Error for NumaError {}
