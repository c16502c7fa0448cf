//! Aligned allocation. Each name treats a bad alignment in its own way:
//!
//! | name | alignment 0 | not a power of two | too large |
//! |---|---|---|---|
//! | `aligned_alloc` | null, `EINVAL` | null, `EINVAL` | null, `ENOMEM` |
//! | `memalign` | as 16 | rounded up | null, `ENOMEM`; `EINVAL` above the largest power of two of a `usize` |
//! | `posix_memalign` | returns `EINVAL` | returns `EINVAL`, also below a pointer's size | returns `ENOMEM` |

use core::ffi::{c_int, c_void};
use core::ptr;

use larder_core::Larder;

use crate::MIN_ALIGN;
use crate::errno::{fail, or_no_memory};

/// The largest power of two that the core accepts as an alignment: it takes alignments up to `isize::MAX / 2`.
pub(crate) const MAX_ALIGN: usize = 1 << (usize::BITS - 3);

/// Allocates `size` bytes aligned to `align`. Returns null if `align` is above [`MIN_ALIGN`] and not a power of two, or if there is no
/// memory. Leaves errno alone.
#[inline(always)]
pub(crate) fn aligned(align: usize, size: usize) -> *mut u8 {
    if align <= MIN_ALIGN {
        Larder.malloc(size)
    } else if align.is_power_of_two() && align <= MAX_ALIGN {
        Larder.memalign(align, size)
    } else {
        ptr::null_mut()
    }
}

#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    if align.is_power_of_two() { or_no_memory(aligned(align, size)) } else { fail(libc::EINVAL) }
}

#[unsafe(no_mangle)]
extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    rounded_up(align, size)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    // SAFETY: the caller passes a writable `out`, as POSIX requires.
    unsafe { store_aligned(out, align, size) }
}

#[unsafe(no_mangle)]
extern "C" fn valloc(size: usize) -> *mut c_void {
    on_page(size)
}

#[unsafe(no_mangle)]
extern "C" fn pvalloc(size: usize) -> *mut c_void {
    whole_pages(size)
}

/// `memalign` under every name it has.
pub(crate) fn rounded_up(align: usize, size: usize) -> *mut c_void {
    match align.checked_next_power_of_two() {
        Some(align) => or_no_memory(aligned(align, size)),
        None => fail(libc::EINVAL),
    }
}

/// `posix_memalign` under every name it has. It returns the error; errno never changes, and `out` only on success.
///
/// # Safety
/// `out` is writable.
pub(crate) unsafe fn store_aligned(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    if !align.is_power_of_two() || align < size_of::<*mut c_void>() {
        return libc::EINVAL;
    }
    let object = aligned(align, size);
    if object.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: `out` is writable by this function's contract.
    unsafe { out.write(object.cast()) };
    0
}

/// `valloc` under every name it has.
pub(crate) fn on_page(size: usize) -> *mut c_void {
    or_no_memory(aligned(page_size(), size))
}

/// `pvalloc` under every name it has: `valloc` with the size rounded up to whole pages.
pub(crate) fn whole_pages(size: usize) -> *mut c_void {
    match size.checked_next_multiple_of(page_size()) {
        Some(whole) => on_page(whole),
        None => fail(libc::ENOMEM),
    }
}

/// The page size, from the auxiliary vector: this involves neither a lock nor errno.
fn page_size() -> usize {
    // SAFETY: reads the process's auxiliary vector.
    let size = unsafe { libc::getauxval(libc::AT_PAGESZ) };
    size as usize
}
