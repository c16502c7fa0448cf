//! Time: for the delayed purge, and to notice stalls.
//!
//! libc is not asked: its `clock_gettime` may be another library's, which must not run inside `malloc` ([`vdso`]).
#![allow(unsafe_code, reason = "the vDSO's clock_gettime")]

use super::{syscall, vdso};
use crate::base::sync::{AtomicUsize, Ordering};
use libc::{CLOCK_MONOTONIC_COARSE, CLOCK_THREAD_CPUTIME_ID, clockid_t, timespec};

type Function = unsafe extern "C" fn(clockid_t, *mut timespec) -> i32;

/// Address of the vDSO's function; 0 if there is none, and before boot.
static FUNCTION: AtomicUsize = AtomicUsize::new(0);

/// Finds the vDSO's function; called at boot.
pub fn settle() {
    FUNCTION.store(vdso::function("__vdso_clock_gettime").unwrap_or(0), Ordering::Relaxed);
}

/// Returns milliseconds of the coarse monotonic clock (a resolution of a few milliseconds, read through the vDSO without a system call).
#[inline(never)]
pub fn coarse_ms() -> u64 {
    ms(read(CLOCK_MONOTONIC_COARSE))
}

fn ms(time: timespec) -> u64 {
    time.tv_sec as u64 * 1_000 + time.tv_nsec as u64 / 1_000_000
}

/// Returns the nanoseconds for which the calling thread has run; this clock stands still while others have its CPU (a system call).
#[inline(never)]
fn thread_ns() -> u64 {
    let now = syscall::clock_gettime(CLOCK_THREAD_CPUTIME_ID);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Returns the nanoseconds that the calling thread needs for some work.
pub fn thread_ns_of(work: impl FnOnce()) -> u64 {
    let before = thread_ns();
    work();
    thread_ns() - before
}

fn read(clock: clockid_t) -> timespec {
    let address = FUNCTION.load(Ordering::Relaxed);
    if address == 0 {
        return syscall::clock_gettime(clock);
    }
    // SAFETY: not 0, hence the address of the vDSO's function, which has this type and stays where it is.
    let function = unsafe { core::mem::transmute::<usize, Function>(address) };
    let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec; the function writes nothing else.
    unsafe { function(clock, &raw mut now) };
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::environment::auxiliary;

    /// The longest tick there is: that of a kernel with `CONFIG_HZ=100`.
    const TICK_MS: u64 = 10;

    #[test]
    fn the_vdso_and_the_system_call_agree() {
        settle();
        assert_eq!(FUNCTION.load(Ordering::Relaxed) == 0, auxiliary(libc::AT_SYSINFO_EHDR) == 0);
        let asked = || ms(syscall::clock_gettime(CLOCK_MONOTONIC_COARSE));
        for _ in 0..100 {
            let (before, now, after) = (asked(), coarse_ms(), asked());
            assert!(before > 0 && now + TICK_MS >= before && now <= after + TICK_MS, "{before} {now} {after}");
        }
    }
}
