//! A lock that is tried and never waited for, for what is quickly done otherwise.
//!
//! One word: 0 iff the latch is free, else the holder's thread id. Nobody waits, so letting go is a plain store. A signal handler that interrupted the
//! holder finds the latch held, like everybody else. Fork: the child frees the latches of threads that no longer exist.

use super::lock::is_gone;
use super::thread;
use crate::base::sync::{AtomicUsize, Ordering};

/// See the module. All zero is free.
#[derive(Debug, Default)]
pub struct Latch {
    holder: AtomicUsize,
}

/// Holds a latch until dropped.
#[derive(Debug)]
pub struct Held<'a> {
    latch: &'a Latch,
}

impl Latch {
    /// Takes the latch if it is free.
    #[inline]
    pub fn hold(&self) -> Option<Held<'_>> {
        // Acquire: pairs with the Release of the last holder.
        let taken = self.holder.compare_exchange(0, thread::id(), Ordering::Acquire, Ordering::Relaxed).is_ok();
        taken.then(|| Held { latch: self })
    }

    /// In a forked child: lets go for a holder that no longer exists.
    pub fn rebuild(&self) {
        if is_gone(self.holder.load(Ordering::Relaxed)) {
            self.holder.store(0, Ordering::Release);
        }
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        self.latch.holder.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::thread::scope;

    #[test]
    fn one_holds_it_and_nobody_waits() {
        let latch = Latch::default();
        let held = latch.hold();
        assert!(held.is_some() && latch.hold().is_none());
        scope(|scope| assert!(scope.spawn(|| latch.hold().is_none()).join().unwrap()));
        drop(held);
        assert!(latch.hold().is_some());
    }

    #[test]
    fn a_child_frees_what_another_thread_held() {
        let latch = Latch::default();
        scope(|scope| scope.spawn(|| core::mem::forget(latch.hold())).join().unwrap());
        assert!(latch.hold().is_none());
        latch.rebuild();
        assert!(latch.hold().is_some());
    }
}
