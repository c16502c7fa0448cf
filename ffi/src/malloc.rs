//! The names of C's <stdlib.h>, with glibc's behavior.
//!
//! `malloc(0)` returns a unique object. `realloc(p, 0)` frees `p` and returns null without changing errno. A size above
//! `PTRDIFF_MAX` fails with `ENOMEM`. Success and `free` leave errno alone.

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

/// Requests that `malloc` could not serve by a hit: boot, refill, large and absurd sizes.
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
    // SAFETY: the caller passes null or a live object, as C requires.
    unsafe { reallocate(object, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn reallocarray(object: *mut c_void, count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: the caller passes null or a live object, as C requires.
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
    /// SunOS's name for `free`. glibc dropped it in 2.26; old programs still call it.
    #[unsafe(no_mangle)]
    cfree,
    free_slow,
    front
);

/// Calls that `free` could not serve by a hit: a full window, a large object, or a pointer to no object at all.
///
/// # Safety
/// The caller gives the object up. If the pointer is not a live object, the core reports that and aborts.
#[cold]
pub(crate) unsafe extern "C" fn free_slow(object: *mut c_void) {
    // SAFETY: this function has the same contract.
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
    // SAFETY: `object` is not null, hence live by this function's contract.
    or_no_memory(unsafe { Larder.resize(object.cast(), size) })
}
