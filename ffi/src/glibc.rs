//! glibc's internal names of malloc. Programs and libraries that wrap malloc call them to reach "the real one". If these
//! names still led to glibc's heap, its objects would be passed to larder's `free`.

use core::ffi::{c_int, c_void};

use larder_core::Larder;

use crate::{aligned, malloc};

#[unsafe(no_mangle)]
extern "C" fn __libc_malloc(size: usize) -> *mut c_void {
    malloc::allocate(size)
}

#[unsafe(no_mangle)]
extern "C" fn __libc_calloc(count: usize, size: usize) -> *mut c_void {
    malloc::allocate_zeroed(count, size)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __libc_realloc(object: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller passes null or a live object, as C requires.
    unsafe { malloc::reallocate(object, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __libc_free(object: *mut c_void) {
    // SAFETY: the caller gives the object up.
    unsafe { Larder.free(object.cast()) }
}

#[unsafe(no_mangle)]
extern "C" fn __libc_memalign(align: usize, size: usize) -> *mut c_void {
    aligned::rounded_up(align, size)
}

#[unsafe(no_mangle)]
extern "C" fn __libc_valloc(size: usize) -> *mut c_void {
    aligned::on_page(size)
}

#[unsafe(no_mangle)]
extern "C" fn __libc_pvalloc(size: usize) -> *mut c_void {
    aligned::whole_pages(size)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    // SAFETY: the caller passes a writable `out`, as POSIX requires.
    unsafe { aligned::store_aligned(out, align, size) }
}
