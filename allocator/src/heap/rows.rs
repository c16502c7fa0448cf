//! Hits with several nodes.
//!
//! The windows and sequences are the same, but reached by the row of a node: `malloc` pops from the row of the node where the thread runs
//! now, `free` pushes to the row of the node where the object lies. Rows are **plain** iff that holds for every thread; otherwise some
//! threads have a memory policy of their own, and each `malloc` checks whether its thread is one of them ([`threads`](super::threads)). C's
//! `malloc` and `free` find plain rows by themselves ([`cpu`](crate::cpu)). This module serves the other calls. Between their look at the
//! node and the sequence the thread may be moved; then it pops an object of the node it has just left.

use super::Heap;
use super::whereabouts::Whereabout;
use crate::base::sync::Ordering;
use crate::base::units::Class;
use crate::region::Object;
use crate::sys::topology::MAX_CPUS;

impl Heap {
    /// Tells the hit path about each node's region and each CPU's home.
    pub(super) fn begin_rows(&self) {
        self.cpus.begin_rows(self.regions_base.load(Ordering::Relaxed), self.region_len.load(Ordering::Relaxed));
        for id in self.all_nodes() {
            self.cpus.begin_row(id.index(), self.node(id).arena.region());
        }
        for cpu in 0..MAX_CPUS {
            if let Some(place) = self.whereabouts.of_cpu(cpu) {
                self.cpus.set_home(cpu, place.home.index());
            }
        }
    }

    /// Notes where threads on a CPU should get their memory from.
    pub(super) fn note_whereabout(&self, cpu: usize, place: Whereabout) {
        self.whereabouts.note(cpu, place);
        self.cpus.set_home(cpu, place.home.index());
    }

    /// Pops an object from this CPU's window in the present node's row.
    #[inline(always)]
    pub(super) fn pop_by_row(&self, size: usize, align: usize) -> Option<Object> {
        let class = Class::for_layout(size, align)?;
        if self.cpus.has_plain_rows() { self.cpus.pop_at_home(class) } else { self.pop_by_policy(class) }
    }

    /// The same where some threads have a memory policy of their own. Returns `None` where rows are closed.
    #[cold]
    fn pop_by_policy(&self, class: Class) -> Option<Object> {
        if !self.cpus.has_open_rows() {
            return None;
        }
        let node = self.node_of_thread().unwrap_or_else(|| self.present_node());
        self.cpus.pop(node.index(), class)
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::tests::tree;
    use super::super::{Heap, Shape};
    use crate::base::units::NodeId;
    extern crate std;

    #[test]
    fn links_lead_to_where_objects_of_their_row_may_lie() {
        let (heap, root) = (Heap::new(), tree("links"));
        assert!(heap.boot_as(&Shape::read(root.to_str().unwrap(), 64 << 20)));
        std::fs::remove_dir_all(&root).unwrap();
        let objects = [0, 1].map(|node| heap.alloc_on(node, 100, 16) as u64);
        for (row, object) in objects.into_iter().enumerate() {
            let links = heap.cpus.links(row);
            let end = heap.node(NodeId(row as u8)).arena.region().end() as u64;
            assert_eq!([object, 0, end - 8].map(|link| links.leads_to(link)), [true; 3]);
            assert_eq!([objects[1 - row], object + 1, end].map(|link| links.leads_to(link)), [false; 3]);
        }
    }
    #[test]
    fn a_bound_that_is_stale_is_put_right_when_rows_are_looked_at_again() {
        let (heap, root) = (Heap::new(), tree("stale"));
        heap.settings().read("numa:interleave");
        assert!(heap.boot_as(&Shape::read(root.to_str().unwrap(), 64 << 20)));
        std::fs::remove_dir_all(&root).unwrap();
        let has_hits = heap.cpus.has_plain_rows();
        assert_eq!(heap.has_open_hits(), has_hits, "all threads are served from one arena");
        heap.cpus.shut_hits();
        heap.cpus.keep_rows_plain(true);
        assert_eq!(heap.has_open_hits(), has_hits);
        heap.cpus.keep_rows_plain(false);
        assert!(!heap.has_open_hits() && !heap.cpus.has_plain_rows());
    }
}
