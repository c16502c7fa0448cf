//! Moving memory to another node: the addresses stay, so nobody but the kernel notices.
//!
//! | | pages that are to move |
//! |---|---|
//! | the node's arena | all, wherever they lie |
//! | the interleaved arena, and huge objects | those that lie on the node |
//!
//! Free warm pages are given back first rather than moved. Then every page that is there is looked at, a bounded number per call, so that
//! no lock is held meanwhile and a page that comes or goes in between is none the worse. Regions stay bound as they were: what
//! is allocated later lies there again.

use super::Heap;
use crate::base::units::{NodeId, PAGE};
use crate::stats::{Migration, NumaError};
use crate::sys::numa::{self, BATCH};
use core::ops::Range;

/// What is to move, and where.
#[derive(Clone, Copy, Debug)]
struct Order {
    /// Only pages that lie there are looked at; all if none.
    from: Option<i32>,
    to: i32,
}

impl Order {
    fn concerns(&self, place: i32) -> bool {
        place >= 0 && self.from.is_none_or(|from| place == from)
    }
}

impl Heap {
    /// Moves the pages of one node's arena, and what else lies on that node, to another node; both by the kernel's numbers.
    pub fn migrate(&self, from: usize, to: usize) -> Result<Migration, NumaError> {
        let source = self.usable_node(from)?;
        self.usable_node(to)?;
        let mut sum = Migration::default();
        let all = Order { from: None, to: to as i32 };
        let those_there = Order { from: Some(from as i32), to: to as i32 };
        self.migrate_arena(source, all, &mut sum)?;
        if self.node_count() > 1 {
            self.migrate_arena(NodeId(self.node_count() as u8), those_there, &mut sum)?;
        }
        for index in 0..self.huge.places() {
            if let Some(object) = self.huge.object_at(index) {
                self.migrate_range(object, those_there, &mut sum)?;
            }
        }
        Ok(sum)
    }

    fn usable_node(&self, system_id: usize) -> Result<NodeId, NumaError> {
        let node = if self.enter() { self.node_with(system_id) } else { None };
        node.ok_or(NumaError::NoSuchNode(system_id))
    }

    fn migrate_arena(&self, id: NodeId, order: Order, sum: &mut Migration) -> Result<(), NumaError> {
        let arena = &self.node(id).arena;
        arena.trim(0);
        let base = arena.region().base();
        self.migrate_range(base..base + arena.region().pages() as usize * PAGE, order, sum)
    }

    fn migrate_range(&self, addresses: Range<usize>, order: Order, sum: &mut Migration) -> Result<(), NumaError> {
        each_batch(addresses.step_by(PAGE), |batch| self.migrate_batch(batch, order, sum))
    }

    /// Only pages that are there and lie elsewhere are asked to move, so that each can be told from those that had not to.
    fn migrate_batch(&self, batch: &[usize], order: Order, sum: &mut Migration) -> Result<(), NumaError> {
        let places = self.ask_kernel(|| numa::places_of(batch))?;
        let (mut moving, mut len) = ([0; BATCH], 0);
        for (&page, &place) in batch.iter().zip(&places).filter(|(_, place)| order.concerns(**place)) {
            sum.present += 1;
            sum.there_already += usize::from(place == order.to);
            if place != order.to {
                moving[len] = page;
                len += 1;
            }
        }
        if len == 0 {
            return Ok(());
        }
        let moved = self.ask_kernel(|| numa::move_to(&moving[..len], order.to as usize))?;
        moved[..len].iter().for_each(|&place| tally(sum, place, order.to));
        Ok(())
    }
}

/// Calls `each` with so many pages at a time.
pub(super) fn each_batch(
    pages: impl Iterator<Item = usize>,
    mut each: impl FnMut(&[usize]) -> Result<(), NumaError>,
) -> Result<(), NumaError> {
    let (mut batch, mut len) = ([0; BATCH], 0);
    for page in pages {
        batch[len] = page;
        len += 1;
        if len == BATCH {
            each(&batch)?;
            len = 0;
        }
    }
    if len > 0 { each(&batch[..len]) } else { Ok(()) }
}

/// The kernel's word on one page.
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
