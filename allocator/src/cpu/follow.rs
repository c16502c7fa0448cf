//! A program of one thread takes its windows along.
//!
//! Where the kernel keeps no concurrency ids (before Linux 6.3) slots are those of CPU numbers, and who is moved to another CPU leaves its windows behind.
//! With many threads another one comes to that CPU; of a program of one thread nobody does, and after a while each CPU of the machine has windows full of
//! what only it could use. It has no helper thread to drain them, either. So whoever misses looks whether this is still the CPU where the windows are, its
//! **station**, and moves all of them here if not:
//! ```text
//! slot 3: [······] ◀── malloc, free      moved to CPU 7: a miss ──▶  slot 3: [      ]   slot 7: [······] ◀── malloc, free
//! ```
//! Invariant: while the program has one thread, and never had more, a slot holds something only if it is the station's, or the thread was moved (or interrupted
//! by a signal handler that was) in the midst of following: a few magazines that are found when it comes there again. On a CPU where there are none the first
//! call misses, for what was taken away has no room.
//!
//! Locks: none. Another slot's window is taken by a sequence that looks at libc's flag first (`sys::rseq`): if it is taken, no other thread was there; and like
//! any other it takes from the bank in use, and is restarted when the helper thread of `idle:always` changes that.
//! Fork: nothing to do. The child's station is its parent's.

use super::window::Cpus;
use crate::base::sync::Ordering;
use crate::base::units::Class;
use crate::region::Magazine;
use crate::sys::arch;

impl Cpus {
    /// Whether the program has one thread, which may leave its windows behind.
    #[inline]
    pub(super) fn is_on_its_own(&self) -> bool {
        self.is_by_cpu() && arch::libc_single_threaded() == Some(true)
    }

    /// Moves the windows of a program's only thread to the CPU it is on now; what finds no place there goes to `surplus`: row, class.
    #[inline]
    pub fn follow(&self, surplus: impl FnMut(usize, Class, Magazine)) {
        if self.is_on_its_own() && self.station.load(Ordering::Relaxed) != self.hot.area.present_index() + 1 {
            self.move_windows(surplus);
        }
    }

    #[cold]
    fn move_windows(&self, mut surplus: impl FnMut(usize, Class, Magazine)) {
        while self.is_on_its_own() {
            let (before, now) = (self.station.load(Ordering::Relaxed), self.hot.area.present_index() + 1);
            if before == now || now > self.hot.area.slots() {
                return;
            }
            self.station.store(now, Ordering::Relaxed);
            let Some(slot) = before.checked_sub(1) else { return };
            for row in 0..self.row_count.load(Ordering::Relaxed) {
                for class in Class::all() {
                    // The window last, so that it is the window again.
                    let found =
                        self.take_elsewhere(row, slot, class).into_iter().filter(|magazine| !magazine.is_empty());
                    for magazine in found.filter_map(|magazine| self.install(row, class, magazine)) {
                        surplus(row, class, magazine);
                    }
                }
            }
        }
    }
}
