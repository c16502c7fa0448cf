//! Whose memory this process reads: its own, or, if it is an observer, another's.
//!
//! An observer sees copies of another process's pages at the addresses where they lie there. Whoever held a lock when its page was copied does not run
//! here, and nothing else changes the copies, because an observer has one thread. So it takes every lock at once; what the lock guards may be as it is
//! in the middle of a change. A process that observes goes on doing so.

use core::fmt;
use core::num::NonZeroUsize;
use once_cell::race::OnceNonZeroUsize;

static OTHER: OnceNonZeroUsize = OnceNonZeroUsize::new();

/// From now on this process observes the one with this number, unless it observes already.
pub fn observe(process: NonZeroUsize) {
    let _first_stays = OTHER.set(process);
}

/// The number of the process that this one observes; `None` if this is no observer.
pub fn other() -> Option<usize> {
    OTHER.get().map(NonZeroUsize::get)
}

/// The directory of `/proc` that tells of the process whose memory this one reads.
#[derive(Debug)]
pub struct Directory;

impl fmt::Display for Directory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match other() {
            Some(process) => write!(out, "/proc/{process}"),
            None => out.write_str("/proc/self"),
        }
    }
}
