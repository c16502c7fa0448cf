//! What belongs to one node: pages, slabs, depots.
#![allow(unsafe_code, reason = "one marker impl: all zero is a node without memory")]

use super::counters::Counters;
use super::full::Room;
use super::tend::Calm;
use crate::arena::Arena;
use crate::base::sync::{AtomicU8, AtomicU16};
use crate::base::units::PAGE;
use crate::depot::Depots;
use crate::region::{Region, Zeroed};
use crate::slab::Slabs;
use crate::sys::topology::MAX_NODES;
use crate::sys::vm::Span;
use crossbeam_utils::CachePadded;

/// See the module. What is written at boot comes first, in order, so that a process that needs no more touches few pages.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Node {
    pub(super) arena: Arena,
    /// What the node was asked for and gave. Padded: it is written at each refill, while all threads read the zonelist.
    pub(super) counters: CachePadded<Counters>,
    /// The nodes by distance, this one first.
    pub(super) zonelist: [AtomicU8; MAX_NODES],
    /// The kernel's number of the node.
    pub(super) system_id: AtomicU16,
    /// The node from which threads on this one's CPUs should get their memory.
    pub(super) home: AtomicU8,
    pub(super) calm: Calm,
    pub(super) room: Room,
    pub(super) depots: Depots,
    pub(super) slabs: Slabs,
}

// SAFETY: a node consists of numbers, atomics and locks for which zero is a valid value (a lock's zero is free), and nothing in it needs a
// drop.
unsafe impl Zeroed for Node {}

impl Node {
    /// Metadata bytes to reserve for a region of `len` bytes and depots of so many shards.
    pub(super) fn metadata_len(len: usize, shards: usize) -> usize {
        Region::metadata_len(len) + Slabs::metadata_len(len / PAGE) + Depots::metadata_len(shards)
    }

    /// Takes over the region's addresses. Returns the metadata that is left.
    pub(super) fn settle(&self, space: Span, metadata: Span, shards: usize) -> Span {
        let pages = space.len() / PAGE;
        let rest = self.arena.settle(space, metadata);
        let rest = self.slabs.settle(rest, pages);
        self.depots.settle(rest, shards)
    }

    /// Gives addresses back until they are needed.
    pub(super) fn give_up_unused(&self) {
        self.arena.give_up_unused();
        self.slabs.give_up_unused();
        self.depots.give_up_unused();
    }

    /// Returns whether an address lies within a part of the node.
    pub(super) fn has_at(&self, address: usize) -> bool {
        address.wrapping_sub(&raw const *self as usize) < size_of::<Node>() || self.depots.has_shard_at(address)
    }

    /// Returns whether this thread holds a lock of the node whose rank is that of the lock at `address` or higher. A thread that is about
    /// to wait for that lock asks. By the order of ranks it never does, unless it is in a signal handler that interrupted such a holder;
    /// then the thread it would wait for may be waiting for it.
    pub(super) fn holds_from(&self, address: usize) -> bool {
        let arena = self.arena.is_held();
        if arena || self.arena.has_lock_at(address) {
            return arena;
        }
        let slabs = self.slabs.is_held_from(address);
        slabs || (!self.slabs.has_lock_at(address) && self.depots.is_held_from(address))
    }

    /// Returns whether this thread holds a lock under which others are taken.
    pub(super) fn holds_any(&self) -> bool {
        self.arena.is_held() || self.slabs.is_held_from(0) || self.depots.is_held_from(0) || self.depots.is_filling()
    }

    /// Metadata bytes committed.
    pub(super) fn metadata_committed(&self) -> usize {
        self.arena.region().metadata_committed() + self.slabs.metadata_committed() + self.depots.metadata_committed()
    }
}
