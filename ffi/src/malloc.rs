//! The names of C's <stdlib.h>, as glibc means them.
//!
//! `malloc(0)` is a unique object; `realloc(p, 0)` frees and returns null with errno as it was; a size above
//! `PTRDIFF_MAX` is `ENOMEM`; success and `free` leave errno alone.

use core::ffi::c_void;
use core::ptr;

use larder_core::Larder;

use crate::errno::{fail, or_no_memory};

#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut c_void {
    allocate(size)
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    allocate_zeroed(count, size)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(object: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller hands in null or a live object, as C asks.
    unsafe { reallocate(object, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn reallocarray(object: *mut c_void, count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: the caller hands in null or a live object, as C asks.
        Some(total) => unsafe { reallocate(object, total) },
        None => fail(libc::ENOMEM),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn free(object: *mut c_void) {
    // SAFETY: the caller gives the object up; the core names and stops anything that is none.
    unsafe { Larder.free(object.cast()) }
}

/// SunOS's `free`; glibc dropped it in 2.26, old programs still call it.
#[unsafe(no_mangle)]
unsafe extern "C" fn cfree(object: *mut c_void) {
    // SAFETY: as for `free`.
    unsafe { Larder.free(object.cast()) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(object: *mut c_void) -> usize {
    if object.is_null() {
        return 0;
    }
    // SAFETY: not null, and the caller holds the object.
    unsafe { Larder.usable_size(object.cast()) }
}

/// `malloc` under every name it has.
#[inline(always)]
pub(crate) fn allocate(size: usize) -> *mut c_void {
    or_no_memory(Larder.malloc(size))
}

/// `calloc` under every name it has.
#[inline(always)]
pub(crate) fn allocate_zeroed(count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        Some(total) => or_no_memory(Larder.calloc(total)),
        None => fail(libc::ENOMEM),
    }
}

/// `realloc` under every name it has.
///
/// # Safety
/// `object` is null or a live object.
#[inline(always)]
pub(crate) unsafe fn reallocate(object: *mut c_void, size: usize) -> *mut c_void {
    if object.is_null() {
        return allocate(size);
    }
    if size == 0 {
        // SAFETY: the caller gives the object up.
        unsafe { Larder.free(object.cast()) };
        return ptr::null_mut();
    }
    // SAFETY: not null, and live by the caller's word.
    or_no_memory(unsafe { Larder.realloc(object.cast(), size) })
}
