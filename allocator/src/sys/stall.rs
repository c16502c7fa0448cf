//! First touches of huge pages that stall.
//!
//! A first touch takes a quarter of a millisecond, but several where the kernel must make room for the page, or on a virtual machine whose host has
//! taken back what the guest did not use. So code that asks for huge pages has the first touch timed, by the thread's own clock, which stands still
//! while others have the CPU. After a touch that stalls it asks for none for a tenth of a second; if the touch before stalled, too, for twice as long
//! as after that one, up to ten seconds. The reason: memory that the host must bring is brought once, but a kernel that must make room stays slow.
//! All zero calls everything a stall: see [`Stalls::begin`].

use super::clock::coarse_ms;
use crate::base::sync::{AtomicU64, Ordering};

/// A first touch that takes this much of the thread's time, in nanoseconds, is a stall: longer than 512 small pages take.
const STALL_NS: u64 = 1_000_000;
/// Milliseconds for which no huge pages are asked for: after a single stall, and at most, after stalls that follow each other.
const FIRST_MS: u64 = 100;
const LONGEST_MS: u64 = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Stalls {
    /// How long a first touch may take at most.
    patience_ns: AtomicU64,
    /// The time until which nothing is asked for.
    held_off_ms: AtomicU64,
    /// For how long the next stall is to hold off.
    next_ms: AtomicU64,
}

impl Stalls {
    /// Not begun.
    pub const fn new() -> Stalls {
        Stalls { patience_ns: AtomicU64::new(0), held_off_ms: AtomicU64::new(0), next_ms: AtomicU64::new(0) }
    }

    /// Begins without stalls.
    pub fn begin(&self) {
        self.patience_ns.store(STALL_NS, Ordering::Relaxed);
        self.next_ms.store(FIRST_MS, Ordering::Relaxed);
    }

    /// Returns whether huge pages may be asked for.
    pub fn are_over(&self) -> bool {
        coarse_ms() >= self.held_off_ms.load(Ordering::Relaxed)
    }

    /// Returns whether a first touch that took `ns` nanoseconds was a stall; if so, none are asked for, for a while.
    pub fn heed(&self, ns: u64) -> bool {
        let stalled = ns >= self.patience_ns.load(Ordering::Relaxed);
        let ms = self.next_ms.load(Ordering::Relaxed);
        if stalled {
            self.held_off_ms.store(coarse_ms() + ms, Ordering::Relaxed);
        }
        self.next_ms.store(if stalled { (2 * ms).min(LONGEST_MS) } else { FIRST_MS }, Ordering::Relaxed);
        stalled
    }
}

#[cfg(test)]
impl Stalls {
    /// Whatever the machine is like, makes no first touch a stall, or every one, and then holds off for an hour.
    pub fn pretend(&self, always: bool) {
        self.patience_ns.store(if always { 0 } else { u64::MAX }, Ordering::Relaxed);
        self.next_ms.store(if always { 3_600_000 } else { FIRST_MS }, Ordering::Relaxed);
    }

    /// As if the time had passed.
    pub fn end(&self) {
        self.held_off_ms.store(coarse_ms(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_holds_off_for_a_while() {
        let stalls = Stalls::new();
        stalls.begin();
        assert!(!stalls.heed(STALL_NS - 1) && stalls.are_over());
        assert!(stalls.heed(STALL_NS) && !stalls.are_over());
        stalls.end();
        assert!(stalls.are_over());
    }

    #[test]
    fn each_stall_behind_another_holds_off_for_twice_as_long() {
        let stalls = Stalls::new();
        stalls.begin();
        let next = || stalls.next_ms.load(Ordering::Relaxed);
        let doubled: [u64; 9] = core::array::from_fn(|_| {
            stalls.heed(STALL_NS);
            next()
        });
        assert_eq!(doubled, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
        assert!(stalls.held_off_ms.load(Ordering::Relaxed) > coarse_ms() + LONGEST_MS / 2);
        assert!(!stalls.heed(0) && next() == FIRST_MS);
    }
}
