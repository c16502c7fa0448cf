//! A program of one thread takes its windows along.
//!
//! Where the kernel keeps no concurrency ids (before Linux 6.3) slots are those of CPU numbers, and who is moved to another CPU leaves its windows behind.
//! With many threads another one comes to that CPU; of a program of one thread nobody does, and after a while each CPU of the machine has windows full of
//! what only it could use. It has no helper thread to drain them, either. So whoever misses looks whether this is still the CPU where the windows are, its
//! **station**, and moves all of them here if not:
//! ```text
//! slot 3: [······] ◀── malloc, free      moved to CPU 7: a miss ──▶  slot 3: [      ]   slot 7: [······] ◀── malloc, free
//! ```
//! Invariant: while the program has one thread, and never had more, a slot holds something only if it is the station's, or the thread was moved in the
//! midst of following. The first call on another CPU misses, for what was moved away has no room.
//!
//! Locks: whoever follows holds the one that keeps the helper thread (`idle:always`) from draining. No other thread runs, libc says so, but a signal handler
//! may come at any point, on any CPU: a chain changes hands by one exchange of its head, so the handler finds it whole or not at all; room is a hint as ever.
//! Fork: nothing to do. The child's station is its parent's.

use super::window::Cpus;
use crate::base::sync::{AtomicUsize, Ordering};
use crate::base::units::Class;
use crate::region::Magazine;
use crate::stats::Mode;
use crate::sys::arch;

/// The slot where the windows of a program of one thread are.
#[derive(Debug)]
pub(super) struct Station {
    /// One more than its number; 0: there is none yet.
    next: AtomicUsize,
}

impl Station {
    pub(super) const fn new() -> Station {
        Station { next: AtomicUsize::new(0) }
    }

    fn slot(&self) -> Option<usize> {
        self.next.load(Ordering::Relaxed).checked_sub(1)
    }

    fn set(&self, slot: usize) {
        self.next.store(slot + 1, Ordering::Relaxed);
    }
}

impl Cpus {
    /// Whether the program has one thread, which may leave its windows behind.
    pub(super) fn is_on_its_own(&self) -> bool {
        self.mode() == Mode::RseqCpu && arch::libc_single_threaded() == Some(true)
    }

    /// Whether the windows of a program's only thread are another CPU's.
    pub fn has_left_windows(&self) -> bool {
        self.is_on_its_own() && self.station.slot() != Some(self.hot.area.present_index())
    }

    /// Moves them to this CPU; what finds no place there goes to `surplus`: row, class. Nobody drains meanwhile.
    pub fn follow(&self, mut surplus: impl FnMut(usize, Class, Magazine)) {
        while self.has_left_windows() && self.has_slot() {
            let from = self.station.slot();
            self.station.set(self.hot.area.present_index());
            let Some(from) = from else { return };
            for row in 0..self.row_count.load(Ordering::Relaxed) {
                self.take_slot(self.banks.present(), (row, from), |class, [window, previous]| {
                    // The window last, so that it is the window again.
                    let found = [previous, window].into_iter().filter(|magazine| !magazine.is_empty());
                    for magazine in found.filter_map(|magazine| self.install(row, class, magazine)) {
                        surplus(row, class, magazine);
                    }
                });
            }
        }
    }
}
