//! Where addresses are scarce: under `ulimit -v` from the start, or since the program has bounded its own addresses.
//!
//! *From the start*: the nodes' regions get three quarters of the addresses there are. When a mapping finds no room, regions give up
//! addresses that they have not grown into.
//!
//! *Later*: a region is far longer than the machine's memory. If the program then bounds its addresses (`RLIMIT_AS`), or lowers a bound
//! that it had, the reservation leaves no room for anything else, such as a thread's stack or a library, and the objects in a region are
//! not bounded at all. So regions and their tables give up everything they have not grown into. The C face reports when a program sets the
//! bound; a bound set in another way is discovered when a mapping finds no addresses. Only then does larder ask for it, and not if it knows
//! of a bound already: a sandbox may kill for the question.
//!
//! A region or table that grows beyond what it has left reserves the addresses it gave up again, a piece at a time, unless somebody else
//! has taken them by then. Such pieces have no memory policy, and no advice about huge pages except what growth says.

use super::Heap;
use super::boot::MUCH_SPACE;
use crate::base::sync::{AtomicUsize, Ordering};
use crate::base::units::{ADDRESSES, HUGE_PAGE, MAX_RUN_PAGES, PAGE};
use crate::sys::limit::LIMIT;
use crate::sys::syscall;
use crate::sys::vm::{Reserve, Span};

/// What the heap knows of its addresses.
#[derive(Debug)]
pub(super) struct Addresses {
    /// The complement of the bound on the process's addresses that was last seen, so that all zero is no bound.
    bound: AtomicUsize,
    /// The addresses before the regions' tables and after the regions. They are of no use; keeping them saves the calls that give them
    /// back.
    around: [Reserve; 2],
}

impl Addresses {
    pub(super) const fn new() -> Addresses {
        Addresses { bound: AtomicUsize::new(0), around: [const { Reserve::new() }; 2] }
    }

    /// Takes over the addresses left over `around` regions of `len` bytes. They are given back if the regions are short.
    pub(super) fn settle(&self, len: usize, around: [Span; 2]) {
        self.around.iter().zip(around).for_each(|(place, span)| place.adopt(span));
        if len < MUCH_SPACE {
            self.give_up_around();
        }
    }

    fn give_up_around(&self) {
        self.around.iter().for_each(Reserve::abandon);
    }

    /// Notes the bound, in bytes (`usize::MAX`: none).
    pub(super) fn know(&self, bound: usize) {
        self.bound.store(!bound, Ordering::Relaxed);
    }

    /// The bound that was last seen.
    pub(super) fn bound(&self) -> usize {
        !self.bound.load(Ordering::Relaxed)
    }
}

impl Heap {
    /// Makes the regions give up addresses for a mapping of `bytes` bytes that was refused, if it lacks addresses and might have them.
    /// Returns whether a region gave any up.
    #[cold]
    pub(super) fn gives_up_addresses(&self, bytes: usize) -> bool {
        let bound = self.addresses.bound();
        if bytes > bound.min(ADDRESSES / 2) || LIMIT.lacks(bytes) || has_addresses(bytes) {
            return false;
        }
        (bound == usize::MAX && self.heed_address_limit()) || self.regions_give_up(bytes)
    }

    /// Where addresses are scarce, makes each region give up `bytes` bytes, or half of what it has not grown into. Does nothing for a size
    /// that a region could serve, or that would find no room even without the regions. Returns whether a region gave any up.
    fn regions_give_up(&self, bytes: usize) -> bool {
        let len = self.region_len.load(Ordering::Relaxed);
        let are_scarce = len < MUCH_SPACE || self.addresses.bound() != usize::MAX;
        let may_help = (MAX_RUN_PAGES as usize * PAGE + 1..=len / 8 * 7).contains(&bytes);
        let give_up = |id| self.node(id).arena.give_up(bytes);
        are_scarce && may_help && self.regular_nodes().map(give_up).max() == Some(true)
    }

    /// Returns whether mappings may stand in for each other: all or none are bound to the same node, and their addresses cost nothing.
    pub(super) fn mappings_are_alike(&self) -> bool {
        self.node_count() == 1 && self.addresses.bound() == usize::MAX
    }

    /// Looks whether the process's addresses are bounded. If the bound is lower than the one last seen, gives up what the regions have not
    /// grown into. Returns whether it did. Does nothing in a child that may share its parent's memory.
    pub fn heed_address_limit(&self) -> bool {
        let (limit, known) = (syscall::address_space_limit(), self.addresses.bound());
        if limit == known || !self.boot.is_open() || self.family.may_be_shared() {
            return false;
        }
        // In a signal handler that interrupted the holder of a lock: there will be another time.
        if !self.enter() || self.holds_any() {
            return false;
        }
        self.addresses.know(limit);
        self.huge.pages.may_stand_in(self.mappings_are_alike());
        if limit > known {
            return false;
        }
        self.addresses.give_up_around();
        self.all_nodes().for_each(|id| self.node(id).give_up_unused());
        self.huge.release();
        true
    }
}

/// Returns whether there is room for a mapping of `bytes` bytes at a multiple of a huge page: one without access needs nothing but addresses.
fn has_addresses(bytes: usize) -> bool {
    Span::reserve(bytes, HUGE_PAGE).map(Span::release).is_ok()
}
