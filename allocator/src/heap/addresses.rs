//! Where addresses are scarce: `ulimit -v`, from the start or since the program bounded them itself.
//!
//! At the start a region gets three quarters of what there is. When a mapping finds no place, regions give up addresses for it that they have not grown
//! into. Where there is no bound a region is far longer than the machine's memory; if the program sets one then (`RLIMIT_AS`), there is no room for anything
//! else, a thread's stack or a library, and what lies in a region meets no bound. So regions keep what they have grown into then, and half of what the
//! bound leaves, or three quarters but for [`OTHERS`]; huge objects and the program's own mappings have the rest. From then on addresses are scarce. The
//! C face tells when a program sets the bound; otherwise it is found when a mapping is refused.

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
    /// What lies before the regions' tables and behind the regions, of no use but that it is not given back.
    around: [Reserve; 2],
}

impl Addresses {
    pub(super) const fn new() -> Addresses {
        Addresses { scarce: AtomicUsize::new(0), around: [const { Reserve::new() }; 2] }
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

    /// Gives up what the regions are too long for a bound of the process's addresses, if there is one; whether anything was given up. Does nothing in a child
    /// that may share its parent's memory.
    pub fn heed_address_limit(&self) -> bool {
        let limit = syscall::address_space_limit();
        if limit == usize::MAX || !self.boot.is_open() || self.family.may_be_shared() || !self.enter() {
            return false;
        }
        let left = limit.saturating_sub(self.bytes_needed());
        let each = (left / 2).max(left.saturating_sub(OTHERS) / 4 * 3) / self.regular_nodes().count().max(1);
        let keep = |id: NodeId| {
            self.node(id).keep_addresses(if id == self.spare() { each / SPARE_SHARE } else { each })
        };
        let given_up = self.all_nodes().fold(false, |before, id| keep(id) || before);
        if given_up {
            self.addresses.become_scarce(each);
            self.huge.pages.save_addresses();
            self.huge.release_addresses();
        }
        given_up
    }

    /// Bytes of addresses that are in use, as far as they are larder's.
    fn bytes_needed(&self) -> usize {
        let of_node = |id| self.node(id).arena.region().pages() as usize * PAGE + self.node(id).metadata_committed();
        self.all_nodes().map(of_node).sum::<usize>() + self.huge.places.in_use().0 as usize
    }
}
