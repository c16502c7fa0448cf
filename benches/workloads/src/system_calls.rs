//! The number of system calls of a run: the kernel's `raw_syscalls:sys_enter` event, counted in all threads and children. The event must be
//! enabled for the whole machine, which takes 50 ms, and every new thread inherits the counter. Therefore system calls are counted only in runs
//! whose time nobody compares: those that time single calls. If the kernel does not allow it, nothing is counted.

use perf_event::events::Tracepoint;
use perf_event::{Builder, Counter};
use std::fs::read_to_string;

/// Where tracefs may be mounted: at its own place, or below debugfs.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// A counter that starts when it is created.
pub(crate) struct SystemCalls(Counter);

impl SystemCalls {
    pub(crate) fn new() -> Option<Self> {
        let id =
            PLACES.iter().find_map(|place| read_to_string(format!("{place}/events/raw_syscalls/sys_enter/id")).ok())?;
        let event = Tracepoint::with_id(id.trim().parse().ok()?);
        let mut counter = Builder::new(event).include_kernel().inherit(true).build().ok()?;
        counter.enable().ok()?;
        Some(Self(counter))
    }

    pub(crate) fn count(mut self) -> Option<u64> {
        self.0.read().ok()
    }
}
