//! Standard error without stdio: no buffer to allocate, no lock, no cancellation point, errno untouched.

use core::ffi::c_int;
use core::fmt;

/// The bytes of text that are collected before they are passed on, where the buffer is on the stack.
pub(crate) const PIECE: usize = 1024;

/// Writes all of `bytes` to standard error. An error ends it silently, because there is nowhere to report it.
pub(crate) fn write(bytes: &[u8]) {
    write_to(libc::STDERR_FILENO, bytes);
}

/// As [`write`], to another descriptor.
pub(crate) fn write_to(file: c_int, bytes: &[u8]) {
    let _lost = larder_core::write_message(file, bytes);
}

/// Collects formatted text and passes it on whenever the buffer is full, and once more when dropped.
pub(crate) struct Pieces<'a, F: FnMut(&[u8])> {
    pass_on: F,
    buffer: &'a mut [u8],
    used: usize,
}

impl<'a, F: FnMut(&[u8])> Pieces<'a, F> {
    /// Starts with an empty buffer.
    pub(crate) fn new(buffer: &'a mut [u8], pass_on: F) -> Self {
        Pieces { pass_on, buffer, used: 0 }
    }

    fn flush(&mut self) {
        (self.pass_on)(self.buffer.get(..self.used).unwrap_or_default());
        self.used = 0;
    }
}

impl<F: FnMut(&[u8])> fmt::Write for Pieces<'_, F> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.used == self.buffer.len() {
                self.flush();
            }
            if let Some(slot) = self.buffer.get_mut(self.used) {
                *slot = byte;
                self.used += 1;
            }
        }
        Ok(())
    }
}

impl<F: FnMut(&[u8])> Drop for Pieces<'_, F> {
    fn drop(&mut self) {
        self.flush();
    }
}
