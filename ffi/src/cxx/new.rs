//! The eight forms of operator new, under their mangled names.

use core::ffi::c_void;

use larder_core::Larder;

use crate::MIN_ALIGN;
use crate::aligned::aligned;
use crate::arch::{nothrow_tail, throwing_tail};

/// `operator new(size_t)`
#[unsafe(export_name = "_Znwm")]
extern "C" fn new(size: usize) -> *mut c_void {
    or_throw(Larder.malloc(size), MIN_ALIGN, size)
}

/// `operator new[](size_t)`
#[unsafe(export_name = "_Znam")]
extern "C" fn new_array(size: usize) -> *mut c_void {
    or_throw(Larder.malloc(size), MIN_ALIGN, size)
}

/// `operator new(size_t, nothrow_t const&)`
#[unsafe(export_name = "_ZnwmRKSt9nothrow_t")]
extern "C" fn new_nothrow(size: usize, _: *const c_void) -> *mut c_void {
    or_null(Larder.malloc(size), MIN_ALIGN, size)
}

/// `operator new[](size_t, nothrow_t const&)`
#[unsafe(export_name = "_ZnamRKSt9nothrow_t")]
extern "C" fn new_array_nothrow(size: usize, _: *const c_void) -> *mut c_void {
    or_null(Larder.malloc(size), MIN_ALIGN, size)
}

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

#[inline(always)]
fn or_throw(object: *mut u8, align: usize, size: usize) -> *mut c_void {
    if object.is_null() { throwing_tail(align, size) } else { object.cast() }
}

#[inline(always)]
fn or_null(object: *mut u8, align: usize, size: usize) -> *mut c_void {
    if object.is_null() { nothrow_tail(align, size) } else { object.cast() }
}
