//! Time: for the delayed purge, and to see what stalls.
#![allow(unsafe_code, reason = "clock_gettime")]

use libc::{CLOCK_MONOTONIC_COARSE, CLOCK_THREAD_CPUTIME_ID};

/// Milliseconds of the coarse monotonic clock (a few milliseconds' resolution, read through the vDSO without a system call).
pub fn coarse_ms() -> u64 {
    let now = read(CLOCK_MONOTONIC_COARSE);
    now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000
}

/// Nanoseconds for which the calling thread has run: while others have its CPU this clock stands still (a system call).
fn thread_ns() -> u64 {
    let now = read(CLOCK_THREAD_CPUTIME_ID);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Nanoseconds that the calling thread needs for some work.
pub fn thread_ns_of(work: impl FnOnce()) -> u64 {
    let before = thread_ns();
    work();
    thread_ns() - before
}

fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec; these clocks exist since Linux 2.6.32, so errno is not touched.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    now
}
