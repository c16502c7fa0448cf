//! `setrlimit` and `prlimit`: a program that bounds its own address space after its start expects the unused part of that bound to be available.
//!
//! By then larder has reserved far more than the bound. It gives those addresses up when the program sets the bound. In all other respects
//! these functions do what the C library's do.

use core::ffi::c_int;
use core::ptr;

use larder_core::Larder;

use crate::errno::fails;

/// # Safety
/// `new` is null or points to a limit; `old` is null or a limit may be written there.
unsafe fn limit(process: i32, resource: u32, new: *const libc::rlimit, old: *mut libc::rlimit) -> c_int {
    // SAFETY: this function has the same contract.
    unsafe { Larder.prlimit(process, resource, new, old) }.map_or_else(fails, |()| 0)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn setrlimit(resource: u32, new: *const libc::rlimit) -> c_int {
    // SAFETY: the caller passes null or a pointer to a limit; no old limit is asked for.
    unsafe { limit(0, resource, new, ptr::null_mut()) }
}

/// The same as `setrlimit`, because `long` has 64 bits.
#[unsafe(no_mangle)]
unsafe extern "C" fn setrlimit64(resource: u32, new: *const libc::rlimit) -> c_int {
    // SAFETY: the caller passes null or a pointer to a limit; no old limit is asked for.
    unsafe { limit(0, resource, new, ptr::null_mut()) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn prlimit(process: i32, resource: u32, new: *const libc::rlimit, old: *mut libc::rlimit) -> c_int {
    // SAFETY: the caller passes null or pointers to limits.
    unsafe { limit(process, resource, new, old) }
}

/// The same as `prlimit`, because `long` has 64 bits.
#[unsafe(no_mangle)]
unsafe extern "C" fn prlimit64(process: i32, resource: u32, new: *const libc::rlimit, old: *mut libc::rlimit) -> c_int {
    // SAFETY: the caller passes null or pointers to limits.
    unsafe { limit(process, resource, new, old) }
}
