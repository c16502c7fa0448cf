//! The counters of each node, with the kernel's names and meanings. Slow paths count, and only where there are several nodes.

use super::Heap;
use super::threads::Asking;
use crate::base::sync::{AtomicU64, Ordering};
use crate::base::units::{NodeId, PAGE_SHIFT};
use crate::stats::NumaCounts;

/// Names a counter.
#[derive(Clone, Copy, Debug)]
enum Counter {
    Hit,
    Miss,
    Foreign,
    Interleave,
    Local,
    Other,
    RemoteFree,
}

/// The counters of a node.
#[derive(Debug, Default)]
pub(super) struct Counters {
    counts: [AtomicU64; 7],
    /// Written by the same slow paths.
    pub(super) asking: Asking,
}

impl Counters {
    fn add(&self, counter: Counter, amount: u64) {
        self.counts[counter as usize].fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> NumaCounts {
        let get = |counter: Counter| self.counts[counter as usize].load(Ordering::Relaxed);
        NumaCounts {
            numa_hit: get(Counter::Hit),
            numa_miss: get(Counter::Miss),
            numa_foreign: get(Counter::Foreign),
            interleave_hit: get(Counter::Interleave),
            local_node: get(Counter::Local),
            other_node: get(Counter::Other),
            remote_free: get(Counter::RemoteFree),
        }
    }
}

impl Heap {
    /// Counts that a slow path which wanted memory of `wanted` got the object at `address`.
    pub(super) fn count_alloc(&self, wanted: NodeId, address: usize) {
        if self.node_count() > 1 {
            self.count_alloc_of_several(wanted, address);
        }
    }

    fn count_alloc_of_several(&self, wanted: NodeId, address: usize) {
        let Some(home) = self.home_of(address).filter(|&home| home != self.spare()) else { return };
        let got = self.lies_on(home, address);
        let counters = |node: NodeId| &self.node(node).counters;
        if home.index() == self.node_count() {
            counters(got).add(Counter::Interleave, 1);
        }
        if wanted == home {
            counters(got).add(Counter::Hit, 1);
        } else {
            counters(got).add(Counter::Miss, 1);
            counters(wanted).add(Counter::Foreign, 1);
        }
        let local = self.whereabout().own == Some(got);
        counters(got).add(if local { Counter::Local } else { Counter::Other }, 1);
    }

    /// The node for which a page of an arena is meant: the kernel deals out the pages of the interleaved arena by their addresses.
    fn lies_on(&self, home: NodeId, address: usize) -> NodeId {
        if home.index() < self.node_count() {
            return home;
        }
        let spread = self.spread.load(Ordering::Relaxed).max(1);
        NodeId(self.node(home).zonelist[(address >> PAGE_SHIFT) % spread].load(Ordering::Relaxed))
    }

    /// Counts objects of a node that go home, or a large one that is freed, if this thread runs on another node.
    pub(super) fn count_free(&self, home: NodeId, objects: u64) {
        if self.is_remote(home) {
            self.node(home).counters.add(Counter::RemoteFree, objects);
        }
    }

    /// Returns whether this thread runs on another node. The interleaved arena and the spare one belong to nobody.
    fn is_remote(&self, home: NodeId) -> bool {
        let nodes = self.node_count();
        nodes > 1 && home.index() < nodes && self.whereabout().own != Some(home)
    }
}
