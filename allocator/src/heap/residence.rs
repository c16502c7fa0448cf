//! Looking at the nodes: their figures, and where their pages really lie.

use super::Heap;
use super::migrate::each_batch;
use crate::base::sync::Ordering;
use crate::base::units::{Class, NodeId, PAGE};
use crate::stats::{NodeStats, NumaError, NumaPolicy, RESIDENCE_NODES, Refusal, Residence};
use crate::sys::Errno;
use crate::sys::numa::{self, NumaCall};

/// Pages asked about in one call: a thread that prints figures may have little stack.
const ASKED: usize = 128;

impl Heap {
    /// The memory policy that was carried out at boot.
    pub fn numa_policy(&self) -> NumaPolicy {
        self.enter();
        self.policy()
    }

    /// The NUMA calls that were refused.
    pub fn numa_refusals(&self) -> impl Iterator<Item = Refusal> + '_ {
        let refusal = |call: NumaCall| Refusal { call: call.name(), errno: self.refusals.errno_of(call) };
        NumaCall::ALL.into_iter().map(refusal).filter(|refusal| refusal.errno != 0)
    }

    /// Number of arenas that [`Heap::node_stats`] reports: one for each node, then the interleaved one if there are several.
    pub fn arena_count(&self) -> usize {
        if self.enter() { self.spare().index() } else { 0 }
    }

    /// The figures of an arena.
    pub fn node_stats(&self, index: usize) -> Option<NodeStats> {
        let id = self.regular(index)?;
        let node = self.node(id);
        let bytes = |pages: u32| pages as usize * PAGE;
        let (warm, zero) = node.arena.free_pages();
        let slab_pages = |class: Class| node.slabs.figures(class).slabs * class.info().slab_pages;
        let (large_pages, _) = node.arena.large_in_use();
        Some(NodeStats {
            node: (index < self.node_count()).then(|| self.system_id(id)),
            base: node.arena.region().base(),
            committed: bytes(node.arena.region().pages()),
            used: large_pages as usize * PAGE + bytes(Class::all().map(slab_pages).sum()),
            warm: bytes(warm),
            zero: bytes(zero),
            counts: node.counters.read(),
        })
    }

    fn regular(&self, index: usize) -> Option<NodeId> {
        (index < self.arena_count()).then_some(NodeId(index as u8))
    }

    /// Asks the kernel where about `samples` of an arena's committed pages lie, at even distances.
    pub fn residence(&self, index: usize, samples: usize) -> Result<Residence, NumaError> {
        let mut sum = Residence::NONE;
        let Some(id) = self.regular(index) else { return Ok(sum) };
        let region = self.node(id).arena.region();
        let pages = region.pages() as usize;
        let stride = pages.div_ceil(samples.max(1)).max(1);
        each_batch::<ASKED>((0..pages).step_by(stride).map(|page| region.base() + page * PAGE), |batch| {
            let mut places = [0; ASKED];
            self.ask_kernel(|| numa::places_of(batch, &mut places))?;
            places[..batch.len()].iter().for_each(|&place| self.add_place(&mut sum, id, place));
            Ok(())
        })?;
        Ok(sum)
    }

    fn add_place(&self, sum: &mut Residence, id: NodeId, place: i32) {
        sum.asked += 1;
        let Ok(system_id) = usize::try_from(place) else { return };
        sum.present += 1;
        if let Some(count) = sum.by_node.get_mut(system_id).filter(|_| system_id < RESIDENCE_NODES) {
            *count += 1;
        }
        let home = self.node_with(system_id);
        let interleaved = id.index() == self.node_count();
        sum.at_home += usize::from(if interleaved {
            home.is_some_and(|home| self.is_spread_over(home))
        } else {
            home == Some(id)
        });
    }

    pub(super) fn is_spread_over(&self, node: NodeId) -> bool {
        let among = self.spread.load(Ordering::Relaxed);
        self.nodes_from(NodeId(self.node_count() as u8)).skip(1).take(among).any(|other| other == node)
    }

    /// Makes a `move_pages` call, unless the system has refused it before.
    pub(super) fn ask_kernel<T>(&self, call: impl FnOnce() -> Result<T, Errno>) -> Result<T, NumaError> {
        self.refusals.attempt(NumaCall::MovePages, call).map_err(refused)
    }

    /// The same for a call that moves pages to a node.
    pub(super) fn have_moved(&self, call: impl FnOnce() -> Result<(), Errno>) -> Result<(), NumaError> {
        self.refusals.attempt_on_nodes(NumaCall::MovePages, call).map_err(refused)
    }
}

fn refused(errno: Errno) -> NumaError {
    NumaError::Refused(errno.0 as u32)
}
