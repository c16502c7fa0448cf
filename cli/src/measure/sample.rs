//! The cost of one run.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use serde::{Deserialize, Serialize};

/// The figures of one run, including the children that the command waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) wall_s: f64,
    pub(crate) user_s: f64,
    pub(crate) system_s: f64,
    pub(crate) peak_rss_bytes: u64,
    pub(crate) minor_faults: u64,
    pub(crate) major_faults: u64,
}

/// A finished run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Finished {
    /// The status as wait4 returns it.
    pub(crate) raw_status: i32,
    pub(crate) sample: Sample,
}

impl Finished {
    pub(crate) fn status(&self) -> ExitStatus {
        ExitStatus::from_raw(self.raw_status)
    }
}

/// The report of a launcher: the run, or the reason why there was none.
pub(crate) type Told = Result<Finished, String>;
