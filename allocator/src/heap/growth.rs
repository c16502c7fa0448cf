//! Memory that goes back because memory grows.
//!
//! A magazine in a depot keeps the slabs of its rounds from becoming empty. When a program goes over to objects of other sizes, its depots fill with the old
//! sizes while slabs of the new sizes take fresh pages, and at the peak the process holds both. So a CPU that takes fresh pages takes back magazines
//! that its depots did not need lately, up to eight times as many bytes as it took, a few magazines at a time (direct reclaim: Linux `mm/vmscan.c`).

use super::Heap;
use crate::base::units::{NodeId, PAGE};

/// Most magazines taken back at a time: a bound on how long it takes.
const MOST_MAGAZINES: usize = 8;
/// Bytes taken back for each byte of growth: with fewer, a program that changes its sizes often grows a little each time.
const SHARE: usize = 8;

impl Heap {
    /// After this CPU took `fresh` pages of a node that have no memory yet.
    pub(super) fn reclaim_for_growth(&self, id: NodeId, fresh: u32) {
        if fresh == 0 {
            return;
        }
        let (node, cpu, grown) = (self.node(id), self.cpus.present_slot(), fresh as usize * PAGE);
        let mut bytes = 0;
        for (class, magazine) in node.depots.surplus_of_growth(cpu, grown).take(MOST_MAGAZINES) {
            bytes += magazine.len(class) as usize * class.size();
            // Nothing was freed: the pages are for this program to use, and no reason to start a helper thread.
            self.return_to_slabs(id, class, magazine);
            if bytes >= grown * SHARE {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::super::place::tests::tree;
    use super::*;
    use crate::base::units::Class;
    extern crate std;
    use std::vec::Vec;

    const SIZE: usize = 1000;
    const LARGE: usize = 1 << 20;

    /// A thread of a full node takes pages of the next one, and it is that one that grows.
    #[test]
    fn a_node_that_gives_pages_to_another_ones_thread_takes_back() {
        let (heap, root) = (Heap::new(), tree("growth"));
        assert!(heap.boot_as(&Shape::read(root.to_str().unwrap(), 128 << 20)));
        std::fs::remove_dir_all(&root).unwrap();
        let class = Class::for_layout(SIZE, 16).unwrap();
        let in_depots = || heap.node(NodeId(1)).depots.figures(class).1 as usize * class.size();
        let objects: Vec<_> = (0..2 * LARGE / SIZE).map(|_| heap.alloc_on(1, SIZE, 16)).collect();
        objects.into_iter().for_each(|object| heap.free(object));
        let before = in_depots();
        assert!(before > LARGE, "{before} bytes");
        heap.mark_full(0);
        for _ in 0..20 {
            let object = heap.alloc_on(0, LARGE, 16);
            assert_eq!(heap.node_of(object), Some(1));
        }
        assert!(in_depots() < before / 2, "{} of {before} bytes are left", in_depots());
    }
}
