//! The heap that reports tell of: this process's own, or, in an observer, that of a running program, which it reads from outside.
//!
//! The program takes no part in this and is not stopped. The observer has the same build of larder and copies each page of the program's memory, when
//! it first touches it, to the address where the page lies in the program. Then the program's heap is an ordinary one, at a known distance from the
//! observer's own, and the code that reads any heap reads it. What lies outside of a heap is two things: the account of limits, which is copied,
//! and the locks, whose holders are elsewhere ([`observed`]). Figures are of slightly different moments, as always in a process that goes on working.
#![allow(unsafe_code, reason = "another process's statics, at a distance from this one's")]

use super::HEAP;
use crate::base::sync::{AtomicPtr, Ordering};
use crate::heap::Heap;
use crate::sys::limit::LIMIT;
use crate::sys::observed;
use core::num::NonZeroUsize;
use core::ptr;

/// The other process's heap; null in a process that is no observer.
static OBSERVED: AtomicPtr<Heap> = AtomicPtr::new(ptr::null_mut());

/// The heap that reports tell of.
pub(super) fn seen() -> &'static Heap {
    let observed = OBSERVED.load(Ordering::Relaxed);
    // SAFETY: null, or what `observe` stored, which is valid from then on by that function's contract.
    unsafe { observed.as_ref() }.unwrap_or(&HEAP)
}

/// Makes this process an observer: from now on all reports tell of the heap of another process. Returns false if that process has not allocated
/// anything yet; then nothing is changed.
///
/// # Safety
/// This process has one thread, and does not observe yet. It has the same build of larder as the other. It sees at each address where the other's memory
/// lies, whenever it touches that, a copy of it; there, the other's statics lie `distance` bytes (modulo 2^64) behind this one's.
#[doc(hidden)]
pub unsafe fn observe(process: NonZeroUsize, distance: usize) -> bool {
    let heap = (&raw const HEAP).wrapping_byte_add(distance);
    // SAFETY: a heap of the same build lies there, by the contract.
    let heap = unsafe { &*heap };
    if !heap.take_as_it_is() {
        return false;
    }
    let limit = (&raw const LIMIT).wrapping_byte_add(distance);
    // SAFETY: an account of the same build lies there, by the contract.
    LIMIT.copy(unsafe { &*limit });
    observed::observe(process);
    OBSERVED.store(ptr::from_ref(heap).cast_mut(), Ordering::Relaxed);
    true
}
