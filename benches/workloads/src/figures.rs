//! The cost of the measured phase of a run: time, CPU time, page faults and memory.

use crate::fail::fail;
use crate::memory::{forget_peak, peak};
use crate::system_calls::SystemCalls;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use std::time::Instant;

/// The figures between a start and a stop.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_rss_kib: u64,
    pub(crate) minor_faults: u64,
    pub(crate) major_faults: u64,
    pub(crate) system_calls: Option<u64>,
}

/// A watch that runs from start to stop.
pub(crate) struct Watch {
    who: UsageWho,
    system_calls: Option<SystemCalls>,
    usage: Usage,
    began: Instant,
}

impl Watch {
    /// Starts a watch of this process, or of the children that it waits for.
    pub(crate) fn start(who: UsageWho, system_calls: bool) -> Self {
        let system_calls = if system_calls { SystemCalls::new() } else { None };
        forget_peak();
        Self { who, system_calls, usage: usage(who), began: Instant::now() }
    }

    pub(crate) fn stop(self) -> Figures {
        let seconds = self.began.elapsed().as_secs_f64();
        let (before, after) = (self.usage, usage(self.who));
        Figures {
            seconds,
            cpu_seconds: cpu(&after) - cpu(&before),
            minor_faults: (after.minor_page_faults() - before.minor_page_faults()) as u64,
            major_faults: (after.major_page_faults() - before.major_page_faults()) as u64,
            system_calls: self.system_calls.and_then(SystemCalls::count),
            peak_rss_kib: peak("self"),
        }
    }
}

fn usage(who: UsageWho) -> Usage {
    getrusage(who).unwrap_or_else(|error| fail(format_args!("no resource usage: {error}")))
}

fn cpu(usage: &Usage) -> f64 {
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}
