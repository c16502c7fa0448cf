//! Time for the delayed purge.
#![allow(unsafe_code, reason = "clock_gettime")]

/// Milliseconds of the coarse monotonic clock (a few milliseconds' resolution, read through the vDSO without a system call).
pub fn coarse_ms() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec; this clock id exists since Linux 2.6.32, so errno is not touched.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}
