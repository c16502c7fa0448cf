//! The last words: one line on stderr, composed on the stack, then abort.

use super::{message, syscall};
use core::fmt::{self, Write};

const LINE_BYTES: usize = 400;

/// A line of at most 400 bytes, built without allocating.
struct Line {
    bytes: [u8; LINE_BYTES],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if let Some(slot) = self.bytes.get_mut(self.len).filter(|_| self.len < LINE_BYTES - 1) {
                *slot = byte;
                self.len += 1;
            }
        }
        Ok(())
    }
}

/// Writes `larder: ` and the message as one line with one call.
#[cold]
pub fn warn(message: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; LINE_BYTES], len: 0 };
    let _never_fails = line.write_fmt(format_args!("larder: {message}"));
    if let Some(end) = line.bytes.get_mut(line.len) {
        *end = b'\n';
    }
    message::write_stderr(line.bytes.get(..=line.len).unwrap_or_default());
}

/// [`warn`], then abort.
#[cold]
pub fn die(message: fmt::Arguments<'_>) -> ! {
    warn(message);
    syscall::abort()
}
