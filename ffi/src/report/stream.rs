//! Formatted text on a stdio stream that the caller passes in.

use core::ffi::c_int;
use core::fmt::{self, Write};
use core::ptr;

use libc::FILE;

/// A stdio stream of the caller.
pub(super) struct Stream(pub(super) *mut FILE);

impl Write for Stream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the caller of the C function passes an open stream; the text is `text.len()` bytes long.
        let written = unsafe { libc::fwrite(text.as_ptr().cast(), 1, text.len(), self.0) };
        if written == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Escapes text for an XML attribute.
pub(super) struct Escaped<'a>(pub(super) &'a mut Stream);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '<' => self.0.write_str("&lt;"),
            '&' => self.0.write_str("&amp;"),
            '"' => self.0.write_str("&quot;"),
            other => self.0.write_char(other),
        })
    }
}

/// Disables cancellation of the thread, on which stdio would otherwise act with half a document written.
pub(super) struct Uncancelled {
    before: c_int,
}

impl Uncancelled {
    /// Disables cancellation until dropped.
    pub(super) fn new() -> Self {
        let mut before = 0;
        // SAFETY: `before` is writable; the state is one that the C library defines.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut before) };
        Uncancelled { before }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        // SAFETY: restores a state that the C library returned; null means that the old one is not asked for.
        unsafe { pthread_setcancelstate(self.before, ptr::null_mut()) };
    }
}

/// From <pthread.h>; the libc crate does not define it.
const PTHREAD_CANCEL_DISABLE: c_int = 1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}
