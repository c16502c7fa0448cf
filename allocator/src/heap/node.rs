//! What belongs to one node: pages, slabs, depots.
#![allow(unsafe_code, reason = "one marker impl: all zero is a node without memory")]

use crate::arena::Arena;
use crate::base::units::PAGE;
use crate::depot::Depots;
use crate::region::{Region, Zeroed};
use crate::slab::Slabs;
use crate::sys::vm::Span;

/// See the module.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) arena: Arena,
    pub(super) slabs: Slabs,
    pub(super) depots: Depots,
}

// SAFETY: numbers, atomics and locks whose zero is free; nothing needs a drop.
unsafe impl Zeroed for Node {}

impl Node {
    /// Metadata bytes to reserve for a region of `len` bytes.
    pub(super) fn metadata_len(len: usize) -> usize {
        Region::metadata_len(len) + Slabs::metadata_len(len / PAGE) + Depots::metadata_len()
    }

    /// Takes over the region's addresses; returns the metadata that is left.
    pub(super) fn settle(&self, space: Span, metadata: Span) -> Span {
        let pages = space.len() / PAGE;
        let rest = self.arena.settle(space, metadata);
        let rest = self.slabs.settle(rest, pages);
        self.depots.settle(rest)
    }

    /// Whether this thread is in a signal handler that interrupted it while it held a lock that others wait for while they hold a class's:
    /// then it must not wait for a class's either, but go elsewhere.
    pub(super) fn is_interrupted(&self) -> bool {
        self.arena.is_interrupted() || self.slabs.is_interrupted() || self.depots.is_interrupted()
    }

    /// Metadata bytes committed.
    pub(super) fn metadata_committed(&self) -> usize {
        self.arena.region().metadata_committed() + self.slabs.metadata_committed() + self.depots.metadata_committed()
    }
}
