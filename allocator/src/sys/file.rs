//! Small files of the kernel, read into a buffer on the stack.

use super::{Errno, observed, syscall};
use core::ffi::CStr;
use core::fmt::{self, Write};

/// Bytes of the longest path; a file with a longer path is taken for one that does not exist.
pub const PATH: usize = 1024;

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

/// Calls `body` with a path, if the path is not too long. It is composed where it is used: a boot on a small stack has no room for a second copy.
fn with_path<R>(path: fmt::Arguments<'_>, body: impl FnOnce(&CStr) -> Option<R>) -> Option<R> {
    let mut composed = Path([0; PATH], 0);
    write!(composed, "{path}\0").ok()?;
    body(CStr::from_bytes_until_nul(&composed.0).ok()?)
}

/// Reads the beginning of the file at `path`, as far as the buffer goes; returns `None` if it cannot be read or is not text.
pub fn read_text<'a>(path: fmt::Arguments<'_>, buffer: &'a mut [u8]) -> Option<&'a str> {
    try_to_read_text(path, buffer).ok()
}

/// The same; on failure it returns why.
pub fn try_to_read_text<'a>(path: fmt::Arguments<'_>, buffer: &'a mut [u8]) -> Result<&'a str, Errno> {
    with_path(path, |path| Some(read_path(path, buffer))).unwrap_or(Err(Errno(libc::ENOENT)))
}

fn read_path<'a>(path: &CStr, buffer: &'a mut [u8]) -> Result<&'a str, Errno> {
    text(syscall::read_file(path, buffer)?)
}

/// Returns bytes that should be text as text.
pub fn text(bytes: &[u8]) -> Result<&str, Errno> {
    core::str::from_utf8(bytes).map_err(|_| Errno(libc::EILSEQ))
}

/// Calls `goes_on` with the lines of the file at `path` until it returns false, with one piece of the file in the buffer at a time. Lines that are
/// not text, or are longer than the buffer, are left out.
pub fn each_line(
    path: fmt::Arguments<'_>,
    buffer: &mut [u8],
    mut goes_on: impl FnMut(&str) -> bool,
) -> Result<(), Errno> {
    let descriptor = open_file(path).ok_or(Errno(libc::ENOENT))?;
    // The first line of a piece may be the rest of a line that is left out.
    let (mut filled, mut is_rest) = (0, false);
    let outcome = loop {
        let room = buffer.len() - filled;
        let count = match syscall::read(descriptor, &mut buffer[filled..]) {
            Ok(count) => count,
            Err(errno) => break Err(errno),
        };
        filled += count;
        let is_last = count < room;
        let whole = buffer[..filled].iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let whole = if is_last { filled } else { whole };
        let lines = buffer[..whole].split_inclusive(|byte| *byte == b'\n').skip(usize::from(is_rest));
        let mut texts = lines.filter_map(|line| core::str::from_utf8(line).ok());
        if !texts.all(|line| goes_on(line.trim_end_matches('\n'))) || is_last {
            break Ok(());
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
        is_rest = filled == buffer.len();
        filled = if is_rest { 0 } else { filled };
    };
    syscall::close(descriptor);
    outcome
}

/// Opens the file at `path` for reading; it stays open.
#[inline(never)]
pub fn open_file(path: fmt::Arguments<'_>) -> Option<u32> {
    with_path(path, |path| syscall::open(path).ok())
}

/// Returns the bytes of addresses that this process has mapped; 0 if that cannot be read.
pub fn mapped_bytes() -> usize {
    let mut buffer = [0; 128];
    let pages = read_path(c"/proc/self/statm", &mut buffer).ok().and_then(|text| text.split(' ').next()?.parse().ok());
    pages.unwrap_or(0_usize).saturating_mul(super::vm::system_page())
}

/// Returns the bytes of the process whose memory this one reads that are in anonymous transparent huge pages.
pub fn transparent_huge_bytes() -> Option<usize> {
    // The line is the sixteenth, and each line has 28 bytes.
    let mut buffer = [0; 1024];
    let text = read_text(format_args!("{}/smaps_rollup", observed::Directory), &mut buffer)?;
    let kib = text.lines().find_map(|line| line.strip_prefix("AnonHugePages:"))?;
    kib.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::String;
    use std::vec::Vec;
    use std::{env, format, fs, process};

    #[test]
    fn lines_are_read_piece_by_piece() {
        let path = env::temp_dir().join(format!("larder-lines-{}", process::id()));
        let lines_of = |text: &[u8], most: usize| {
            fs::write(&path, text).unwrap();
            let mut lines: Vec<String> = Vec::new();
            let each = |line: &str| {
                lines.push(line.into());
                lines.len() < most
            };
            each_line(format_args!("{}", path.display()), &mut [0; 8], each).unwrap();
            lines
        };
        assert_eq!(lines_of(b"ab\ncdefg\n\nhijklmn\nop", 9), ["ab", "cdefg", "", "hijklmn", "op"]);
        assert_eq!(lines_of(b"ab\ncd\nef\n", 2), ["ab", "cd"]);
        assert_eq!(lines_of(b"a\n\xff\xff\nb\n", 9), ["a", "b"], "no text");
        for long in [8, 9, 15, 16, 17, 24, 25] {
            let long = "x".repeat(long);
            assert_eq!(lines_of(format!("a\n{long}\nb\nc").as_bytes(), 9), ["a", "b", "c"], "{long}");
            assert_eq!(lines_of(format!("{long}\n{long}\nb\n{long}").as_bytes(), 9), ["b"], "{long}");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(each_line(format_args!("{}", path.display()), &mut [0; 8], |_| true), Err(Errno(libc::ENOENT)));
    }
}
