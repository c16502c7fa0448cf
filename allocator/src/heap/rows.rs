//! Hits with several nodes: the hit path knows a single one.
//!
//! The same windows and sequences, reached by the row of a node: `malloc` pops from the row of the node the thread runs on now, `free`
//! pushes to the row of the node the object lies in. Between the look at the node and the sequence the thread may be moved; then it pops
//! an object of the node it has just left.

use super::Heap;
use crate::base::classes::MAX_MEDIUM;
use crate::base::units::{Class, MIN_ALIGN};
use crate::region::Object;

impl Heap {
    /// An object from this CPU's window in the present node's row.
    #[inline(always)]
    pub(super) fn pop_by_row(&self, size: usize, align: usize) -> Option<Object> {
        if !self.cpus.has_open_rows() || size > MAX_MEDIUM || align > MIN_ALIGN {
            return None;
        }
        let class = Class::for_layout(size, align)?;
        self.cpus.pop(self.present_node().index(), class)
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
