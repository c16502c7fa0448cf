//! Messages on standard error: written whole, without SIGPIPE, and also by a thread that has left the process's descriptors.
//!
//! A pipe without a reader sends SIGPIPE to the thread that writes, which would end a program that did not ask for it. So the signal is blocked while
//! a message is written, and a SIGPIPE that the write itself caused is taken away before it can be delivered.

use super::{Errno, syscall, thread};
use crate::base::sync::{AtomicUsize, Ordering};

const STDERR: i32 = 2;
const SIGPIPE: u64 = 1 << (libc::SIGPIPE - 1);

/// The thread that has left the process's descriptors; 0 if none has.
static APART: AtomicUsize = AtomicUsize::new(0);

/// Gives the calling thread, which is the only such thread of the process, a table of descriptors of its own. Its messages reach standard error all
/// the same.
pub fn leave_descriptors() -> Result<(), Errno> {
    syscall::leave_descriptors()?;
    APART.store(thread::id(), Ordering::Relaxed);
    Ok(())
}

/// Writes what it can of `bytes` to standard error; a closed or full stderr is not larder's error. Only a thread that has [left the
/// descriptors](leave_descriptors) borrows the process's: in other threads the momentary descriptor might take the number that the program expects to
/// get next.
pub fn write_stderr(bytes: &[u8]) {
    if write_to(STDERR, bytes) == Err(Errno(libc::EBADF)) && APART.load(Ordering::Relaxed) == thread::id() {
        let _lost = syscall::with_stderr_of_process(|descriptor| write_to(descriptor, bytes));
    }
}

/// Writes all of `bytes`, in one call if the file takes them at once.
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
    // If the thread does not block the signal, none can be pending.
    let waiting = before & SIGPIPE != 0 && !syscall::pending_signals().is_ok_and(|set| set & SIGPIPE == 0);
    let result = write();
    if result == Err(Errno(libc::EPIPE)) && !waiting {
        syscall::take_signal(SIGPIPE);
    }
    let _restored = syscall::set_signal_mask(before);
    result
}
