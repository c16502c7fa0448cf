//! Where addresses are scarce: `ulimit -v`, from the start or since the program bounded them itself.
//!
//! *From the start*: a region gets three quarters of what there is. When a mapping finds no place, regions give up addresses for it that they have not
//! grown into.
//!
//! *Later*: a region is far longer than the machine's memory. If the program bounds its addresses then (`RLIMIT_AS`), there is no room for anything else, a
//! thread's stack or a library, and what lies in a region meets no bound. So regions and their tables give up all that they have not grown into. The C face
//! tells when a program sets the bound; otherwise it is found when a mapping is refused.
//!
//! Who grows beyond what is left reserves what was given up again, a piece at a time, where nobody else has it by now. Such pieces have no memory policy,
//! and no advice about huge pages but what growth says.

use super::Heap;
use super::boot::MUCH_SPACE;
use crate::base::sync::{AtomicUsize, Ordering};
use crate::base::units::{MAX_RUN_PAGES, PAGE};
use crate::sys::limit::LIMIT;
use crate::sys::syscall;
use crate::sys::vm::{Reserve, Span};

/// What is known of them.
#[derive(Debug)]
pub(super) struct Addresses {
    /// Bytes that each region had at the start, or that the process may have since it said so; 0: they are not scarce.
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

    fn become_scarce(&self, bytes: usize) {
        self.scarce.store(bytes.max(1), Ordering::Relaxed);
        self.around.iter().for_each(Reserve::abandon);
    }

    fn scarce(&self) -> usize {
        self.scarce.load(Ordering::Relaxed)
    }
}

impl Heap {
    /// Whether the regions give up addresses for a mapping of so many bytes that found no place: as many, or half of what they have. Not for what a
    /// region could serve, nor for what would find no place without them.
    #[cold]
    pub(super) fn gives_up_addresses(&self, bytes: usize) -> bool {
        let len = self.addresses.scarce();
        if len == 0 {
            return self.heed_address_limit();
        }
        let may_help = (MAX_RUN_PAGES as usize * PAGE + 1..=len / 8 * 7).contains(&bytes);
        let give_up = |id| self.node(id).arena.give_up(bytes);
        may_help && !LIMIT.lacks(bytes) && self.regular_nodes().map(give_up).max() == Some(true)
    }

    /// If the process's addresses are bounded and were not at the start, gives up what the regions have not grown into; whether it did. Does nothing in
    /// a child that may share its parent's memory.
    pub fn heed_address_limit(&self) -> bool {
        let limit = syscall::address_space_limit();
        if limit == usize::MAX || self.addresses.scarce() != 0 || !self.boot.is_open() || self.family.may_be_shared() {
            return false;
        }
        // In a signal handler that interrupted who holds a lock there is another time.
        if !self.enter() || self.holds_any() {
            return false;
        }
        self.addresses.become_scarce(limit);
        self.all_nodes().for_each(|id| self.node(id).give_up_unused());
        self.huge.pages.save_addresses();
        self.huge.release_addresses();
        true
    }
}
