//! Small files of the kernel's, read into a buffer on the stack.

use super::syscall;
use core::ffi::CStr;
use core::fmt::{self, Write};

/// Bytes of the longest path; a longer one is not there.
const PATH: usize = 1024;

/// A path, composed on the stack.
struct Path([u8; PATH], usize);

impl Write for Path {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.1 + text.len();
        self.0.get_mut(self.1..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.1 = end;
        Ok(())
    }
}

impl Path {
    fn compose(path: fmt::Arguments<'_>) -> Option<Path> {
        let mut composed = Path([0; PATH], 0);
        write!(composed, "{path}\0").ok()?;
        Some(composed)
    }

    fn as_c(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(&self.0).ok()
    }
}

/// The head of the file at `path`, as far as the buffer goes; `None` if it cannot be read or is no text.
pub fn read_text<'a>(path: fmt::Arguments<'_>, buffer: &'a mut [u8]) -> Option<&'a str> {
    let path = Path::compose(path)?;
    core::str::from_utf8(syscall::read_file(path.as_c()?, buffer).ok()?).ok()
}

/// Opens the file at `path` to be read; it stays open.
pub fn open_file(path: fmt::Arguments<'_>) -> Option<u32> {
    syscall::open(Path::compose(path)?.as_c()?).ok()
}

/// Bytes of addresses that this process has mapped, 0 if that cannot be read.
pub fn mapped_bytes() -> usize {
    let mut text = [0; 128];
    let text = syscall::read_file(c"/proc/self/statm", &mut text).ok().and_then(|text| core::str::from_utf8(text).ok());
    let pages = text.and_then(|text| text.split(' ').next()?.parse::<usize>().ok());
    pages.unwrap_or(0).saturating_mul(super::vm::system_page())
}

/// Bytes of this process in anonymous transparent huge pages.
pub fn transparent_huge_bytes() -> Option<usize> {
    // The line is the sixteenth, and they have 28 bytes each.
    let mut text = [0; 1024];
    let text = syscall::read_file(c"/proc/self/smaps_rollup", &mut text).ok()?;
    let text = core::str::from_utf8(text).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("AnonHugePages:"))?;
    kib.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kib| kib * 1024)
}
