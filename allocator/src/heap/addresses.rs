//! Where addresses are scarce: `ulimit -v`, from the start or since the program bounded them itself.
//!
//! At the start a region gets three quarters of what there is. When a mapping finds no place, regions give up addresses for it that they have not grown
//! into. Where there is no bound a region is far longer than the machine's memory; if the program sets one then (`RLIMIT_AS`), there is no room for anything
//! else, a thread's stack or a library, and what lies in a region meets no bound. So regions keep what they have grown into then, and half of what the
//! bound leaves, or three quarters but for [`OTHERS`]; huge objects and the program's own mappings have the rest. From then on addresses are scarce. The
//! C face tells when a program sets the bound; otherwise it is found when a mapping is refused.
//!
//! Who grows beyond what is left reserves what was given up again, a piece at a time, where nobody else has it by now: the huge object may be gone, or the bound
//! lifted, which is looked up when the program says so and before memory is refused. Such pieces have no memory policy, and no advice about huge pages but
//! what growth says.

use super::Heap;
use super::boot::MUCH_SPACE;
use crate::base::sync::{AtomicUsize, Ordering};
use crate::base::units::{MAX_RUN_PAGES, NodeId, PAGE};
use crate::sys::limit::LIMIT;
use crate::sys::syscall;
use crate::sys::vm::{Reserve, Span};

/// What a program may be taken to have mapped itself: to look it up is to open a file, for which a sandbox may kill.
const OTHERS: usize = 128 << 20;
/// The spare node's part of a region's.
const SPARE_SHARE: usize = 16;

/// What is known of them.
#[derive(Debug)]
pub(super) struct Addresses {
    /// Bytes that each region had when they became scarce; 0: they are not.
    scarce: AtomicUsize,
    /// The process's bound as the regions know it.
    limit: AtomicUsize,
    /// What lies before the regions' tables and behind the regions, of no use but that it is not given back.
    around: [Reserve; 2],
}

impl Addresses {
    pub(super) const fn new() -> Addresses {
        let around = [const { Reserve::new() }; 2];
        Addresses { scarce: AtomicUsize::new(0), limit: AtomicUsize::new(usize::MAX), around }
    }

    /// Regions of `len` bytes were reserved, and `around` them what is left over. Where they are short that goes back.
    pub(super) fn settle(&self, len: usize, around: [Span; 2]) {
        self.around.iter().zip(around).for_each(|(place, span)| place.adopt(span));
        if len < MUCH_SPACE {
            self.become_scarce(len);
        }
    }

    fn become_scarce(&self, len: usize) {
        self.scarce.store(len.max(1), Ordering::Relaxed);
        self.around.iter().for_each(Reserve::abandon);
    }
}

impl Heap {
    /// Whether the regions give up addresses for a mapping of so many bytes that found no place: as many, or half of what they have. Not for what a
    /// region could serve, nor for what would find no place without them.
    #[cold]
    pub(super) fn gives_up_addresses(&self, bytes: usize) -> bool {
        let len = self.addresses.scarce.load(Ordering::Relaxed);
        if len == 0 {
            return self.heed_address_limit();
        }
        let may_help = (MAX_RUN_PAGES as usize * PAGE + 1..=len / 8 * 7).contains(&bytes);
        let give_up = |id| self.node(id).arena.give_up(bytes);
        may_help && !LIMIT.lacks(bytes) && self.regular_nodes().map(give_up).max() == Some(true)
    }

    /// Makes the regions as long as the bound of the process's addresses lets them be, if that has changed since the start; whether it had. Does nothing in
    /// a child that may share its parent's memory, and where addresses were scarce at the start.
    pub fn heed_address_limit(&self) -> bool {
        let limit = syscall::address_space_limit();
        if limit == self.addresses.limit.load(Ordering::Relaxed) || self.region_len.load(Ordering::Relaxed) < MUCH_SPACE
        {
            return false;
        }
        if !self.boot.is_open() || self.family.may_be_shared() || !self.enter() {
            return false;
        }
        self.addresses.limit.store(limit, Ordering::Relaxed);
        let left = limit.saturating_sub(self.bytes_needed());
        let each = (left / 2).max(left.saturating_sub(OTHERS) / 4 * 3) / self.regular_nodes().count().max(1);
        let bound =
            |id: NodeId| self.node(id).bound_addresses(if id == self.spare() { each / SPARE_SHARE } else { each });
        let has_changed = self.all_nodes().fold(false, |before, id| bound(id) || before);
        if limit != usize::MAX && has_changed {
            self.addresses.become_scarce(each);
            self.huge.pages.save_addresses();
            self.huge.release_addresses();
        }
        has_changed
    }

    /// Bytes of addresses that are in use, as far as they are larder's.
    fn bytes_needed(&self) -> usize {
        let of_node = |id| self.node(id).arena.region().pages() as usize * PAGE + self.node(id).metadata_committed();
        self.all_nodes().map(of_node).sum::<usize>() + self.huge.places.in_use().0 as usize
    }
}
