//! Another process's memory, at its own addresses: a page that is touched and is not there is copied.

use std::fs::File;
use std::os::fd::IntoRawFd;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use anyhow::{Context, Result};
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// The exit status of a process that touched what it could not copy.
pub(crate) const NOT_THERE: i32 = 75;

const PAGE: usize = 4096;

static MEMORY: AtomicI32 = AtomicI32::new(-1);

/// From now on this process, which has one thread, sees the memory that a file of the kind of /proc/PID/mem shows, except where it has mappings itself.
/// If a page cannot be copied, because there is none or the other process has ended, this one ends, too, with [`NOT_THERE`].
pub(crate) fn show(memory: File) -> Result<()> {
    MEMORY.store(memory.into_raw_fd(), Relaxed);
    let action = SigAction::new(SigHandler::SigAction(copy), SaFlags::SA_SIGINFO, SigSet::empty());
    // SAFETY: the handler only makes system calls that are safe in a handler.
    unsafe { sigaction(Signal::SIGSEGV, &action) }.context("sigaction")?;
    Ok(())
}

extern "C" fn copy(_signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel passes the information about this fault.
    let fault = unsafe { &*info };
    // SAFETY: the information is that of a fault, which has an address.
    let touched = unsafe { fault.si_addr() };
    let page = ptr::without_provenance_mut::<libc::c_void>(touched.addr() & !(PAGE - 1));
    if !is_copied(page) {
        // SAFETY: ends the process at once, as is allowed in a handler.
        unsafe { libc::_exit(NOT_THERE) };
    }
}

fn is_copied(page: *mut libc::c_void) -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: never replaces a mapping of this process.
    let mapped = unsafe { libc::mmap(page, PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    // SAFETY: the page was mapped just now, and nothing refers to it yet.
    mapped == page && unsafe { libc::pread(MEMORY.load(Relaxed), page, PAGE, page.addr() as i64) } == PAGE as isize
}
