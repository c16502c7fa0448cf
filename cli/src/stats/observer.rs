//! The process that looks into another one: this tool, run again by itself ([`report`](super::report)).
//!
//! The library knows how its heap is laid out, so it is the library that reads and reports: it is loaded here, for its code alone, and told at what distance
//! from its own heap the other's lies. The two must be the same build, and nothing of this process may lie where the other has memory that can change.

use std::ffi::{OsStr, OsString, c_char, c_int, c_void};
use std::path::Path;
use std::process::exit;
use std::slice;

use anyhow::{Context, Result, bail, ensure};
use libloading::os::unix::{Library, Symbol};
use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::alarm;

use super::confine::confine;
use super::pages::{self, NOT_THERE};
use super::process::{Mapping, Process, build_of};

/// The hidden subcommand: LIBRARY PROCESS FORM.
pub(crate) const OBSERVE: &str = "__observe";
/// The form that is not the table.
pub(super) const JSON: &str = "json";
/// This process's stack grows no further, in bytes.
const STACK: usize = 1 << 20;
/// Figures that were copied in the midst of a change could send the reader round in circles.
const SECONDS: u32 = 5;

/// `larder_observe`.
type ObserveFn = unsafe extern "C" fn(process: c_int, distance: usize) -> c_int;
/// `larder_stats_json`.
type JsonFn = unsafe extern "C" fn(take: TakeFn, arg: *mut c_void);
type TakeFn = unsafe extern "C" fn(arg: *mut c_void, text: *const c_char, length: usize);
/// `malloc_stats`.
type TableFn = unsafe extern "C" fn();

/// Prints the other process's figures: as JSON to standard output, as tables to standard error, where malloc_stats prints.
pub(crate) fn observe(words: &[OsString]) -> Result<()> {
    let [library, process, form] = words else { bail!("{OBSERVE} LIBRARY PROCESS FORM") };
    let other = Process(process.to_str().and_then(|text| text.parse().ok()).context("not a number")?);
    let path = Path::new(library);
    let build = build_of(path)?;
    let (mappings, memory) = (other.mappings()?, other.memory()?);
    let there = other.library(&mappings, &memory, &build)?;
    // SAFETY: it is liblarder.so of the build that the other process runs on. What it does when it is loaded is to read LARDER_CONF, which is not set.
    let library = unsafe { Library::open(Some(path), libc::RTLD_NOW | libc::RTLD_LOCAL) }?;
    let own = Process::own();
    let own_mappings = own.mappings()?;
    let here = own.library(&own_mappings, &own.memory()?, &build)?;
    // Below the stack the kernel would map more of it, instead of saying that nothing is there.
    setrlimit(Resource::RLIMIT_STACK, STACK as u64, STACK as u64).context("setrlimit")?;
    if overlap(&own_mappings, &mappings) {
        exit(NOT_THERE);
    }
    pages::show(memory)?;
    alarm::set(SECONDS);
    // SAFETY: the symbol has this type in every build that has it.
    let begin: Symbol<ObserveFn> = unsafe { library.get(b"larder_observe\0") }?;
    confine()?;
    // SAFETY: this process has one thread, its library is the same build as the other's, and it sees the other's memory at the other's addresses.
    let begun = unsafe { begin(other.0 as c_int, there.wrapping_sub(here)) };
    ensure!(begun != 0, "process {other} has not allocated anything yet");
    print(&library, form)
}

fn print(library: &Library, form: &OsStr) -> Result<()> {
    if form == JSON {
        // SAFETY: larder.h gives this signature.
        let json: Symbol<JsonFn> = unsafe { library.get(b"larder_stats_json\0") }?;
        // SAFETY: `take` ignores its first argument and does not unwind.
        unsafe { json(take, std::ptr::null_mut()) };
    } else {
        // SAFETY: malloc.h gives this signature.
        let table: Symbol<TableFn> = unsafe { library.get(b"malloc_stats\0") }?;
        // SAFETY: it may be called at any time.
        unsafe { table() };
    }
    Ok(())
}

unsafe extern "C" fn take(_arg: *mut c_void, text: *const c_char, length: usize) {
    // SAFETY: the library passes the address of so many bytes.
    let mut bytes = unsafe { slice::from_raw_parts(text.cast::<u8>(), length) };
    while let Ok(written @ 1..) = nix::unistd::write(std::io::stdout(), bytes) {
        bytes = bytes.get(written..).unwrap_or_default();
    }
}

/// Returns whether something of this process lies, or may come to lie, where the other has memory that it may write to: that would be taken for the other's.
fn overlap(own: &[Mapping], other: &[Mapping]) -> bool {
    let meets = |own: &Mapping, other: &Mapping| own.start_of(STACK) < other.end && other.start < own.end;
    other.iter().filter(|it| it.is_writable).any(|it| own.iter().any(|own| meets(own, it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stack_may_grow_into_is_taken() {
        let map = |line: &str| Mapping::parse(line.as_bytes()).unwrap();
        let own = [
            map("7ff000000000-7ff000010000 rw-p 00000000 00:00 0     [stack]"),
            map("5000-6000 r-xp 00000000 fe:01 9  /a"),
        ];
        let clash = |line| overlap(&own, &[map(line)]);
        assert!(clash("4000-5001 rw-p 00000000 00:00 0") && !clash("4000-5000 rw-p 00000000 00:00 0"));
        assert!(!clash("4000-6001 r--p 00000000 00:00 0"), "the other does not write there");
        assert!(clash("7fefffff0000-7fefffff1000 rw-p 00000000 00:00 0"));
        assert!(!clash("7fefffe00000-7fefffe01000 rw-p 00000000 00:00 0"));
    }
}
