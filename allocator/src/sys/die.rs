//! Last words: one line on stderr, composed on the stack, then abort.

use super::{helper, message, syscall};
use crate::base::sync::AtomicU32;
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

/// Writes `larder: ` and the message as one line, in one call.
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
    if helper::is_this_thread() && syscall::abort_is_handled() {
        abort_elsewhere();
        syscall::abort_by_default();
    }
    syscall::abort()
}

/// A SIGABRT handler of the program's would crash in a thread that libc does not know, so another thread gets the signal. Returns if no thread takes
/// it within a second, or if the handler has not ended the process after five.
fn abort_elsewhere() {
    const STEP_MS: u64 = 50;
    syscall::send_abort();
    let never = AtomicU32::new(0);
    for waited in (0..5000).step_by(STEP_MS as usize) {
        // This thread blocks every signal, so it sees the signal pending until another thread takes it.
        if waited >= 1000 && syscall::pending_signals().is_ok_and(|set| set & syscall::SIGABRT != 0) {
            return;
        }
        syscall::futex_wait_for(never.as_ptr(), 0, STEP_MS);
    }
}
