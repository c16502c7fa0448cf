//! A gate that one thread opens while the others wait: for boot and for the repair after a fork.
//!
//! States: 0 shut, 1 opening, 2 open. The opener runs with all signals blocked, so no signal handler can find the gate half open on the opener's own
//! thread. A function of the program's that stands in for one of libc's can (a `getauxval` that reads a file): it gets no memory.

use super::{syscall, thread, thread::SignalsBlocked};
use crate::base::sync::{AtomicU32, AtomicUsize, Ordering};

const SHUT: u32 = 0;
const OPENING: u32 = 1;
const OPEN: u32 = 2;

/// See the module.
#[derive(Debug, Default)]
pub struct Gate {
    state: AtomicU32,
    /// The thread that is opening the gate; 0 if none is.
    opener: AtomicUsize,
}

impl Gate {
    /// A shut gate.
    #[cfg(not(loom))]
    pub const fn new() -> Gate {
        Gate { state: AtomicU32::new(SHUT), opener: AtomicUsize::new(0) }
    }

    /// Returns whether the gate is open. Acquire: pairs with the Release in `open_with`.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) == OPEN
    }

    /// Returns whether nobody has opened the gate or is opening it.
    pub fn is_shut(&self) -> bool {
        self.state.load(Ordering::Relaxed) == SHUT
    }

    /// Opens the gate by `work`, or waits until another thread has opened it. If `work` fails, the gate is shut again and false is returned. Also
    /// returns false if called from inside `work`.
    #[cold]
    pub fn open_with(&self, work: impl FnOnce() -> bool) -> bool {
        let _signals = SignalsBlocked::new();
        loop {
            match self.state.compare_exchange(SHUT, OPENING, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => break,
                Err(OPEN) => return true,
                Err(_) if self.opener.load(Ordering::Relaxed) == thread::id() => return false,
                Err(_) => syscall::futex_wait((&raw const self.state).cast(), OPENING),
            }
        }
        self.opener.store(thread::id(), Ordering::Relaxed);
        let opened = work();
        self.opener.store(0, Ordering::Relaxed);
        self.state.store(if opened { OPEN } else { SHUT }, Ordering::Release);
        syscall::futex_wake_all((&raw const self.state).cast());
        opened
    }

    /// Opens the gate at a time when nobody can be waiting yet.
    pub fn open(&self) {
        self.state.store(OPEN, Ordering::Release);
    }

    /// Shuts an open gate again (before a repair).
    pub fn shut(&self) {
        self.state.store(SHUT, Ordering::Release);
    }
}
