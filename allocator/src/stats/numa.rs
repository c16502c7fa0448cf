//! The figures of NUMA nodes.

use core::fmt;

/// Where memory comes from: the process's policy, or that of `LARDER_CONF`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumaPolicy {
    /// Each thread's own node.
    #[default]
    Local,
    /// The nearest of some nodes, then the others.
    Preferred,
    /// Some nodes and no others.
    Bind,
    /// Some nodes in turn, page by page.
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

/// A system call that was refused, and is not made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its name.
    pub call: &'static str,
    /// The error number.
    pub errno: u32,
}

/// What `/sys/devices/system/node/node*/numastat` counts, counted by the allocator, for one node.
///
/// The hit path counts nothing: all but `remote_free` count the requests that got beyond it, which is one for each refill of a
/// CPU's window and one for each object above 256 KiB. With a single node nothing is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumaCounts {
    /// Requests for this node's memory that got it.
    pub numa_hit: u64,
    /// Requests for another node's memory that got this one's.
    pub numa_miss: u64,
    /// Requests for this node's memory that got another's.
    pub numa_foreign: u64,
    /// Requests for interleaved memory that were meant for this node.
    pub interleave_hit: u64,
    /// Requests that a thread running on this node got its memory for.
    pub local_node: u64,
    /// Requests that a thread running elsewhere got this node's memory for.
    pub other_node: u64,
    /// Objects of this node freed by threads running elsewhere, counted when they go home.
    pub remote_free: u64,
}

/// One arena: that of a node, or the interleaved one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeStats {
    /// The kernel's number of the node; none for the interleaved arena.
    pub node: Option<usize>,
    /// First address.
    pub base: usize,
    /// Bytes readable and writable.
    pub committed: usize,
    /// Bytes of slabs and of large objects in use.
    pub used: usize,
    /// Bytes of free pages kept warm.
    pub warm: usize,
    /// Bytes of free pages that read zero.
    pub zero: usize,
    /// See there.
    pub counts: NumaCounts,
}

/// Where pages of an arena really lie, as the kernel says: of a sample taken at even distances over what is committed.
#[derive(Clone, Copy, Debug)]
pub struct Residence {
    /// Pages that were asked about.
    pub asked: usize,
    /// Pages that were there.
    pub present: usize,
    /// Of those, pages where they should be: on the arena's node, or for the interleaved arena on any of its nodes.
    pub at_home: usize,
    /// The present pages by node.
    pub by_node: [u32; RESIDENCE_NODES],
}

/// Nodes told apart in [`Residence`]; pages of further ones count as present only.
pub const RESIDENCE_NODES: usize = 64;

impl Residence {
    /// No page.
    pub const NONE: Residence = Residence { asked: 0, present: 0, at_home: 0, by_node: [0; RESIDENCE_NODES] };
}

/// What a migration did, in pages of 4 KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Migration {
    /// Pages that were there: of the node's arena, and of interleaved and huge objects those on the node.
    pub present: usize,
    /// Pages that were moved.
    pub moved: usize,
    /// Pages that lay on the target node already.
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

/// Why something with nodes could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumaError {
    /// This process can have no memory of a node with this number.
    NoSuchNode(usize),
    /// The system refuses the call, with this error number.
    Refused(u32),
}

impl fmt::Display for NumaError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NumaError::NoSuchNode(node) => write!(out, "this process can have no memory of a node {node}"),
            NumaError::Refused(errno) => write!(out, "the system refuses to move pages (error {errno})"),
        }
    }
}

impl core::error::Error for NumaError {}
