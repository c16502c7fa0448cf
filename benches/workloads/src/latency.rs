//! The latency of single calls. The time stamp counter is read before and after each call; the cost of two readings is measured at the start and
//! subtracted. Times go into a histogram of fixed size with steps of one percent.
#![allow(unsafe_code, reason = "reads the time stamp counter")]

use crate::fail::fail;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Longer calls count as this long.
const LONGEST_NS: u64 = 60_000_000_000;

/// The latencies of all calls of a run.
#[derive(Serialize)]
pub(crate) struct Latency {
    /// All calls that return an object: malloc, calloc, realloc, aligned_alloc.
    malloc_ns: Option<Quantiles>,
    free_ns: Option<Quantiles>,
}

#[derive(Serialize)]
struct Quantiles {
    p50: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl Latency {
    /// `None` if no call was counted.
    pub(crate) fn of(allocations: Vec<Recorder>, frees: Vec<Recorder>) -> Option<Self> {
        let (malloc_ns, free_ns) = (Quantiles::of(allocations), Quantiles::of(frees));
        (malloc_ns.is_some() || free_ns.is_some()).then_some(Self { malloc_ns, free_ns })
    }
}

impl Quantiles {
    fn of(recorders: Vec<Recorder>) -> Option<Self> {
        let mut all = histogram();
        recorders.iter().for_each(|recorder| all += &recorder.times);
        let at = |quantile| all.value_at_quantile(quantile);
        (!all.is_empty()).then(|| Self { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: all.max() })
    }
}

/// One thread's calls of one kind.
pub(crate) struct Recorder {
    times: Histogram<u64>,
    clock: Clock,
    counts: bool,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { times: histogram(), clock: *CLOCK, counts: false }
    }

    pub(crate) fn count(&mut self, yes: bool) {
        self.counts = yes;
    }

    #[inline]
    pub(crate) fn time<R>(&mut self, call: impl FnOnce() -> R) -> R {
        let before = ticks();
        let result = call();
        let after = ticks();
        if self.counts {
            self.times.saturating_record(self.clock.nanoseconds(after - before));
        }
        result
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 2).unwrap_or_else(|error| fail(format_args!("no histogram: {error}")))
}

/// Converts ticks of the counter.
#[derive(Clone, Copy)]
struct Clock {
    nanoseconds_per_tick: f64,
    /// The ticks between two readings with no call between them.
    own: u64,
}

static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::calibrated);

impl Clock {
    fn calibrated() -> Self {
        let (began, first) = (Instant::now(), ticks());
        let mut gaps: Vec<u64> = (0..10_001).map(|_| gap()).collect();
        gaps.sort_unstable();
        while began.elapsed() < Duration::from_millis(20) {}
        let (passed, last) = (began.elapsed(), ticks());
        Self { nanoseconds_per_tick: passed.as_nanos() as f64 / (last - first) as f64, own: gaps[gaps.len() / 2] }
    }

    fn nanoseconds(self, ticks: u64) -> u64 {
        (ticks.saturating_sub(self.own) as f64 * self.nanoseconds_per_tick).round() as u64
    }
}

fn gap() -> u64 {
    let before = ticks();
    black_box(());
    ticks() - before
}

/// Reads the time stamp counter, after everything before it has finished and before anything after it begins.
#[cfg(target_arch = "x86_64")]
#[inline]
fn ticks() -> u64 {
    use std::arch::x86_64::{__rdtscp, _mm_lfence};
    let mut cpu = 0;
    // SAFETY: every x86-64 processor of this century has the instruction, and `cpu` is a local variable.
    let now = unsafe { __rdtscp(&raw mut cpu) };
    // SAFETY: the instruction is part of the base instruction set.
    unsafe { _mm_lfence() };
    now
}

/// Nanoseconds since the first reading.
#[cfg(not(target_arch = "x86_64"))]
fn ticks() -> u64 {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed().as_nanos() as u64
}
