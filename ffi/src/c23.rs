//! C23's sized frees: the caller repeats what it asked for, and the core need not look it up.

use core::ffi::c_void;

use larder_core::Larder;

use crate::MIN_ALIGN;

/// Frees what `malloc(size)`, `calloc` of `size` bytes in all, or `realloc(…, size)` returned.
#[unsafe(no_mangle)]
unsafe extern "C" fn free_sized(object: *mut c_void, size: usize) {
    // SAFETY: the caller gives the object up; the core checks the hint.
    unsafe { release(object, MIN_ALIGN, size) }
}

/// Frees what `aligned_alloc(align, size)` returned.
#[unsafe(no_mangle)]
unsafe extern "C" fn free_aligned_sized(object: *mut c_void, align: usize, size: usize) {
    // SAFETY: the caller gives the object up; the core checks the hints.
    unsafe { release(object, align, size) }
}

/// Every sized free: nothing of the C face is aligned to less than 16 bytes, whatever the caller asked for.
///
/// # Safety
/// `object` is null or live, and not used again.
#[inline(always)]
pub(crate) unsafe fn release(object: *mut c_void, align: usize, size: usize) {
    // SAFETY: the caller gives the object up.
    unsafe { Larder.free_sized(object.cast(), align.max(MIN_ALIGN), size) }
}
