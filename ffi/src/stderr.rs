//! Standard error, or a copy of it, without stdio: no buffer to allocate, no lock, no cancellation point, errno untouched.

use core::ffi::c_int;
use core::fmt;

/// Writes all of `bytes` to standard error; an error ends it silently, for there is nowhere to report it.
pub(crate) fn write(bytes: &[u8]) {
    write_to(libc::STDERR_FILENO, bytes);
}

fn write_to(file: c_int, bytes: &[u8]) {
    let _lost = larder_core::write_message(file, bytes);
}

/// Formatted text to standard error.
pub(crate) fn writer() -> Pieces<impl FnMut(&[u8])> {
    writer_to(libc::STDERR_FILENO)
}

/// The same to another descriptor.
pub(crate) fn writer_to(file: c_int) -> Pieces<impl FnMut(&[u8])> {
    Pieces::new(move |bytes| write_to(file, bytes))
}

/// Collects formatted text and passes it on in pieces of up to 1 KiB, the last one when dropped.
pub(crate) struct Pieces<F: FnMut(&[u8])> {
    pass_on: F,
    buffer: [u8; 1024],
    used: usize,
}

impl<F: FnMut(&[u8])> Pieces<F> {
    /// With nothing in it.
    pub(crate) fn new(pass_on: F) -> Self {
        Pieces { pass_on, buffer: [0; 1024], used: 0 }
    }

    fn flush(&mut self) {
        (self.pass_on)(self.buffer.get(..self.used).unwrap_or_default());
        self.used = 0;
    }
}

impl<F: FnMut(&[u8])> fmt::Write for Pieces<F> {
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

impl<F: FnMut(&[u8])> Drop for Pieces<F> {
    fn drop(&mut self) {
        self.flush();
    }
}
