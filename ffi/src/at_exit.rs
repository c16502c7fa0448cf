//! What happens when the library is loaded and when the process exits, if the user asked for it in `LARDER_CONF`.
//!
//! Nothing is torn down. Statistics go to a copy of standard error made at the start: many programs close theirs on the way out.

use core::ffi::c_int;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicI32, Ordering};

use larder_core::{Larder, StatsForm};

use crate::errno;
use crate::report::write_table;
use crate::stderr;

/// The copy lies above what programs count on getting from `open`.
const LOWEST_COPY: c_int = 500;
const NONE: c_int = 0;

/// Where statistics go at exit. All zero, as what is read at every exit should be: then it lies in a page that the loader has touched.
static COPY: AtomicI32 = AtomicI32::new(NONE);

#[used]
#[unsafe(link_section = ".init_array")]
static LOADED: extern "C" fn() = loaded;

#[used]
#[unsafe(link_section = ".fini_array")]
static EXITING: extern "C" fn() = exiting;

#[unsafe(link_section = ".text.startup")]
extern "C" fn loaded() {
    let _kept = errno::Kept::new();
    if Larder.read_options() && Larder.stats_at_exit().is_some() {
        COPY.store(copy_of_stderr(), Ordering::Relaxed);
    }
}

fn copy_of_stderr() -> c_int {
    // SAFETY: duplicates a descriptor, or fails.
    let copy = unsafe { libc::syscall(libc::SYS_fcntl, libc::STDERR_FILENO, libc::F_DUPFD_CLOEXEC, LOWEST_COPY) };
    c_int::try_from(copy).unwrap_or(NONE)
}

#[unsafe(link_section = ".text.startup")]
extern "C" fn exiting() {
    let file = COPY.load(Ordering::Relaxed);
    if file == NONE {
        return;
    }
    let mut out = stderr::writer_to(file);
    let _nowhere_to_report = match Larder.stats_at_exit() {
        Some(StatsForm::Json) => larder_core::write_json(&mut out).and_then(|()| out.write_str("\n")),
        _ => write_at_exit(&mut out),
    };
}

fn write_at_exit(out: &mut impl Write) -> fmt::Result {
    // SAFETY: takes nothing.
    let process = unsafe { libc::syscall(libc::SYS_getpid) };
    writeln!(out, "larder: process {process} exits")?;
    write_table(out, &larder_core::stats())
}
