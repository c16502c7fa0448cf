//! Hits with several nodes: the hit path knows a single one.
//!
//! The same windows and sequences, reached by the row of a node: `malloc` pops from the row of the node the thread runs on now, `free`
//! pushes to the row of the node the object lies in. Rows are **plain** iff that is so for every thread; else some have a
//! memory policy of their own, and each `malloc` looks whether its thread is one ([`threads`](super::threads)). Between the look at the
//! node and the sequence the thread may be moved; then it pops an object of the node it has just left.

use super::Heap;
use crate::base::classes::MAX_MEDIUM;
use crate::base::units::{Class, MIN_ALIGN, NodeId};
use crate::region::Object;

impl Heap {
    /// An object from this CPU's window in the present node's row.
    #[inline(always)]
    pub(super) fn pop_by_row(&self, size: usize, align: usize) -> Option<Object> {
        if size > MAX_MEDIUM || align > MIN_ALIGN {
            return None;
        }
        let class = Class::for_layout(size, align)?;
        let row = if self.cpus.has_plain_rows() { self.present_node() } else { self.row_of_thread()? };
        self.cpus.pop(row.index(), class)
    }

    /// Where some threads have a memory policy of their own; none where rows are closed.
    #[cold]
    fn row_of_thread(&self) -> Option<NodeId> {
        self.cpus.has_open_rows().then(|| self.node_of_thread().unwrap_or_else(|| self.present_node()))
    }

    /// Pushes what starts a small object on this CPU's window in the row of its node; false if it is none, or if there is no room.
    #[inline(always)]
    pub(super) fn push_by_row(&self, address: usize) -> bool {
        if !self.cpus.has_open_rows() {
            return false;
        }
        let Some(home) = self.home_of(address) else { return false };
        let region = self.node(home).arena.region();
        let Some(page) = region.page_of(address) else { return false };
        let Some(class) = region.entry(page).class_of_object(address) else { return false };
        self.cpus.push(home.index(), class, Object::mint(address)).is_ok()
    }
}
