//! Standard error, or a copy of it, without stdio: no buffer to allocate, no lock, no cancellation point, errno untouched.

use core::ffi::c_int;
use core::fmt;

use crate::errno;

/// Writes all of `bytes` to standard error; an error ends it silently, for there is nowhere to report it.
pub(crate) fn write(bytes: &[u8]) {
    write_to(libc::STDERR_FILENO, bytes);
}

fn write_to(file: c_int, mut bytes: &[u8]) {
    let _kept = errno::Kept::new();
    while !bytes.is_empty() {
        match raw_write(file, bytes) {
            written @ 1.. => bytes = bytes.get(written.unsigned_abs()..).unwrap_or_default(),
            _ if errno::get() == libc::EINTR => {}
            _ => return,
        }
    }
}

/// One `write` by system call number: `libc::write` would be a cancellation point.
fn raw_write(file: c_int, bytes: &[u8]) -> isize {
    // SAFETY: the kernel only reads the slice.
    let written = unsafe { libc::syscall(libc::SYS_write, file, bytes.as_ptr(), bytes.len()) };
    written as isize
}

/// Collects formatted text and writes it in pieces of up to 1 KiB.
pub(crate) struct Stderr {
    file: c_int,
    buffer: [u8; 1024],
    used: usize,
}

impl Stderr {
    /// A writer with nothing in it.
    pub(crate) fn new() -> Self {
        Stderr::to(libc::STDERR_FILENO)
    }

    /// The same to another descriptor.
    pub(crate) fn to(file: c_int) -> Self {
        Stderr { file, buffer: [0; 1024], used: 0 }
    }

    fn flush(&mut self) {
        write_to(self.file, self.buffer.get(..self.used).unwrap_or_default());
        self.used = 0;
    }
}

impl fmt::Write for Stderr {
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

impl Drop for Stderr {
    fn drop(&mut self) {
        self.flush();
    }
}
