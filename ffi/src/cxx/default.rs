//! The default behavior of the operators by the standard: `new[]` calls `new`, and `new` calls malloc, so a program that replaces `new` or malloc
//! changes the operators above it, too.
//!
//! Therefore each form reaches the function that it calls by default through the global offset table. But if the whole table leads to larder's own
//! functions, each form can do at once what these functions would do together: then the hit path's back door is unlocked. The answer never changes,
//! because the table is filled before any code of this library runs. (If a program that is not position-independent takes the address of `free`,
//! that address lies in the program: then each form goes the long way, with the same result.)

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use larder_core::Larder;

use crate::MIN_ALIGN;
use crate::aligned::aligned;
use crate::arch::{forward, is_own};

const UNKNOWN: u8 = 0;
const OWN: u8 = 1;
const REPLACED: u8 = 2;

static OWNER: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Whether everything that a form of operator new or delete calls by default is larder's own.
#[inline]
pub(super) fn are_own() -> bool {
    match OWNER.load(Relaxed) {
        UNKNOWN => find_out(),
        owner => owner == OWN,
    }
}

#[cold]
fn find_out() -> bool {
    let new = is_own!("_Znwm") && is_own!("_Znam");
    let new_aligned = is_own!("_ZnwmSt11align_val_t") && is_own!("_ZnamSt11align_val_t");
    let delete = is_own!("_ZdlPv") && is_own!("_ZdaPv");
    let own = new && new_aligned && delete && is_own!("malloc") && is_own!("free");
    if own {
        Larder.unlock_back_door();
    }
    OWNER.store(if own { OWN } else { REPLACED }, Relaxed);
    own
}

/// Allocates for the basic forms of operator new; null if there is no memory.
pub(super) fn attempt(align: usize, size: usize) -> *mut c_void {
    if are_own() {
        return aligned(align, size).cast();
    }
    // A replaced malloc may return null for size 0.
    let size = size.max(1);
    match size.checked_next_multiple_of(align) {
        // SAFETY: the process's `malloc` takes a number and has no preconditions.
        _ if align <= MIN_ALIGN => unsafe { process_malloc(size) },
        // SAFETY: the process's `aligned_alloc` takes two numbers; `align` is a power of two that divides `whole`.
        Some(whole) => unsafe { process_aligned_alloc(align, whole) },
        None => ptr::null_mut(),
    }
}

forward!(fn process_malloc(size: usize) -> *mut c_void, "malloc");
forward!(fn process_aligned_alloc(align: usize, size: usize) -> *mut c_void, "aligned_alloc");
