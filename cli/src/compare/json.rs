//! The machine-readable report. Field names are stable; `schema` increases when their meaning changes.

use std::ffi::OsString;
use std::process::ExitStatus;

use serde::Serialize;

use super::entrant::Entrant;
use super::summary::Summary;
use crate::measure::sample::Sample;

const SCHEMA: u32 = 1;

/// The whole report.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    schema: u32,
    larder_version: &'static str,
    larder_mode: &'a str,
    command: Vec<String>,
    /// How the command ended on the system malloc, in words.
    status: String,
    runs: u32,
    interrupted: bool,
    /// Environment variables for allocators that the user has set, as NAME=value.
    environment: &'a [String],
    allocators: Vec<Allocator<'a>>,
}

#[derive(Serialize)]
struct Allocator<'a> {
    name: &'a str,
    /// Null for the system malloc.
    library: Option<String>,
    /// The reason why it was not measured to the end.
    problem: Option<&'a str>,
    median: Option<Summary>,
    samples: &'a [Sample],
}

/// The facts that a report needs in addition to the entrants.
pub(super) struct Facts<'a> {
    pub(super) mode: &'a str,
    pub(super) command: &'a [OsString],
    pub(super) status: ExitStatus,
    pub(super) runs: u32,
    pub(super) interrupted: bool,
    pub(super) environment: &'a [String],
}

impl<'a> Report<'a> {
    pub(super) fn new(facts: &Facts<'a>, entrants: &'a [Entrant]) -> Self {
        Self {
            schema: SCHEMA,
            larder_version: env!("CARGO_PKG_VERSION"),
            larder_mode: facts.mode,
            command: facts.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            status: facts.status.to_string(),
            runs: facts.runs,
            interrupted: facts.interrupted,
            environment: facts.environment,
            allocators: entrants.iter().map(Allocator::new).collect(),
        }
    }
}

impl<'a> Allocator<'a> {
    fn new(entrant: &'a Entrant) -> Self {
        Self {
            name: &entrant.allocator.name,
            library: entrant.allocator.library.as_ref().map(|path| path.display().to_string()),
            problem: entrant.problem.as_deref(),
            median: entrant.summary(),
            samples: &entrant.samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn the_field_names_stay() {
        let facts = Facts {
            mode: "rseq by cpu_id",
            command: &["ls".into()],
            status: ExitStatus::from_raw(0),
            runs: 1,
            interrupted: false,
            environment: &["LARDER_CONF=thp:never".into()],
        };
        let mut larder = Entrant::new(crate::measure::Allocator::new("larder", Some("/x.so".into())));
        larder.samples.push(Sample {
            wall_s: 0.5,
            user_s: 0.25,
            system_s: 0.125,
            peak_rss_bytes: 4096,
            minor_faults: 3,
            major_faults: 1,
        });
        let entrants = [larder];
        let json = serde_json::to_value(Report::new(&facts, &entrants)).unwrap();
        let expected = serde_json::json!({
            "schema": 1,
            "larder_version": env!("CARGO_PKG_VERSION"),
            "larder_mode": "rseq by cpu_id",
            "command": ["ls"],
            "status": "exit status: 0",
            "runs": 1,
            "interrupted": false,
            "environment": ["LARDER_CONF=thp:never"],
            "allocators": [{
                "name": "larder",
                "library": "/x.so",
                "problem": null,
                "median": {
                    "wall_s": 0.5, "wall_min_s": 0.5, "wall_max_s": 0.5,
                    "cpu_s": 0.375, "peak_rss_bytes": 4096.0, "faults": 4.0,
                },
                "samples": [{
                    "wall_s": 0.5, "user_s": 0.25, "system_s": 0.125,
                    "peak_rss_bytes": 4096, "minor_faults": 3, "major_faults": 1,
                }],
            }],
        });
        assert_eq!(json, expected);
    }
}
