//! The command line of `larder bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use regex::Regex;

use crate::args::named_library;

/// Time enough to see each figure once or twice.
const QUICK: Duration = Duration::from_mins(2);
const FULL: Duration = Duration::from_mins(20);

/// A day: nobody waits for longer.
const MOST_SECONDS: u64 = 24 * 60 * 60;

/// As larder-workloads has it.
const MOST_THREADS: i64 = 1024;

pub(crate) const NOTES: &str = "\
Every workload runs with every number of threads under larder, the system malloc, the allocator libraries this machine
has, and those that are built from crates (benches/peers, in target/peers, the first time this takes minutes). Each
round starts with a different allocator, and rounds go on until time is up.

To end in time, --quick runs each workload with as many threads as the machine has processors, and leaves out an
allocator if there is a newer build of it; --threads and --allocators bring them back. Single calls are timed with as
many threads as processors.

Exit status: 0 when all was measured, 1 when an allocator did not load or a run failed (the reasons are below the
tables; the bump allocator may run out of memory), 125 when larder itself failed (to write its report, say), 130 after
Ctrl-C.";

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Measure for about 2 minutes (the default)
    #[arg(long, conflicts_with = "full")]
    pub(crate) quick: bool,
    /// Measure for about 20 minutes, and the latency of single calls too
    #[arg(long)]
    pub(crate) full: bool,
    /// Measure for about N seconds
    #[arg(long, value_name = "N", conflicts_with_all = ["quick", "runs"], value_parser = clap::value_parser!(u64).range(1..=MOST_SECONDS))]
    pub(crate) seconds: Option<u64>,
    /// Only workloads whose name or group matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) only: Option<Regex>,
    /// Measure N workloads that are drawn at random, the same in every run, instead of those that have names
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) drawn: Option<u32>,
    /// Only with these numbers of threads
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=MOST_THREADS))]
    pub(crate) threads: Vec<u32>,
    /// Only these allocators, as --list names them (larder is always there)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) allocators: Vec<String>,
    /// Measure this library too (repeatable)
    #[arg(long, value_name = "NAME=LIB.so", value_parser = named_library())]
    pub(crate) with: Vec<(String, PathBuf)>,
    /// Measure N rounds, however long they take
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: Option<u32>,
    /// How much work a run is: tenths of a second, or seconds
    #[arg(long, value_enum, default_value_t = Scale::Quick)]
    pub(crate) scale: Scale,
    /// Measure the latency of single calls too
    #[arg(long)]
    pub(crate) latency: bool,
    /// Treat a run that takes longer as hung (20 s; 3 min with --scale full)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=MOST_SECONDS))]
    pub(crate) timeout: Option<u64>,
    /// Write all samples to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write a report with charts to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Only list what would be measured
    #[arg(long)]
    pub(crate) list: bool,
    /// Use this liblarder.so
    #[arg(long, value_name = "PATH")]
    pub(crate) lib: Option<PathBuf>,
    /// Use this larder-workloads
    #[arg(long, value_name = "PATH")]
    pub(crate) workloads: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scale {
    Quick,
    Full,
}

impl Bench {
    pub(super) fn budget(&self) -> Duration {
        let usual = if self.full { FULL } else { QUICK };
        self.seconds.map_or(usual, Duration::from_secs)
    }

    pub(super) fn wants_latency(&self) -> bool {
        self.full || self.latency
    }

    /// After this time a run is considered hung.
    pub(super) fn limit(&self) -> Duration {
        let usual = match self.scale {
            Scale::Quick => 20,
            Scale::Full => 180,
        };
        Duration::from_secs(self.timeout.unwrap_or(usual))
    }
}

impl Scale {
    /// The word that larder-workloads uses.
    pub(super) fn word(self) -> &'static str {
        match self {
            Scale::Quick => "quick",
            Scale::Full => "full",
        }
    }
}
