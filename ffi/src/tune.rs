//! glibc's functions for tuning malloc.

use core::ffi::c_int;

use larder_core::Larder;

/// Returns free memory to the system, except for `keep` bytes of each node. Returns 1 if any was given back, else 0.
#[unsafe(no_mangle)]
extern "C" fn malloc_trim(keep: usize) -> c_int {
    c_int::from(Larder.trim(keep) > 0)
}

/// Accepts glibc's parameters (returns 1) and rejects unknown ones (returns 0).
///
/// None has an effect: they tune structures that larder does not have (fastbins, the top of the heap, the mmap threshold,
/// per-thread arenas). larder is configured by `LARDER_CONF`.
#[unsafe(no_mangle)]
extern "C" fn mallopt(parameter: c_int, _value: c_int) -> c_int {
    c_int::from(is_known(parameter))
}

/// glibc's internal name of `mallopt`.
#[unsafe(no_mangle)]
extern "C" fn __libc_mallopt(parameter: c_int, _value: c_int) -> c_int {
    c_int::from(is_known(parameter))
}

/// System V's `M_NLBLKS`, `M_GRAIN` and `M_KEEP`, which <malloc.h> still has.
const SYSTEM_V: [c_int; 3] = [2, 3, 4];

fn is_known(parameter: c_int) -> bool {
    matches!(
        parameter,
        libc::M_MXFAST
            | libc::M_TRIM_THRESHOLD
            | libc::M_TOP_PAD
            | libc::M_MMAP_THRESHOLD
            | libc::M_MMAP_MAX
            | libc::M_CHECK_ACTION
            | libc::M_PERTURB
            | libc::M_ARENA_TEST
            | libc::M_ARENA_MAX
    ) || SYSTEM_V.contains(&parameter)
}
