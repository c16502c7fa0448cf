//! Report files. They are opened before anything is measured, so that a file that cannot be written is reported at once.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

/// A file for a report. If the file was created for it and no report is written, it is removed.
pub(crate) struct Report {
    /// The command-line option that had the path.
    option: &'static str,
    path: PathBuf,
    file: File,
    /// Whether this created the file and has written nothing to it yet.
    is_new: bool,
}

impl Report {
    /// Opens the file that the user asked for, if any. Its old contents stay until there is something to write.
    pub(crate) fn open(option: &'static str, path: Option<&Path>) -> Result<Option<Self>> {
        let open = |path: &Path| {
            let new = File::create_new(path);
            let is_new = new.is_ok();
            let file = new.or_else(|_| OpenOptions::new().write(true).create(true).truncate(false).open(path));
            let file = file.with_context(|| format!("{option} {}", path.display()))?;
            Ok(Self { option, path: path.into(), file, is_new })
        };
        path.map(open).transpose()
    }

    /// Whether the two reports would overwrite each other.
    pub(crate) fn is_of_one_file(&self, other: &Self) -> Result<bool> {
        let (one, two) = (self.file.metadata()?, other.file.metadata()?);
        Ok(one.is_file() && (one.dev(), one.ino()) == (two.dev(), two.ino()))
    }

    /// Writes the report as JSON.
    pub(crate) fn write_json(self, report: &impl Serialize) -> Result<()> {
        self.write(&(serde_json::to_string_pretty(report)? + "\n"))
    }

    /// Writes the report.
    pub(crate) fn write(mut self, text: &str) -> Result<()> {
        self.replace(text).with_context(|| format!("{} {}", self.option, self.path.display()))
    }

    fn replace(&mut self, text: &str) -> Result<()> {
        self.is_new = false;
        // A pipe or a device has no length.
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        Ok(self.file.write_all(text.as_bytes())?)
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if self.is_new {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let error = Report::open("--json", Some(Path::new("/no/dir/x.json"))).err().unwrap();
        assert!(format!("{error:#}").starts_with("--json /no/dir/x.json: "));
    }

    #[test]
    fn a_file_that_is_full_is_named() {
        let full = Report::open("--html", Some(Path::new("/dev/full"))).unwrap().unwrap();
        assert!(format!("{:#}", full.write("x").unwrap_err()).starts_with("--html /dev/full: No space"));
    }

    #[test]
    fn what_was_there_stays_until_the_report_comes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "an older and longer one").unwrap();
        let report = Report::open("--json", Some(file.path())).unwrap().unwrap();
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "an older and longer one");
        report.write_json(&1).unwrap();
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "1\n");
    }

    #[test]
    fn without_a_report_there_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.json");
        let open = || Report::open("--json", Some(&path)).unwrap().unwrap();
        drop(open());
        assert!(!path.exists());
        open().write("x").unwrap();
        drop(open());
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
    }

    #[test]
    fn two_reports_do_not_go_to_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let open = |path: &Path| Report::open("--json", Some(path)).unwrap().unwrap();
        assert!(open(&path).is_of_one_file(&open(&path)).unwrap());
        assert!(!open(&path).is_of_one_file(&open(&path.with_extension("y"))).unwrap());
        assert!(!open(Path::new("/dev/null")).is_of_one_file(&open(Path::new("/dev/null"))).unwrap());
    }
}
