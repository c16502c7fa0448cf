//! `setrlimit` and `prlimit`: a program that bounds its own addresses after its start counts on having those that it does not use.
//!
//! Larder has reserved far more than the bound by then, and gives that up when it hears of it. Nothing else differs from the C library's functions.

use core::ffi::c_int;
use core::ptr;

use larder_core::Larder;

use crate::errno::fails;

/// # Safety
/// `new` and `old` are null or a limit's place.
unsafe fn limit(process: i32, resource: u32, new: *const libc::rlimit, old: *mut libc::rlimit) -> c_int {
    // SAFETY: as this function's own.
    unsafe { Larder.prlimit(process, resource, new, old) }.map_or_else(fails, |()| 0)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn setrlimit(resource: u32, new: *const libc::rlimit) -> c_int {
    // SAFETY: the caller's place is a limit's.
    unsafe { limit(0, resource, new, ptr::null_mut()) }
}

/// The same: a long has 64 bits.
#[unsafe(no_mangle)]
unsafe extern "C" fn setrlimit64(resource: u32, new: *const libc::rlimit) -> c_int {
    // SAFETY: as above.
    unsafe { limit(0, resource, new, ptr::null_mut()) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn prlimit(process: i32, resource: u32, new: *const libc::rlimit, old: *mut libc::rlimit) -> c_int {
    // SAFETY: as above.
    unsafe { limit(process, resource, new, old) }
}

/// The same.
#[unsafe(no_mangle)]
unsafe extern "C" fn prlimit64(process: i32, resource: u32, new: *const libc::rlimit, old: *mut libc::rlimit) -> c_int {
    // SAFETY: as above.
    unsafe { limit(process, resource, new, old) }
}
