//! Hits with several nodes: the hit path knows a single one.
//!
//! The same windows and sequences, reached by the row of a node: `malloc` pops from the row of the node the thread runs on now, `free`
//! pushes to the row of the node the object lies in. Rows are **plain** iff that is so for every thread; else some have a
//! memory policy of their own, and each `malloc` looks whether its thread is one ([`threads`](super::threads)). C's `malloc` and `free` find plain rows
//! by themselves ([`cpu`](crate::cpu)); here are the other calls, between whose look at the node and sequence the thread may be moved; then it pops an
//! object of the node it has just left.

use super::Heap;
use super::whereabouts::Whereabout;
use crate::base::units::Class;
use crate::region::Object;
use crate::sys::topology::MAX_CPUS;

impl Heap {
    /// Tells the hit path of each node's region and of each CPU's home.
    pub(super) fn begin_rows(&self) {
        for id in self.all_nodes() {
            let region = self.node(id).arena.region();
            self.cpus.begin_row(id, region);
            self.cpus.show_row(id, region);
        }
        for cpu in 0..MAX_CPUS {
            if let Some(place) = self.whereabouts.of_cpu(cpu) {
                self.cpus.set_home(cpu, place.home);
            }
        }
    }

    /// Notes where threads on a CPU are to have their memory from.
    pub(super) fn note_whereabout(&self, cpu: usize, place: Whereabout) {
        self.whereabouts.note(cpu, place);
        self.cpus.set_home(cpu, place.home);
    }

    /// An object from this CPU's window in the present node's row.
    #[inline(always)]
    pub(super) fn pop_by_row(&self, size: usize, align: usize) -> Option<Object> {
        let class = Class::for_layout(size, align)?;
        if self.cpus.has_plain_rows() { self.cpus.pop_at_home(class) } else { self.pop_by_policy(class) }
    }

    /// Where some threads have a memory policy of their own; none where rows are closed.
    #[cold]
    fn pop_by_policy(&self, class: Class) -> Option<Object> {
        let row = |()| self.node_of_thread().unwrap_or_else(|| self.present_node()).index();
        self.cpus.pop(self.cpus.has_open_rows().then_some(()).map(row)?, class)
    }
}
