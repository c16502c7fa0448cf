//! The eight forms of operator new, under their mangled names.

use core::ffi::c_void;
use core::ptr;

use larder_core::Larder;

use super::default::{are_own, attempt};
use super::failed::nothrow_tail;
use crate::MIN_ALIGN;
use crate::arch::{caught, forward, own_name, throw, throwing_tail};

larder_core::define_malloc!(
    /// `operator new(size_t)`
    #[unsafe(export_name = "_Znwm")]
    new,
    new_slow,
    back,
    own_name!("_Znwm")
);

larder_core::define_malloc!(
    /// `operator new[](size_t)`
    #[unsafe(export_name = "_Znam")]
    new_array,
    new_array_slow,
    back,
    own_name!("_Znam")
);

larder_core::define_malloc!(
    /// `operator new(size_t, nothrow_t const&)`
    #[unsafe(export_name = "_ZnwmRKSt9nothrow_t")]
    new_nothrow,
    new_nothrow_slow,
    back
);

larder_core::define_malloc!(
    /// `operator new[](size_t, nothrow_t const&)`
    #[unsafe(export_name = "_ZnamRKSt9nothrow_t")]
    new_array_nothrow,
    new_array_nothrow_slow,
    back
);

forward!(
    /// `operator new(size_t, align_val_t)`
    #[unsafe(export_name = "_ZnwmSt11align_val_t")]
    fn new_aligned(size: usize, align: usize) -> *mut c_void,
    sym new_aligned_or_throw,
    own_name!("_ZnwmSt11align_val_t")
);

forward!(
    /// `operator new[](size_t, align_val_t)`
    #[unsafe(export_name = "_ZnamSt11align_val_t")]
    fn new_array_aligned(size: usize, align: usize) -> *mut c_void,
    "_ZnwmSt11align_val_t",
    own_name!("_ZnamSt11align_val_t")
);

/// `operator new(size_t, align_val_t, nothrow_t const&)`
#[unsafe(export_name = "_ZnwmSt11align_val_tRKSt9nothrow_t")]
extern "C" fn new_aligned_nothrow(size: usize, align: usize, _: *const c_void) -> *mut c_void {
    if are_own() {
        new_aligned_or_null(size, align)
    } else {
        caught(standard_aligned as *const c_void, size, align).result
    }
}

/// `operator new[](size_t, align_val_t, nothrow_t const&)`
#[unsafe(export_name = "_ZnamSt11align_val_tRKSt9nothrow_t")]
extern "C" fn new_array_aligned_nothrow(size: usize, align: usize, _: *const c_void) -> *mut c_void {
    if are_own() {
        new_aligned_or_null(size, align)
    } else {
        caught(standard_array_aligned as *const c_void, size, align).result
    }
}

/// If the alignment is invalid, no new-handler can help, and none is called.
extern "C" fn new_aligned_or_throw(size: usize, align: usize) -> *mut c_void {
    if align.is_power_of_two() { or_throw(attempt(align, size), align, size) } else { throw() }
}

fn new_aligned_or_null(size: usize, align: usize) -> *mut c_void {
    if align.is_power_of_two() { or_null(attempt(align, size), align, size) } else { ptr::null_mut() }
}

/// Requests that operator new could not serve by a hit.
#[cold]
extern "C" fn new_slow(size: usize) -> *mut c_void {
    or_throw(attempt_slow(size), MIN_ALIGN, size)
}

#[cold]
extern "C" fn new_array_slow(size: usize) -> *mut c_void {
    if are_own() {
        return new_slow(size);
    }
    // SAFETY: the process's `operator new` takes a number and has no preconditions. It may throw: this is the last step, without a landing pad.
    unsafe { standard(size, 0) }
}

/// Requests that nothrow operator new could not serve by a hit.
#[cold]
extern "C" fn new_nothrow_slow(size: usize) -> *mut c_void {
    if are_own() {
        or_null(attempt_slow(size), MIN_ALIGN, size)
    } else {
        caught(standard as *const c_void, size, 0).result
    }
}

#[cold]
extern "C" fn new_array_nothrow_slow(size: usize) -> *mut c_void {
    if are_own() { new_nothrow_slow(size) } else { caught(standard_array as *const c_void, size, 0).result }
}

// The process's operators, which may throw. Those with one argument ignore the second.
forward!(fn standard(size: usize, _align: usize) -> *mut c_void, "_Znwm");
forward!(fn standard_array(size: usize, _align: usize) -> *mut c_void, "_Znam");
forward!(fn standard_aligned(size: usize, align: usize) -> *mut c_void, "_ZnwmSt11align_val_t");
forward!(fn standard_array_aligned(size: usize, align: usize) -> *mut c_void, "_ZnamSt11align_val_t");

/// As [`attempt`], for a caller that has just tried the hit path.
#[inline(always)]
fn attempt_slow(size: usize) -> *mut c_void {
    if are_own() { Larder.malloc_slow(size).cast() } else { attempt(MIN_ALIGN, size) }
}

#[inline(always)]
fn or_throw(object: *mut c_void, align: usize, size: usize) -> *mut c_void {
    if object.is_null() { throwing_tail(align, size) } else { object }
}

#[inline(always)]
fn or_null(object: *mut c_void, align: usize, size: usize) -> *mut c_void {
    if object.is_null() { nothrow_tail(align, size) } else { object }
}
