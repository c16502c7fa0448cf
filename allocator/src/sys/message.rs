//! Messages on standard error: written whole, by threads that have no descriptors too, and without SIGPIPE.
//!
//! A pipe without a reader sends that signal to the thread that writes, and it ends a program that did not ask for it. So it is held
//! back while a message is written, and what the write itself caused is taken away before it could come.

use super::{Errno, syscall, thread};
use crate::base::sync::{AtomicUsize, Ordering};

const STDERR: i32 = 2;
const SIGPIPE: u64 = 1 << (libc::SIGPIPE - 1);

/// The thread that has left the process's descriptors; 0 if none has.
static APART: AtomicUsize = AtomicUsize::new(0);

/// Gives the calling thread, of which there is one such in a process, a table of descriptors of its own; what it says reaches standard error all the same.
pub fn leave_descriptors() -> Result<(), Errno> {
    syscall::leave_descriptors()?;
    APART.store(thread::id(), Ordering::Relaxed);
    Ok(())
}

/// Writes what it can of `bytes` to standard error; a closed or full stderr is no error of ours. Only a thread that has [left the
/// descriptors](leave_descriptors) borrows the process's: for others a moment's descriptor might get the number that the program waits for.
pub fn write_stderr(bytes: &[u8]) {
    if write_to(STDERR, bytes) == Err(Errno(libc::EBADF)) && APART.load(Ordering::Relaxed) == thread::id() {
        let _lost = syscall::with_stderr_of_process(|descriptor| write_to(descriptor, bytes));
    }
}

/// Writes all of `bytes`, as far as they go into the file with one call.
pub fn write_to(descriptor: i32, bytes: &[u8]) -> Result<(), Errno> {
    without_sigpipe(|| write_all(descriptor, bytes))
}

fn write_all(descriptor: i32, bytes: &[u8]) -> Result<(), Errno> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match syscall::write(descriptor, rest) {
            Err(Errno(libc::EINTR)) => {}
            Ok(0) => return Ok(()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn without_sigpipe(write: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
    let Ok(before) = syscall::block_signals(SIGPIPE) else { return write() };
    // A thread that does not hold it back has none waiting.
    let waiting = before & SIGPIPE != 0 && !syscall::pending_signals().is_ok_and(|set| set & SIGPIPE == 0);
    let result = write();
    if result == Err(Errno(libc::EPIPE)) && !waiting {
        syscall::take_signal(SIGPIPE);
    }
    let _restored = syscall::set_signal_mask(before);
    result
}
