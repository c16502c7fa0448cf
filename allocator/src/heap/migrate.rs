//! Moving an arena's pages to another node: the addresses stay, so nobody but the kernel notices.
//!
//! Free warm pages are given back first rather than moved. Then every page that is there is looked at, a bounded number per call, so that
//! no lock is held meanwhile and a page that comes or goes in between is none the worse. The region stays bound to its own node: what
//! is allocated later lies there again.

use super::Heap;
use crate::base::units::NodeId;
use crate::stats::{Migration, NumaError};
use crate::sys::numa::{self, BATCH};

impl Heap {
    /// Moves the pages of one node's arena to another node; both by the kernel's numbers.
    pub fn migrate(&self, from: usize, to: usize) -> Result<Migration, NumaError> {
        let source = self.usable_node(from)?;
        self.usable_node(to)?;
        self.node(source).arena.trim(0);
        let pages = self.node(source).arena.region().pages() as usize;
        let mut sum = Migration::default();
        self.each_batch(source, 0..pages, |batch| self.migrate_batch(batch, to, &mut sum))?;
        Ok(sum)
    }

    fn usable_node(&self, system_id: usize) -> Result<NodeId, NumaError> {
        let node = if self.enter() { self.node_with(system_id) } else { None };
        node.ok_or(NumaError::NoSuchNode(system_id))
    }

    /// Only pages that are there and lie elsewhere are asked to move, so that each can be told from those that had not to.
    fn migrate_batch(&self, batch: &[usize], to: usize, sum: &mut Migration) -> Result<(), NumaError> {
        let places = self.ask_kernel(|| numa::places_of(batch))?;
        let (mut moving, mut len) = ([0; BATCH], 0);
        for (&page, &place) in batch.iter().zip(&places) {
            sum.present += usize::from(place >= 0);
            sum.there_already += usize::from(place == to as i32);
            if place >= 0 && place != to as i32 {
                moving[len] = page;
                len += 1;
            }
        }
        if len == 0 {
            return Ok(());
        }
        let moved = self.ask_kernel(|| numa::move_to(&moving[..len], to))?;
        moved[..len].iter().for_each(|&place| tally(sum, place, to));
        Ok(())
    }
}

/// The kernel's word on one page.
fn tally(sum: &mut Migration, place: i32, to: usize) {
    if place == -libc::ENOENT {
        // It was given back meanwhile.
        sum.present -= 1;
        return;
    }
    let counter = match -place {
        _ if place == to as i32 => &mut sum.moved,
        libc::EBUSY | libc::EAGAIN => &mut sum.busy,
        libc::ENOMEM => &mut sum.no_memory,
        libc::EACCES => &mut sum.shared,
        _ => &mut sum.refused,
    };
    *counter += 1;
}
