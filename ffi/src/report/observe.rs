//! `larder_observe`: makes this process, which is the tool's, report on another one.

use core::ffi::c_int;
use core::num::NonZeroUsize;

/// Makes all reports in this process tell of the heap of another process (`larder_core::observe`). Returns 1, or 0 if that process has not allocated yet.
///
/// # Safety
/// As for `larder_core::observe`; `process` is the other's number, and `distance` lies between the two copies of this library.
#[unsafe(no_mangle)]
unsafe extern "C" fn larder_observe(process: c_int, distance: usize) -> c_int {
    let Some(process) = usize::try_from(process).ok().and_then(NonZeroUsize::new) else { return 0 };
    // SAFETY: by this function's contract.
    let observes = unsafe { larder_core::observe(process, distance) };
    observes.into()
}
