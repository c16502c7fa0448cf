//! Work that is done when the library is loaded and when the process exits, if the user asked for it in `LARDER_CONF`.
//!
//! Nothing is torn down. Statistics are written with a single call, so that those of processes that exit at the same time do not mix.

use core::ffi::c_int;
use core::fmt::{self, Write};
use core::ptr;

use larder_core::{Larder, StatsForm};

use crate::report::write_table;
use crate::stderr::{self, PIECE, Pieces};
use crate::{deepbind, errno, kept_stderr};

/// Room for the whole report of a process.
const ROOM: usize = 1 << 18;

#[used]
#[unsafe(link_section = ".init_array")]
static LOADED: extern "C" fn() = loaded;

#[used]
#[unsafe(link_section = ".fini_array")]
static EXITING: extern "C" fn() = exiting;

#[unsafe(link_section = ".text.startup")]
extern "C" fn loaded() {
    let _kept = errno::Kept::new();
    if !Larder.read_options() {
        return;
    }
    if Larder.stats_at_exit().is_some() {
        kept_stderr::keep();
    }
    if Larder.keeps_deepbind() {
        deepbind::keep();
    }
}

#[unsafe(link_section = ".text.startup")]
extern "C" fn exiting() {
    if let Some(file) = kept_stderr::get() {
        report_to(file);
    }
}

#[cold]
fn report_to(file: c_int) {
    let _kept = errno::Kept::new();
    let mut piece = [0; PIECE];
    let buffer = room().unwrap_or(&mut piece);
    let mut out = Pieces::new(buffer, |bytes: &[u8]| stderr::write_to(file, bytes));
    let _nowhere_to_report = match Larder.stats_at_exit() {
        Some(StatsForm::Json) => larder_core::write_json(&mut out).and_then(|()| out.write_str("\n")),
        _ => write_at_exit(&mut out),
    };
}

/// Fresh memory from the system for the report.
fn room() -> Option<&'static mut [u8]> {
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let args = [0, ROOM, access as usize, flags as usize, usize::MAX, 0];
    // SAFETY: creates a new mapping where the kernel chooses, so it overlaps nothing.
    let room = unsafe { larder_core::system_call(libc::SYS_mmap, args) };
    let room = usize::try_from(room).ok()?;
    // SAFETY: the mapping is new and `ROOM` bytes long, reads zero, belongs to nobody else and is never unmapped.
    Some(unsafe { core::slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(room), ROOM) })
}

fn write_at_exit(out: &mut impl Write) -> fmt::Result {
    // SAFETY: the system call takes no arguments and only returns a number.
    let process = unsafe { larder_core::system_call(libc::SYS_getpid, [0; 6]) };
    writeln!(out, "larder: process {process} exits")?;
    write_table(out)
}
