//! Formatted text on a stdio stream that the caller handed in.

use core::ffi::c_int;
use core::fmt::{self, Write};
use core::ptr;

use libc::FILE;

/// A stdio stream of the caller.
pub(super) struct Stream(pub(super) *mut FILE);

impl Write for Stream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the stream is open by the caller's word, the text is as long as said.
        let written = unsafe { libc::fwrite(text.as_ptr().cast(), 1, text.len(), self.0) };
        if written == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Text inside an XML attribute.
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

/// Holds off cancellation of the thread, which stdio would otherwise act on with half a document written.
pub(super) struct Uncancelled {
    before: c_int,
}

impl Uncancelled {
    /// Until dropped.
    pub(super) fn new() -> Self {
        let mut before = 0;
        // SAFETY: `before` is writable; the state is one the C library defines.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut before) };
        Uncancelled { before }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        // SAFETY: puts back a state the C library gave; the old one is not asked for.
        unsafe { pthread_setcancelstate(self.before, ptr::null_mut()) };
    }
}

/// Of <pthread.h>; the libc crate does not have it.
const PTHREAD_CANCEL_DISABLE: c_int = 1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}
