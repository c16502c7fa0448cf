//! What happens when the library is loaded and when the process exits, if the user asked for it in `LARDER_CONF`.
//!
//! Nothing is torn down. Statistics go to a copy of standard error made at the start: many programs close theirs on the way out.

use core::ffi::c_int;
use core::fmt::Write;
use core::sync::atomic::{AtomicI32, Ordering};

use larder_core::Larder;

use crate::errno;
use crate::report::write_table;
use crate::stderr::Stderr;

/// The copy lies above what programs count on getting from `open`.
const LOWEST_COPY: c_int = 500;
const NONE: c_int = -1;

/// Where statistics go at exit.
static COPY: AtomicI32 = AtomicI32::new(NONE);

#[used]
#[unsafe(link_section = ".init_array")]
static LOADED: extern "C" fn() = loaded;

#[used]
#[unsafe(link_section = ".fini_array")]
static EXITING: extern "C" fn() = exiting;

extern "C" fn loaded() {
    let _kept = errno::Kept::new();
    if Larder.read_options() && Larder.wants_stats_at_exit() {
        COPY.store(copy_of_stderr(), Ordering::Relaxed);
    }
}

fn copy_of_stderr() -> c_int {
    // SAFETY: duplicates a descriptor, or fails.
    let copy = unsafe { libc::syscall(libc::SYS_fcntl, libc::STDERR_FILENO, libc::F_DUPFD_CLOEXEC, LOWEST_COPY) };
    c_int::try_from(copy).unwrap_or(NONE)
}

extern "C" fn exiting() {
    let file = COPY.load(Ordering::Relaxed);
    if file == NONE {
        return;
    }
    let mut out = Stderr::to(file);
    // SAFETY: takes nothing.
    let process = unsafe { libc::syscall(libc::SYS_getpid) };
    let _nowhere_to_report = writeln!(out, "larder: process {process} exits");
    let _nowhere_to_report = write_table(&mut out, &larder_core::stats());
}
