//! The eight forms of operator new, under their mangled names.

use core::ffi::c_void;

use larder_core::Larder;

use crate::MIN_ALIGN;
use crate::aligned::aligned;
use crate::arch::{nothrow_tail, throwing_tail};

larder_core::define_malloc!(
    /// `operator new(size_t)`
    #[unsafe(export_name = "_Znwm")]
    new,
    new_slow
);

larder_core::define_malloc!(
    /// `operator new[](size_t)`
    #[unsafe(export_name = "_Znam")]
    new_array,
    new_slow
);

larder_core::define_malloc!(
    /// `operator new(size_t, nothrow_t const&)`
    #[unsafe(export_name = "_ZnwmRKSt9nothrow_t")]
    new_nothrow,
    new_nothrow_slow
);

larder_core::define_malloc!(
    /// `operator new[](size_t, nothrow_t const&)`
    #[unsafe(export_name = "_ZnamRKSt9nothrow_t")]
    new_array_nothrow,
    new_nothrow_slow
);

/// `operator new(size_t, align_val_t)`
#[unsafe(export_name = "_ZnwmSt11align_val_t")]
extern "C" fn new_aligned(size: usize, align: usize) -> *mut c_void {
    or_throw(aligned(align, size), align, size)
}

/// `operator new[](size_t, align_val_t)`
#[unsafe(export_name = "_ZnamSt11align_val_t")]
extern "C" fn new_array_aligned(size: usize, align: usize) -> *mut c_void {
    or_throw(aligned(align, size), align, size)
}

/// `operator new(size_t, align_val_t, nothrow_t const&)`
#[unsafe(export_name = "_ZnwmSt11align_val_tRKSt9nothrow_t")]
extern "C" fn new_aligned_nothrow(size: usize, align: usize, _: *const c_void) -> *mut c_void {
    or_null(aligned(align, size), align, size)
}

/// `operator new[](size_t, align_val_t, nothrow_t const&)`
#[unsafe(export_name = "_ZnamSt11align_val_tRKSt9nothrow_t")]
extern "C" fn new_array_aligned_nothrow(size: usize, align: usize, _: *const c_void) -> *mut c_void {
    or_null(aligned(align, size), align, size)
}

/// What operator new could not serve by a hit.
#[cold]
extern "C" fn new_slow(size: usize) -> *mut c_void {
    or_throw(Larder.malloc_slow(size), MIN_ALIGN, size)
}

/// What nothrow operator new could not serve by a hit.
#[cold]
extern "C" fn new_nothrow_slow(size: usize) -> *mut c_void {
    or_null(Larder.malloc_slow(size), MIN_ALIGN, size)
}

#[inline(always)]
fn or_throw(object: *mut u8, align: usize, size: usize) -> *mut c_void {
    if object.is_null() { throwing_tail(align, size) } else { object.cast() }
}

#[inline(always)]
fn or_null(object: *mut u8, align: usize, size: usize) -> *mut c_void {
    if object.is_null() { nothrow_tail(align, size) } else { object.cast() }
}
