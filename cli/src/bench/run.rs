//! One run of larder-workloads.
//!
//! Each run preloads its own copy of the library. Up to an eighth of a run's time depends on the physical pages that the file's text happens to lie
//! in (12 % between two copies of one file, on an AMD EPYC), and a file that stays in place keeps the same pages for the whole bench. A library that
//! refers to its dependencies relative to its own place (`$ORIGIN`) must stay where it is.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::args::Scale;
use super::cell::Cell;
use super::contender::Contender;
use super::measurement::Measurement;
use crate::measure::runner::Output;
use crate::measure::{Interrupt, Runner};

/// The settings that all runs have in common.
pub(super) struct Bench<'a> {
    pub(super) program: &'a Path,
    pub(super) scale: Scale,
    pub(super) limit: Duration,
    pub(super) interrupt: &'a Interrupt,
}

impl Bench<'_> {
    /// Runs the cell's workload on the contender; `timed` if single calls are to be timed.
    pub(super) fn run(&self, cell: &Cell, contender: &Contender, timed: bool) -> Result<Measurement> {
        let command = self.command(cell, timed);
        let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let runner = Runner {
            command: &command,
            environment: contender.environment,
            output: Output::Kept { stdout: &stdout, stderr: &stderr },
            limit: Some(self.limit),
            interrupt: self.interrupt,
        };
        let library = contender.allocator.library.as_deref();
        let movable = library.filter(|library| !names_its_place(library));
        let copy = movable.map(|library| Copy::of(library, self.program)).transpose()?;
        let status = runner.measure(copy.as_ref().map(|copy| &*copy.library).or(library))?.status();
        if !status.success() {
            bail!("it ended with {status}{}", last_words(&text(&mut stderr)?));
        }
        let answer = text(&mut stdout)?;
        let measurement: Measurement = serde_json::from_str(&answer)
            .with_context(|| format!("it did not report its figures: {:?}", answer.trim()))?;
        Ok(match (library, copy) {
            (Some(library), Some(copy)) => measurement.of_copy(&copy.library, library),
            _ => measurement,
        })
    }

    fn command(&self, cell: &Cell, timed: bool) -> Vec<OsString> {
        let threads = cell.threads.to_string();
        let words = ["run", &cell.workload.name, "--threads", &threads, "--scale", self.scale.word()];
        let mut command = vec![self.program.into()];
        command.extend(words.map(OsString::from));
        command.extend(timed.then(|| OsString::from("--latency")));
        command
    }
}

/// A copy of a library under its own name, which is removed when dropped. It lies beside the workloads' program, where executing files is allowed, or
/// else among the temporary files: the user of an installed program may not be allowed to write beside it.
struct Copy {
    library: PathBuf,
    _folder: TempDir,
}

impl Copy {
    fn of(library: &Path, program: &Path) -> Result<Self> {
        let folder = |place: &Path| tempfile::Builder::new().prefix("larder-bench-").tempdir_in(place);
        let folder = folder(program.parent().unwrap_or(program)).or_else(|_| folder(&env::temp_dir()))?;
        let copy = folder.path().join(library.file_name().unwrap_or_default());
        fs::copy(library, &copy).with_context(|| format!("no copy of {} can be made", library.display()))?;
        Ok(Self { library: copy, _folder: folder })
    }
}

/// Whether the linker finds the library's dependencies by the library's place: then a copy would not load.
fn names_its_place(library: &Path) -> bool {
    let has = |text: &[u8], word: &[u8]| text.windows(word.len()).any(|part| part == word);
    fs::read(library).is_ok_and(|text| has(&text, b"$ORIGIN") || has(&text, b"${ORIGIN}"))
}

/// The whole text of the file.
fn text(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn last_words(stderr: &str) -> String {
    // Lines of Rust's runtime that say nothing about the failure.
    let about_itself = |line: &str| line.starts_with("note:") || line.starts_with("skipping backtrace");
    let last = stderr.lines().map(str::trim).rfind(|line| !line.is_empty() && !about_itself(line));
    last.map_or_else(String::new, |line| format!(": {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_another_file_and_goes() {
        let library = env::current_exe().unwrap();
        let copy = Copy::of(&library, &library).unwrap();
        let path = copy.library.clone();
        assert!(path != library && path.file_name() == library.file_name());
        assert!(fs::read(&path).unwrap() == fs::read(&library).unwrap());
        drop(copy);
        assert!(!path.exists());
    }

    #[test]
    fn where_the_program_lies_nobody_need_be_able_to_write() {
        let library = env::current_exe().unwrap();
        assert!(Copy::of(&library, Path::new("/proc/no/program")).unwrap().library.starts_with(env::temp_dir()));
    }

    #[test]
    fn a_library_that_names_its_place_stays_there() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, stays) in [("libc.so.6", false), ("x$ORIGIN/../lib", true), ("${ORIGIN}", true)] {
            fs::write(file.path(), text).unwrap();
            assert_eq!(names_its_place(file.path()), stays);
        }
    }

    #[test]
    fn the_last_words_are_the_reason() {
        assert_eq!(last_words("a\nlarder: double free\n\n"), ": larder: double free");
        assert_eq!(last_words("no memory\nnote: run with x\n"), ": no memory");
        assert_eq!(last_words(" \n"), "");
    }
}
