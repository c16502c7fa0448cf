//! `setrlimit` and `prlimit`: a program that bounds its own addresses after its start counts on having those that it does not use.
//!
//! Larder has reserved far more than the bound by then, and gives that up when it hears of it. Nothing else differs from the C library's functions.

use core::ffi::c_int;
use core::ptr;

use larder_core::Larder;

use crate::errno;

fn answer(result: Result<(), c_int>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(code) => {
            errno::fail(code);
            -1
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn setrlimit(resource: u32, new: *const libc::rlimit) -> c_int {
    // SAFETY: the caller's places are limits'.
    answer(unsafe { Larder.prlimit(0, resource, new, ptr::null_mut()) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn prlimit(process: i32, resource: u32, new: *const libc::rlimit, old: *mut libc::rlimit) -> c_int {
    // SAFETY: as above.
    answer(unsafe { Larder.prlimit(process, resource, new, old) })
}

/// The same: a long has 64 bits.
#[unsafe(no_mangle)]
unsafe extern "C" fn setrlimit64(resource: u32, new: *const libc::rlimit) -> c_int {
    // SAFETY: as above.
    answer(unsafe { Larder.prlimit(0, resource, new, ptr::null_mut()) })
}

/// The same.
#[unsafe(no_mangle)]
unsafe extern "C" fn prlimit64(process: i32, resource: u32, new: *const libc::rlimit, old: *mut libc::rlimit) -> c_int {
    // SAFETY: as above.
    answer(unsafe { Larder.prlimit(process, resource, new, old) })
}
