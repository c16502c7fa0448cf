//! A program of one thread takes its windows along.
//!
//! Where the kernel keeps no concurrency ids (before Linux 6.3), slots are indexed by CPU numbers, and a thread that is moved to another CPU leaves
//! its windows behind. With many threads another one comes to that CPU. In a program of one thread nobody does, and after a while each CPU of the
//! machine has windows full of objects that only it could use; nor is there a helper thread to drain them. So a call that misses looks whether this
//! is still the CPU where the windows are, its **station**, and if not, moves all of them here:
//! ```text
//! slot 3: [······] ◀── malloc, free      moved to CPU 7: a miss ──▶  slot 3: [      ]   slot 7: [······] ◀── malloc, free
//! ```
//! Invariant: as long as the program has one thread, and never had more, a slot holds something only if it is the station's, or if the thread was
//! moved (or interrupted by a signal handler that was moved) in the middle of following; those few magazines are found when it comes there again. On
//! a CPU without any, the first call misses, because a window that was taken away has no room.
//!
//! Locks: none. Another slot's window is taken by a sequence that first looks at libc's flag (`sys::rseq`): if the window is taken, no other thread
//! was there. Like any other sequence, it works on the bank in use and is restarted when the helper thread of `idle:always` changes that.
//! Fork: nothing to do. The child's station is its parent's.

use super::window::Cpus;
use crate::base::sync::Ordering;
use crate::base::units::Class;
use crate::region::Magazine;
use crate::sys::arch;

impl Cpus {
    /// Returns whether the program has a single thread, which may leave its windows behind.
    #[inline]
    pub(super) fn is_on_its_own(&self) -> bool {
        self.is_by_cpu() && arch::libc_single_threaded() == Some(true)
    }

    /// Moves the windows of a program's only thread to the CPU that it is on now. What finds no place there goes to `surplus`, with its row and
    /// class.
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
                    // The window comes last, so that it becomes the window again.
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
