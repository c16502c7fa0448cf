//! A gate that one thread opens while the others wait: for boot and for the repair after a fork.
//!
//! One word says how far the gate is and which process brought it there: 0 if it is shut, otherwise the process's number, with 1 (opening) or 2 (open)
//! in the lowest two bits. So a forked child can tell a gate that it *inherited*, whose opener may be a thread that no longer exists, from one that its
//! own threads are opening.
//!
//! The opener runs with all signals blocked, so no signal handler can find the gate half open on the opener's own thread. A function of the program's
//! that stands in for one of libc's can (a `getauxval` that reads a file): it gets no memory.

use super::{syscall, thread, thread::SignalsBlocked};
use crate::base::sync::{AtomicU32, AtomicUsize, Ordering};

const SHUT: u32 = 0;
const OPENING: u32 = 1;
const OPEN: u32 = 2;
/// The bits of these two; the process's number lies above.
const STEP: u32 = 3;

/// A process's number, as the word has it.
fn in_word(process: usize) -> u32 {
    (process as u32) << STEP.count_ones()
}

fn is_anothers(state: u32, own: u32) -> bool {
    state != SHUT && state & !STEP != own
}

/// See the module.
#[derive(Debug, Default)]
pub struct Gate {
    state: AtomicU32,
    /// Stands for the thread that is opening the gate; 0 if none is.
    opener: AtomicUsize,
}

/// What stands for the calling thread as an opener. It depends on the process as well: a thread of a child may have the thread pointer of one that was
/// opening the gate in the parent.
fn opener_in(own: u32) -> usize {
    thread::id() ^ (own as usize) << u32::BITS
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
        self.state.load(Ordering::Acquire) & STEP == OPEN
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
        let own = in_word(syscall::process_id());
        loop {
            match self.state.compare_exchange(SHUT, own | OPENING, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => break,
                Err(state) if state & STEP == OPEN => return true,
                Err(_) if self.opener.load(Ordering::Relaxed) == opener_in(own) => return false,
                Err(state) => syscall::futex_wait((&raw const self.state).cast(), state),
            }
        }
        self.opener.store(opener_in(own), Ordering::Relaxed);
        let opened = work();
        self.opener.store(0, Ordering::Relaxed);
        self.state.store(if opened { own | OPEN } else { SHUT }, Ordering::Release);
        syscall::futex_wake_all((&raw const self.state).cast());
        opened
    }

    /// Returns whether some thread is opening the gate, perhaps one of another process.
    pub fn is_opening(&self) -> bool {
        self.state.load(Ordering::Relaxed) & STEP == OPENING
    }

    /// Notes that a process is about to open the gate, if nobody has begun to. Nobody may wait for it until then.
    pub fn claim(&self, process: usize) {
        let claimed = in_word(process) | OPENING;
        let _begun = self.state.compare_exchange(SHUT, claimed, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Opens the gate for a process at a time when nobody can be waiting yet.
    pub fn open(&self, process: usize) {
        self.state.store(in_word(process) | OPEN, Ordering::Release);
    }

    /// Returns whether another process brought the gate where it is: this one is its child.
    pub fn is_inherited(&self) -> bool {
        is_anothers(self.state.load(Ordering::Relaxed), in_word(syscall::process_id()))
    }

    /// Shuts an inherited gate, so that it is opened again in this process; returns whether it was inherited. Any threads may call this at once: what
    /// one of them has begun since is left alone.
    pub fn shut_inherited(&self) -> bool {
        self.shut_if(|_| true)
    }

    /// The same for a gate that is not open yet: the thread that was opening it is one of the parent's.
    pub fn shut_unfinished(&self) -> bool {
        self.shut_if(|state| state & STEP == OPENING)
    }

    fn shut_if(&self, is_so: impl Fn(u32) -> bool) -> bool {
        let own = in_word(syscall::process_id());
        let inherited = |state: u32| (is_anothers(state, own) && is_so(state)).then_some(SHUT);
        self.state.fetch_update(Ordering::Release, Ordering::Relaxed, inherited).is_ok()
    }

    /// Shuts the gate again, whoever opened it. The caller is the only thread.
    pub fn shut(&self) {
        self.state.store(SHUT, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_opens_what_a_thread_of_its_parent_was_opening() {
        let gate = Gate::new();
        gate.state.store(in_word(1) | OPENING, Ordering::Relaxed);
        assert!(gate.shut_inherited() && gate.open_with(|| true) && gate.is_open());
        assert!(!gate.shut_inherited() && gate.is_open());
    }

    #[test]
    fn only_what_is_not_open_yet_is_unfinished() {
        let gate = Gate::new();
        for (state, expected) in [(OPENING, SHUT), (OPEN, in_word(1) | OPEN)] {
            gate.state.store(in_word(1) | state, Ordering::Relaxed);
            assert_eq!(gate.shut_unfinished(), expected == SHUT);
            assert_eq!(gate.state.load(Ordering::Relaxed), expected);
        }
        gate.state.store(in_word(syscall::process_id()) | OPENING, Ordering::Relaxed);
        assert!(!gate.shut_unfinished() && gate.is_opening());
    }

    #[test]
    fn a_thread_with_the_thread_pointer_of_the_parents_opener_is_another() {
        let gate = Gate::new();
        gate.opener.store(opener_in(in_word(1)), Ordering::Relaxed);
        assert_ne!(gate.opener.load(Ordering::Relaxed), opener_in(in_word(2)));
    }
}
