//! Requests that name their node.

use super::Heap;
use super::knowledge::Call;
use super::large::Origin;
use crate::base::sync::Ordering;
use crate::base::units::{MAX_SIZE, NodeId, PAGE};
use crate::stats::NumaPolicy;
use crate::sys::nodeset::NodeSet;
use crate::sys::numa::{self, MemoryPolicy, NumaCall};
use crate::sys::vm::Span;
use core::ptr::null_mut;

/// A place to allocate from, which exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home(NodeId);

impl Heap {
    /// The node with the kernel's number `system_id`, if it has memory for this process.
    pub fn home_on(&self, system_id: usize) -> Option<Home> {
        if self.enter() { self.node_with(system_id).map(Home) } else { None }
    }

    /// All nodes in turn, page by page; with a single node, that one.
    pub fn home_everywhere(&self) -> Home {
        self.enter();
        Home(NodeId(self.spare().0.saturating_sub(1)))
    }

    /// As [`Heap::alloc`], but tries a given place first; zeroed if that is asked for.
    pub fn alloc_placed(&self, home: Home, size: usize, align: usize, zeroed: bool) -> *mut u8 {
        if size > MAX_SIZE - align.min(MAX_SIZE) || !self.enter() {
            return null_mut();
        }
        let origin = Origin { node: home.0, asked: true };
        if zeroed { self.alloc_zeroed_from(origin, size, align) } else { self.alloc_from(origin, size, align) }
    }

    /// As [`Heap::realloc`]; if the object must move, it moves to the given place.
    pub fn realloc_placed(&self, home: Home, pointer: *mut u8, size: usize, align: usize) -> *mut u8 {
        let Some(found) = self.enter_and_find(pointer, Call::Realloc) else { return null_mut() };
        if (pointer as usize).is_multiple_of(align) && self.fits(found, size, align) {
            return pointer;
        }
        self.move_to_new(pointer, found, size, || self.alloc_placed(home, size, align, false))
    }

    /// The kernel's number of the node to which an object's memory belongs. For an object of the interleaved arena, and for a mapping of
    /// its own, that is the node where its first page lies, which tells nothing until it was touched.
    pub fn system_node_of(&self, pointer: *const u8) -> Option<usize> {
        let address = pointer as usize;
        if !self.enter() {
            return None;
        }
        match self.home_of(address) {
            Some(home) if home.index() < self.node_count() => Some(self.system_id(home)),
            None if self.huge.places.len_of(address).is_none() => None,
            _ => self.page_lies_on(address),
        }
    }

    fn page_lies_on(&self, address: usize) -> Option<usize> {
        let (page, mut place) = ([address & !(PAGE - 1)], [0]);
        self.refusals.attempt(NumaCall::MovePages, || numa::places_of(&page, &mut place)).ok()?;
        usize::try_from(place[0]).ok()
    }

    /// Binds an object's own mapping where a node was named, or where `LARDER_CONF` has a policy. Otherwise its pages lie on the nodes of
    /// the threads that touch them first, as programs that share the work on an array expect.
    pub(super) fn bind_mapping(&self, span: &Span, origin: Origin) {
        let is_asked = origin.asked && self.node_count() > 1;
        if !is_asked && !self.binds_mappings.load(Ordering::Relaxed) {
            return;
        }
        let home = self.system_id(if origin.node.index() < self.node_count() { origin.node } else { NodeId(0) });
        let policy = self.mapping_policy(origin);
        let _without_is_done_then = span.bind(&self.refusals, &policy, home);
    }

    /// Removes the policy of a mapping that was a part of a region; other mappings have one only under a policy of `LARDER_CONF`.
    pub(super) fn unbind_mapping(&self, span: &Span) {
        if self.node_count() > 1 && !self.binds_mappings.load(Ordering::Relaxed) {
            let _stays_bound_then = span.unbind(&self.refusals);
        }
    }

    fn mapping_policy(&self, origin: Origin) -> MemoryPolicy {
        let interleaved = NodeId(self.node_count() as u8);
        let nodes = |count: usize| {
            let mut set = NodeSet::EMPTY;
            self.nodes_from(interleaved).skip(1).take(count).for_each(|node| set.insert(self.system_id(node)));
            set
        };
        if origin.node == interleaved {
            MemoryPolicy::Interleave(nodes(self.spread.load(Ordering::Relaxed)))
        } else if self.policy() == NumaPolicy::Bind {
            MemoryPolicy::Bind(nodes(self.node_count()))
        } else {
            MemoryPolicy::Preferred(NodeSet::of(self.system_id(origin.node)))
        }
    }
}
