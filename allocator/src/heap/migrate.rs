//! Moving memory to another node: the addresses stay, so nobody but the kernel notices.
//!
//! | | pages that are to move |
//! |---|---|
//! | the node's arena | all, wherever they lie |
//! | the interleaved arena, and huge objects | those that lie on the node |
//!
//! Free warm pages are given back first rather than moved. Then every page that is present is looked at, a bounded number per call, so that
//! no lock is held meanwhile and a page that comes or goes in between does no harm. A page that the kernel itself is moving at that moment,
//! to make room for a huge one, is nowhere for that moment, as if it had never been touched. So all pages are looked at again until none
//! comes late or the target node is full, at most [`PASSES`] times. Regions stay bound as they were: what is allocated later lies there
//! again.

use super::Heap;
use super::node::Node;
use crate::base::units::{NodeId, PAGE};
use crate::stats::{Migration, NumaError};
use crate::sys::numa::{self, BATCH};
use core::ops::Range;

/// How often all pages are looked at, at most.
const PASSES: usize = 4;

/// What should move, and where.
#[derive(Clone, Copy, Debug)]
struct Order {
    /// Only pages that lie on this node are looked at; all if `None`.
    from: Option<i32>,
    to: i32,
    /// Only pages that do not yet lie on the target node are looked at: the others were counted before.
    again: bool,
}

impl Order {
    fn concerns(&self, place: i32) -> bool {
        place >= 0 && self.from.is_none_or(|from| place == from) && !(self.again && place == self.to)
    }
}

impl Heap {
    /// Moves the pages of one node's arena, and whatever else lies on that node, to another node. Both are the kernel's numbers.
    pub fn migrate(&self, from: usize, to: usize) -> Result<Migration, NumaError> {
        let source = self.usable_node(from)?;
        self.usable_node(to)?;
        self.arenas_of_migration(source).for_each(|id| {
            self.node(id).arena.trim(0);
        });
        let Node { arena, room, .. } = self.node(source);
        room.forget(arena);
        let mut sum = self.migration_pass(source, from, to, false)?;
        for _ in 1..PASSES {
            if sum.no_memory > 0 {
                break;
            }
            let late = self.migration_pass(source, from, to, true)?;
            sum = after_another_pass(sum, late);
            if late.moved == 0 {
                break;
            }
        }
        Ok(sum)
    }

    /// The node's arena, then the interleaved one if there are several nodes.
    fn arenas_of_migration(&self, source: NodeId) -> impl Iterator<Item = NodeId> {
        let nodes = self.node_count();
        core::iter::once(source).chain((nodes > 1).then_some(NodeId(nodes as u8)))
    }

    fn migration_pass(&self, source: NodeId, from: usize, to: usize, again: bool) -> Result<Migration, NumaError> {
        let mut sum = Migration::default();
        let all = Order { from: None, to: to as i32, again };
        let those_there = Order { from: Some(from as i32), ..all };
        for id in self.arenas_of_migration(source) {
            let region = self.node(id).arena.region();
            let pages = region.base()..region.base() + region.pages() as usize * PAGE;
            self.migrate_range(pages, if id == source { all } else { those_there }, &mut sum)?;
        }
        for index in 0..self.huge.places.len() {
            if let Some(object) = self.huge.places.object_at(index) {
                self.migrate_range(object, those_there, &mut sum)?;
            }
        }
        Ok(sum)
    }

    fn usable_node(&self, system_id: usize) -> Result<NodeId, NumaError> {
        let node = if self.enter() { self.node_with(system_id) } else { None };
        node.ok_or(NumaError::NoSuchNode(system_id))
    }

    fn migrate_range(&self, addresses: Range<usize>, order: Order, sum: &mut Migration) -> Result<(), NumaError> {
        each_batch::<BATCH>(addresses.step_by(PAGE), |batch| self.migrate_batch(batch, order, sum))
    }

    /// Only pages that are present and lie elsewhere are asked to move, so that each can be told from those that did not have to.
    fn migrate_batch(&self, batch: &mut [usize], order: Order, sum: &mut Migration) -> Result<(), NumaError> {
        let mut places = [0; BATCH];
        self.ask_kernel(|| numa::places_of(batch, &mut places))?;
        // Those that should move come to the front.
        let mut len = 0;
        for (index, &place) in (0..batch.len()).zip(&places).filter(|(_, place)| order.concerns(**place)) {
            sum.present += 1;
            sum.there_already += usize::from(place == order.to);
            if place != order.to {
                batch.swap(len, index);
                len += 1;
            }
        }
        if len == 0 {
            return Ok(());
        }
        self.have_moved(|| numa::move_to(&batch[..len], order.to as usize, &mut places))?;
        places[..len].iter().for_each(|&place| tally(sum, place, order.to));
        Ok(())
    }
}

/// The figures of all passes: a later pass counts every page that does not lie on the target node when it is looked at.
fn after_another_pass(before: Migration, late: Migration) -> Migration {
    let moved = before.moved + late.moved;
    let present = before.moved + before.there_already + late.present;
    Migration { present, moved, there_already: before.there_already, ..late }
}

/// Calls `each` with batches of pages, in an array that it may reorder.
pub(super) fn each_batch<const SIZE: usize>(
    pages: impl Iterator<Item = usize>,
    mut each: impl FnMut(&mut [usize]) -> Result<(), NumaError>,
) -> Result<(), NumaError> {
    let (mut batch, mut len) = ([0; SIZE], 0);
    for page in pages {
        batch[len] = page;
        len += 1;
        if len == SIZE {
            each(&mut batch)?;
            len = 0;
        }
    }
    if len > 0 { each(&mut batch[..len]) } else { Ok(()) }
}

/// Counts the kernel's answer for one page.
fn tally(sum: &mut Migration, place: i32, to: i32) {
    if place == -libc::ENOENT {
        // It was given back meanwhile.
        sum.present -= 1;
        return;
    }
    let counter = match -place {
        _ if place == to => &mut sum.moved,
        libc::EBUSY | libc::EAGAIN => &mut sum.busy,
        libc::ENOMEM => &mut sum.no_memory,
        libc::EACCES => &mut sum.shared,
        _ => &mut sum.refused,
    };
    *counter += 1;
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::super::place::tests::tree;
    use super::*;
    use crate::sys::topology::Topology;
    extern crate std;

    #[test]
    fn a_target_that_is_not_there_is_no_refusal() {
        let (heap, root) = (Heap::new(), tree("migrate"));
        let topology = Topology::read(root.to_str().unwrap());
        assert!(heap.boot_as(&Shape { topology, region_len: 8 << 20 }));
        std::fs::remove_dir_all(&root).unwrap();
        heap.free(heap.alloc(64, 16));
        // On a machine with one node the second is only described; on one with two, or in a sandbox, this tells nothing.
        let outcome = heap.migrate(0, 1);
        let refusals = heap.numa_refusals().filter(|refusal| refusal.call == "move_pages");
        let errnos = [libc::EPERM as u32, libc::ENOSYS as u32];
        assert!(refusals.into_iter().all(|refusal| errnos.contains(&refusal.errno)), "{outcome:?}");
    }
}
