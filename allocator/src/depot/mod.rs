//! # depot: magazines of one class on one node
//!
//! Where a CPU's windows spill to and refill from (Bonwick & Adams 2001). A magazine is a single word, so the depot is a stack of
//! words behind a lock, and a trade is one store. Up to eight lie in the depot itself, more in a table that is only touched by
//! programs that need it.
//!
//! Working set: the depot remembers the fewest magazines it held over a number of trades; that many were not needed and are
//! *surplus*, to be taken back by the slabs (Bonwick's reaping, with trades for a clock, and the helper thread's own where there is one).
//!
//! The **inbox** takes single objects from a signal handler that interrupted the holder of a lock: a lock-free stack, emptied as a
//! whole, so there is no ABA.
//!
//! **Filling** is done by one thread of a class at a time: of a thousand threads that start together and miss on a few CPUs, each
//! would fill a magazine, and all but a few would lie here unused.
//!
//! Invariant: words below `len` are magazines that hold at least one round, words from `len` on are 0.
//!
//! Locks: the filling one, then the depot's, one each per class and node, the lowest ranks. Fork: `len` is counted anew from the words.

mod filling;
mod inbox;
mod stack;

pub use filling::Filling;
pub use inbox::Inbox;
pub use stack::Depot;

use crate::base::classes::CLASSES;
use crate::base::sync::AtomicU64;
use crate::base::units::Class;
use crate::region::{Magazine, Table};
use crate::sys::lock::Lock;
use crate::sys::vm::Span;
use crossbeam_utils::CachePadded;
use stack::OVERFLOW;

/// The depots of a node. All zero is a node without magazines.
#[derive(Debug)]
pub struct Depots {
    /// Padded: CPUs trade magazines of different classes at once.
    depots: [CachePadded<Depot>; CLASSES],
    inboxes: [Inbox; CLASSES],
    fills: [Lock<()>; CLASSES],
    overflow: Table<AtomicU64>,
    growth: Lock<()>,
}

impl Depots {
    /// Metadata bytes to reserve.
    pub fn metadata_len() -> usize {
        Table::<AtomicU64>::bytes_for(CLASSES * OVERFLOW)
    }

    /// Cuts room for the overflow from `metadata`; returns the rest.
    pub fn settle(&self, metadata: Span) -> Span {
        self.overflow.settle(metadata, CLASSES * OVERFLOW)
    }

    /// Metadata bytes committed.
    pub fn metadata_committed(&self) -> usize {
        self.overflow.committed()
    }

    /// Whether this thread holds one of the locks, at the rank of the one at `address` or above it (filling < depot < growth).
    pub fn is_held_from(&self, address: usize) -> bool {
        let depots = || self.depots.iter().any(|depot| depot.is_held());
        let filling = || self.fills.iter().any(Lock::is_mine);
        let is_filling = self.fills.iter().any(|lock| lock.is_at(address));
        self.growth.is_mine() || (!self.growth.is_at(address) && (depots() || (is_filling && filling())))
    }

    /// Whether it is this thread's turn to fill some class.
    pub fn is_filling(&self) -> bool {
        self.fills.iter().any(Lock::is_mine)
    }

    /// Begins to fill a magazine of a class from the slabs, after whoever is at it.
    pub fn begin_fill(&self, class: Class) -> Filling<'_> {
        Filling::begin(&self.fills[class.index()])
    }

    /// The class's inbox.
    pub fn inbox(&self, class: Class) -> &Inbox {
        &self.inboxes[class.index()]
    }

    /// Takes the most recent magazine.
    pub fn get(&self, class: Class) -> Option<Magazine> {
        self.depots[class.index()].get(&self.shelf(class))
    }

    /// Leaves a magazine with at least one round; gives it back if the depot is full or its lock held by this thread.
    pub fn put(&self, class: Class, magazine: Magazine) -> Result<(), Magazine> {
        self.depots[class.index()].put(&self.shelf(class), class, magazine)
    }

    /// A magazine that was not needed lately.
    pub fn surplus(&self, class: Class) -> Option<Magazine> {
        self.depots[class.index()].surplus(&self.shelf(class))
    }

    /// Time has passed: what no CPU has asked for since the last time is surplus.
    pub fn judge(&self) {
        self.depots.iter().for_each(|depot| depot.judge_now());
    }

    /// Magazines traded so far.
    pub fn activity(&self) -> u32 {
        self.depots.iter().fold(0, |sum, depot| sum.wrapping_add(depot.activity()))
    }

    /// Magazines and rounds of a class.
    pub fn figures(&self, class: Class) -> (u32, u64) {
        self.depots[class.index()].figures(&self.shelf(class), class)
    }

    /// Calls `each` with every magazine's word of a class (for validation).
    pub fn words(&self, class: Class, each: impl FnMut(u64)) {
        self.depots[class.index()].words(&self.shelf(class), each);
    }

    /// In a forked child: counts anew what threads that no longer exist held.
    pub fn rebuild(&self) {
        drop(self.growth.inherit());
        for class in Class::all() {
            self.depots[class.index()].rebuild(&self.shelf(class));
            drop(self.fills[class.index()].inherit());
        }
    }

    fn shelf(&self, class: Class) -> stack::Shelf<'_> {
        stack::Shelf { overflow: &self.overflow, growth: &self.growth, first: class.index() * OVERFLOW }
    }
}
