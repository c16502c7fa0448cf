//! What /proc says of a process.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use nix::libc;
use nix::unistd::SysconfVar;

use crate::elf;

/// The name of the library's file.
const LIBRARY: &str = "liblarder.so";
/// Bytes at the beginning of a library in which its build is named.
const BEGINNING: usize = 4096;

/// A process, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process(pub(crate) u32);

/// A mapping of a process: a line of its `maps`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) is_writable: bool,
    /// Whether a file begins here.
    is_beginning: bool,
    /// Of a file that was deleted since: followed by " (deleted)".
    path: PathBuf,
}

impl Mapping {
    pub(super) fn parse(line: &[u8]) -> Option<Mapping> {
        let mut fields = line.splitn(6, |byte| *byte == b' ');
        let mut text = || str::from_utf8(fields.next()?).ok();
        let (start, end) = text()?.split_once('-')?;
        let (access, offset) = (text()?, text()?);
        let path = PathBuf::from(OsStr::from_bytes(fields.nth(2).unwrap_or_default().trim_ascii_start()));
        let address = |text| usize::from_str_radix(text, 16).ok();
        Some(Mapping {
            start: address(start)?,
            end: address(end)?,
            is_writable: access.as_bytes().get(1) == Some(&b'w'),
            is_beginning: address(offset)? == 0 && path.is_absolute(),
            path,
        })
    }

    /// Where it begins, if a stack grows by so many bytes at most.
    pub(crate) fn start_of(&self, stack: usize) -> usize {
        if self.path == Path::new("[stack]") { self.end.saturating_sub(stack) } else { self.start }
    }

    fn is_library(&self) -> bool {
        self.is_beginning && self.path.file_name().is_some_and(|name| name.as_bytes().starts_with(LIBRARY.as_bytes()))
    }
}

impl Process {
    /// This process.
    pub(crate) fn own() -> Process {
        Process(std::process::id())
    }

    /// Every process, by number.
    pub(crate) fn all() -> io::Result<Vec<Process>> {
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        let entries = fs::read_dir("/proc")?.filter_map(Result::ok);
        let mut all: Vec<_> = entries.filter_map(number).map(Process).collect();
        all.sort();
        Ok(all)
    }

    fn file(self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.0.to_string()).join(name)
    }

    /// Returns whether there is such a process that has not ended.
    pub(crate) fn exists(self) -> bool {
        // A process that has ended and that its parent has not waited for yet has no memory any more.
        fs::read(self.file("statm")).is_ok_and(|text| !text.starts_with(b"0 "))
    }

    /// Its name, in which a process may put anything; what could steer a terminal is replaced.
    pub(crate) fn command(self) -> String {
        let name = fs::read(self.file("comm")).unwrap_or_default();
        String::from_utf8_lossy(name.trim_ascii_end()).replace(char::is_control, "?")
    }

    /// Bytes resident; 0 if that is unknown.
    pub(crate) fn resident(self) -> u64 {
        let text = fs::read_to_string(self.file("statm")).unwrap_or_default();
        let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
        let page = nix::unistd::sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        pages.unwrap_or(0) * page.map_or(4096, |page| page as u64)
    }

    /// Its mappings.
    pub(crate) fn mappings(self) -> Result<Vec<Mapping>> {
        let text = fs::read(self.file("maps")).map_err(|error| self.because(&error))?;
        Ok(text.split(|byte| *byte == b'\n').filter_map(Mapping::parse).collect())
    }

    /// Its memory, as a file whose offsets are addresses.
    pub(crate) fn memory(self) -> Result<File> {
        File::open(self.file("mem")).map_err(|error| self.because(&error))
    }

    /// The address at which it has mapped the build of larder with this identification, according to its mappings and its memory.
    pub(crate) fn library(self, mappings: &[Mapping], memory: &File, build: &[u8]) -> Result<usize> {
        let is_build = |it: &&Mapping| {
            let mut beginning = [0; BEGINNING];
            it.is_beginning
                && memory.read_exact_at(&mut beginning, it.start as u64).is_ok()
                && elf::build_id(&beginning).as_deref() == Some(build)
        };
        mappings.iter().find(is_build).map(|it| it.start).ok_or_else(|| {
            if mappings.iter().any(Mapping::is_library) {
                anyhow!("process {self} runs on another build of {LIBRARY}: name that with --lib PATH, or restart the program")
            } else {
                anyhow!(
                    "process {self} does not run on {LIBRARY}; a program that larder is linked into reports by itself (malloc_stats, larder::write_json)"
                )
            }
        })
    }

    /// Returns whether it has a library of larder's mapped; false if that cannot be read.
    pub(crate) fn is_on_larder(self) -> bool {
        self.mappings().is_ok_and(|mappings| mappings.iter().any(Mapping::is_library))
    }

    fn because(self, error: &io::Error) -> anyhow::Error {
        match error.raw_os_error() {
            Some(libc::ENOENT) => anyhow!("there is no process {}", self.0),
            Some(libc::ESRCH) => anyhow!("process {} has ended", self.0),
            Some(libc::EACCES | libc::EPERM) => anyhow!(
                "the memory of process {self} may not be read: be its user or root (where kernel.yama.ptrace_scope is not 0: root)"
            ),
            _ => anyhow!("process {self}: {error}"),
        }
    }
}

impl Display for Process {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let command = self.command();
        if command.is_empty() { write!(out, "{}", self.0) } else { write!(out, "{} ({command})", self.0) }
    }
}

/// Reads the identification of the build of a library on disk.
pub(crate) fn build_of(library: &Path) -> Result<Vec<u8>> {
    let file = File::open(library)?;
    let mut beginning = [0; BEGINNING];
    file.read_exact_at(&mut beginning, 0)?;
    elf::build_id(&beginning).ok_or_else(|| anyhow!("{} does not name its build", library.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_maps_is_a_mapping() {
        let line = b"7f0c1a000000-7f0c1a021000 rw-p 00000000 00:00 0 ";
        let Mapping { start, end, is_writable, .. } = Mapping::parse(line).unwrap();
        assert_eq!((start, end, is_writable), (0x7f0c_1a00_0000, 0x7f0c_1a02_1000, true));
        let line = b"55d0-55d8 r--p 00000000 fe:01 1234                 /usr/local/lib/a b/liblarder.so (deleted)";
        let mapping = Mapping::parse(line).unwrap();
        assert_eq!(mapping.path, Path::new("/usr/local/lib/a b/liblarder.so (deleted)"));
        assert!(mapping.is_library() && !mapping.is_writable);
        assert!(!Mapping::parse(b"1-2 r-xp 00001000 fe:01 1234 /lib/liblarder.so").unwrap().is_library());
        assert_eq!(Mapping::parse(b""), None);
    }

    #[test]
    fn this_process_is_there_and_not_on_larder() {
        let own = Process::own();
        assert!(own.exists() && own.resident() > 0 && !own.is_on_larder() && Process::all().unwrap().contains(&own));
        let error = own.library(&own.mappings().unwrap(), &own.memory().unwrap(), b"").unwrap_err().to_string();
        assert!(error.contains("does not run on liblarder.so"), "{error}");
        let error = Process(u32::MAX).memory().unwrap_err().to_string();
        assert_eq!(error, format!("there is no process {}", u32::MAX));
    }
}
