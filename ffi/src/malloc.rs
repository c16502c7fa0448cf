//! The names of C's <stdlib.h>, as glibc means them.
//!
//! `malloc(0)` is a unique object; `realloc(p, 0)` frees and returns null with errno as it was; a size above
//! `PTRDIFF_MAX` is `ENOMEM`; success and `free` leave errno alone.

use core::ffi::c_void;
use core::ptr;

use larder_core::Larder;

use crate::arch::own_name;
use crate::errno::{fail, or_no_memory};

larder_core::define_malloc!(
    /// `malloc`: the hit path, or [`malloc_slow`].
    #[unsafe(no_mangle)]
    malloc,
    malloc_slow,
    front,
    own_name!("malloc")
);

/// What `malloc` could not serve by a hit: boot, refill, large and absurd sizes.
#[cold]
pub(crate) extern "C" fn malloc_slow(size: usize) -> *mut c_void {
    or_no_memory(Larder.malloc_slow(size))
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

larder_core::define_free!(
    /// `free`: the hit path, or [`free_slow`].
    #[unsafe(no_mangle)]
    free,
    free_slow,
    front,
    own_name!("free")
);

larder_core::define_free!(
    /// SunOS's `free`; glibc dropped it in 2.26, old programs still call it.
    #[unsafe(no_mangle)]
    cfree,
    free_slow,
    front
);

/// What `free` could not do by a hit: a full window, large objects, and what is no object at all.
///
/// # Safety
/// The caller gives the object up; the core names and stops anything that is none.
#[cold]
pub(crate) unsafe extern "C" fn free_slow(object: *mut c_void) {
    // SAFETY: as this function's own.
    unsafe { Larder.free_slow(object.cast()) }
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
    or_no_memory(unsafe { Larder.resize(object.cast(), size) })
}
