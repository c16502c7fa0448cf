//! The report of larder-workloads on a run.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::loader;

/// A line of `larder-workloads list --json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Workload {
    pub(super) name: String,
    pub(super) group: String,
    pub(super) about: String,
    /// The numbers of threads for which the workload is meaningful.
    pub(super) threads: Vec<u32>,
}

/// The cost of one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measurement {
    /// The file that its malloc came from.
    pub(super) allocator: String,
    pub(super) operations: u64,
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) peak_rss_kib: u64,
    pub(super) final_rss_kib: u64,
    pub(super) peak_pss_kib: Option<u64>,
    pub(super) final_pss_kib: Option<u64>,
    pub(super) minor_faults: u64,
    pub(super) major_faults: u64,
    pub(super) system_calls: Option<u64>,
    pub(super) latency: Option<Latency>,
}

impl Measurement {
    /// The same measurement with `library` as its allocator if the run used `copy`, a copy of that library.
    pub(super) fn of_copy(self, copy: &Path, library: &Path) -> Self {
        let ran_on_it = loader::same(Path::new(&self.allocator), copy);
        let allocator = if ran_on_it { library.display().to_string() } else { self.allocator };
        Self { allocator, ..self }
    }
}

/// The latencies of single calls, from a run that times each of them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Latency {
    pub(super) malloc_ns: Option<Quantiles>,
    pub(super) free_ns: Option<Quantiles>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Quantiles {
    pub(super) p50: u64,
    pub(super) p99: u64,
    pub(super) p999: u64,
    pub(super) max: u64,
}
