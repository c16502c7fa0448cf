//! What one run cost.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use serde::{Deserialize, Serialize};

/// The figures of one run, the command's waited-for children included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) wall_s: f64,
    pub(super) user_s: f64,
    pub(super) system_s: f64,
    pub(super) peak_rss_bytes: u64,
    pub(super) minor_faults: u64,
    pub(super) major_faults: u64,
}

/// A finished run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Finished {
    /// As wait4 gives it.
    pub(super) raw_status: i32,
    pub(super) sample: Sample,
}

impl Finished {
    pub(super) fn status(&self) -> ExitStatus {
        ExitStatus::from_raw(self.raw_status)
    }
}

/// What a launcher tells: the run, or why there was none.
pub(super) type Told = Result<Finished, String>;
