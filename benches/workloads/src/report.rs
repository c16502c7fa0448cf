//! The output: JSON that other programs read.

use crate::fail::fail;
use crate::latency::Latency;
use crate::memory::Memory;
use crate::provider;
use crate::run::{Run, Scale};
use crate::table::Workload;
use crate::team::Outcome;
use clap::ValueEnum;
use serde::Serialize;

/// A line of `list`.
#[derive(Serialize)]
pub(crate) struct Entry {
    name: String,
    group: &'static str,
    about: String,
    threads: Vec<usize>,
}

impl Entry {
    pub(crate) fn of(workload: &Workload) -> Self {
        let Workload { name, group, about, threads, .. } = workload;
        Self { name: name.to_string(), group, about: about.to_string(), threads: threads.usual() }
    }
}

/// The cost of one run.
#[derive(Serialize)]
pub(crate) struct Report {
    workload: String,
    threads: usize,
    scale: String,
    allocator: String,
    operations: u64,
    seconds: f64,
    cpu_seconds: f64,
    peak_rss_kib: u64,
    final_rss_kib: u64,
    peak_pss_kib: Option<u64>,
    final_pss_kib: Option<u64>,
    minor_faults: u64,
    major_faults: u64,
    system_calls: Option<u64>,
    latency: Option<Latency>,
}

impl Report {
    /// The report of an outcome. The final figures are those in the outcome, else those of this moment, when everything is freed and the threads are
    /// gone.
    pub(crate) fn new(workload: &Workload, run: &Run, outcome: Outcome) -> Self {
        let Outcome { operations, figures, latency, last } = outcome;
        let last = last.unwrap_or_else(Memory::now);
        // A reading now may be more exact than the kernel's peak.
        let peak = figures.peak_rss_kib.max(last.rss);
        Self {
            workload: workload.name.to_string(),
            threads: run.threads,
            scale: name(run.scale),
            allocator: provider::allocator(),
            operations,
            seconds: figures.seconds,
            cpu_seconds: figures.cpu_seconds,
            peak_rss_kib: peak,
            final_rss_kib: last.rss,
            // The shared part, the program and its libraries, does not change while a workload runs.
            peak_pss_kib: last.pss.map(|pss| peak - (last.rss - pss.min(last.rss))),
            final_pss_kib: last.pss,
            minor_faults: figures.minor_faults,
            major_faults: figures.major_faults,
            system_calls: figures.system_calls,
            latency,
        }
    }
}

fn name(scale: Scale) -> String {
    scale.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

pub(crate) fn print(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => println!("{text}"),
        Err(error) => fail(format_args!("no JSON: {error}")),
    }
}
