//! What larder-workloads says of a run.

use serde::{Deserialize, Serialize};

/// A line of `larder-workloads list --json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Workload {
    pub(super) name: String,
    pub(super) group: String,
    pub(super) about: String,
    /// With how many threads it says something.
    pub(super) threads: Vec<u32>,
}

/// What one run cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measurement {
    /// The file its malloc came from.
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

/// Of single calls, in a run that times each.
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
