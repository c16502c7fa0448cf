//! errno: set when a call fails, and only then.

use core::ffi::{c_int, c_void};
use core::ptr;

/// The calling thread's errno.
pub(crate) fn get() -> c_int {
    // SAFETY: takes nothing, returns the address of the thread's errno.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: the C library keeps errno valid for the life of the thread.
    unsafe { place.read() }
}

fn set(code: c_int) {
    // SAFETY: takes nothing, returns the address of the thread's errno.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: the C library keeps errno valid for the life of the thread.
    unsafe { place.write(code) };
}

/// Fails a call that returns null on error: sets errno to `code`.
#[cold]
#[inline(never)]
pub(crate) fn fail(code: c_int) -> *mut c_void {
    set(code);
    ptr::null_mut()
}

/// Fails a call that returns -1 on error: sets errno to `code`.
#[cold]
pub(crate) fn fails(code: c_int) -> c_int {
    set(code);
    -1
}

/// The last step of every allocating C function: if the object is null, there was no memory, and errno becomes `ENOMEM`.
#[inline(always)]
pub(crate) fn or_no_memory(object: *mut u8) -> *mut c_void {
    if object.is_null() { fail(libc::ENOMEM) } else { object.cast() }
}

/// Restores errno when dropped.
pub(crate) struct Kept(c_int);

impl Kept {
    /// Remembers the current errno.
    pub(crate) fn new() -> Self {
        Kept(get())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        set(self.0);
    }
}
