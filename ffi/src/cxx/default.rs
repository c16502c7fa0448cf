//! What the standard says that operators do by default: `new[]` calls `new`, `new` calls malloc; who replaces the one has replaced the other.
//!
//! So all that a form calls by default is reached through the global offset table. But where the whole table leads to larder's own functions,
//! each form may as well do at once what they would do together: then the hit path's back door is unlocked. It is larder's at once or never, for
//! the table is filled before any code of this library runs. (The address of `free` that a program takes which is not position-independent is one in
//! the program: there each form goes the long way round, to the same end.)

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

/// Memory for the basic forms of operator new; null if there is none.
pub(super) fn attempt(align: usize, size: usize) -> *mut c_void {
    if are_own() {
        return aligned(align, size).cast();
    }
    // What malloc(0) is, is its author's choice.
    let size = size.max(1);
    match size.checked_next_multiple_of(align) {
        // SAFETY: takes a number; who replaced it answers for it.
        _ if align <= MIN_ALIGN => unsafe { process_malloc(size) },
        // SAFETY: as above.
        Some(whole) => unsafe { process_aligned_alloc(align, whole) },
        None => ptr::null_mut(),
    }
}

forward!(fn process_malloc(size: usize) -> *mut c_void, "malloc");
forward!(fn process_aligned_alloc(align: usize, size: usize) -> *mut c_void, "aligned_alloc");
