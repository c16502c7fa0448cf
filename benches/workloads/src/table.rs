//! All workloads: their names, their descriptions, and how to run them.

use crate::calls::{Direct, Timed};
use crate::run::Run;
use crate::team::Outcome;
use crate::threads::Threads::{self, Alone, Cores, Crowd, Together};
use crate::workloads::drawn::Plan;
use crate::workloads::*;
use std::borrow::Cow;

/// What the names of drawn workloads begin with; their number follows.
const DRAWN: &str = "drawn-";

/// A pattern of requests.
#[derive(Clone)]
pub(crate) struct Workload {
    pub(crate) name: Cow<'static, str>,
    pub(crate) group: &'static str,
    pub(crate) about: Cow<'static, str>,
    pub(crate) threads: Threads,
    /// The number of a drawn one, else 0.
    pub(crate) draw: u64,
    /// Runs it at full speed.
    pub(crate) direct: fn(&Run) -> Outcome,
    /// Runs it with every call timed.
    pub(crate) timed: fn(&Run) -> Outcome,
}

/// For each workload: its group, name and threads, the module whose `run` it calls, the generic parameters of that after the calls, and its
/// description.
macro_rules! workloads {
    ($($group:literal $name:literal $threads:ident $module:ident $([$($parameter:expr),*])?: $about:literal;)*) => {
        pub(crate) const WORKLOADS: &[Workload] = &[$(Workload {
            name: Cow::Borrowed($name),
            group: $group,
            about: Cow::Borrowed($about),
            threads: $threads,
            draw: 0,
            direct: $module::run::<Direct $($(, { $parameter })*)?>,
            timed: $module::run::<Timed $($(, { $parameter })*)?>,
        }),*];
    };
}

workloads! {
    "services" "larson" Crowd larson: "a server whose threads hand their objects to their successors";
    "services" "producer-consumer" Together producer_consumer: "some threads allocate, others free";
    "services" "mixed-lifetimes" Crowd mixed_lifetimes: "many live objects, replaced at random in a window that moves";
    "services" "page-cache" Crowd page_cache: "aligned buffers of 4 KiB to 1 MiB that live long";
    "programs" "symbolic" Cores symbolic: "tiny short-lived objects, trees built and torn down";
    "programs" "compiler" Cores compiler: "phases of small objects that go all at once";
    "sharing" "cache-thrash" Crowd false_sharing[false]: "small objects of each thread's own, written to";
    "sharing" "cache-scratch" Crowd false_sharing[true]: "the same, after each freed one of a shared line";
    "pairs" "pair-8" Cores pairs[8]: "malloc(8) and free";
    "pairs" "pair-64" Crowd pairs[64]: "malloc(64) and free";
    "pairs" "pair-1k" Cores pairs[1 << 10]: "malloc(1 KiB) and free";
    "pairs" "pair-32k" Cores pairs[32 << 10]: "malloc(32 KiB) and free";
    "pairs" "pair-256k" Cores pairs[256 << 10]: "malloc(256 KiB) and free";
    "batches" "batch-order" Cores batches[batches::IN_ORDER]: "1,000 mixed objects, the oldest freed first";
    "batches" "batch-reverse" Cores batches[batches::IN_REVERSE]: "1,000 mixed objects, the youngest freed first";
    "batches" "batch-random" Cores batches[batches::AT_RANDOM]: "1,000 mixed objects, freed at random";
    "strings" "strings-1.1x" Cores strings[110]: "16 strings that grow by a tenth, to 8 KiB";
    "strings" "strings-1.5x" Cores strings[150]: "16 strings that grow by half, to 8 KiB";
    "strings" "strings-2x" Cores strings[200]: "16 strings that double, to 8 KiB";
    "growth" "growth-1.1x" Alone growth[110, false]: "a buffer that grows by a tenth to 256 MiB, untouched; 1 GiB at scale full";
    "growth" "growth-1.5x" Alone growth[150, false]: "a buffer that grows by half to 256 MiB, untouched; 1 GiB at scale full";
    "growth" "growth-2x" Alone growth[200, false]: "a buffer that doubles to 256 MiB, untouched; 1 GiB at scale full";
    "growth" "growth-1.1x-touched" Alone growth[110, true]: "a buffer that grows by a tenth to 128 MiB, written to; 1 GiB at scale full";
    "growth" "growth-1.5x-touched" Alone growth[150, true]: "a buffer that grows by half to 128 MiB, written to; 1 GiB at scale full";
    "growth" "growth-2x-touched" Alone growth[200, true]: "a buffer that doubles to 128 MiB, written to; 1 GiB at scale full";
    "large" "calloc" Cores zeroed[false]: "calloc of 1 to 64 MiB, hardly looked at";
    "large" "calloc-touched" Cores zeroed[true]: "calloc of 1 to 64 MiB, written to";
    "large" "large-blocks" Cores large_blocks: "blocks of 32 KiB to 32 MiB, replaced at random";
    "threads" "short-threads" Cores short_threads: "thousands of threads that live shortly";
    "threads" "idle-threads" Alone idle_threads: "1,000 threads that keep some objects and wait";
    "idle" "burst" Cores burst: "hundreds of MiB made and freed, then a quiet second";
    "live" "live-1e3" Alone live[1_000, 1_000]: "a replacement among 1,000 live objects";
    "live" "live-1e4" Alone live[10_000, 10_000]: "a replacement among 10,000 live objects";
    "live" "live-1e5" Alone live[100_000, 100_000]: "a replacement among 100,000 live objects";
    "live" "live-1e6" Alone live[1_000_000, 1_000_000]: "a replacement among 1,000,000 live objects";
    "live" "live-most" Alone live[3_000_000, 30_000_000]: "a replacement among 3,000,000 live objects; 30,000,000 at scale full";
    "start" "process-start" Alone process_start: "fork, exec and end of /bin/true";
}

pub(crate) fn find(name: &str) -> Option<Workload> {
    match name.strip_prefix(DRAWN) {
        Some(number) => number.parse().ok().filter(|&number| number > 0).map(drawn),
        None => WORKLOADS.iter().find(|workload| workload.name == name).cloned(),
    }
}

/// The workload that a number draws.
pub(crate) fn drawn(number: u64) -> Workload {
    let plan = Plan::drawn(number);
    Workload {
        name: format!("{DRAWN}{number}").into(),
        group: "drawn",
        about: plan.to_string().into(),
        threads: Threads::Exactly(plan.threads),
        draw: number,
        direct: drawn::run::<Direct>,
        timed: drawn::run::<Timed>,
    }
}
