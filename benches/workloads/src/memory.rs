//! A process's memory as the kernel reports it.

use std::fs::File;
use std::io::Read;

/// The memory of a live process, in KiB.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) rss: u64,
    /// The proportional set size, in which each process has its share of shared pages; `None` if the kernel does not report it.
    pub(crate) pss: Option<u64>,
}

impl Memory {
    /// The memory of this process now. `smaps_rollup` is exact, while the counters behind `status` may lag by 128 KiB for each CPU.
    pub(crate) fn now() -> Self {
        Self::of("self")
    }

    /// The memory of `process`, a number or `self`.
    pub(crate) fn of(process: &str) -> Self {
        let rollup = format!("/proc/{process}/smaps_rollup");
        let rss = field(&rollup, "Rss:").or_else(|| field(&format!("/proc/{process}/status"), "VmRSS:"));
        Self { rss: rss.unwrap_or(0), pss: field(&rollup, "Pss:") }
    }
}

/// The peak of the resident set since [`forget_peak`], or since the start.
pub(crate) fn peak(process: &str) -> u64 {
    field(&format!("/proc/{process}/status"), "VmHWM:").unwrap_or(0)
}

/// Resets the peak to the current resident set. If that is not permitted, the peak remains that of the whole life.
pub(crate) fn forget_peak() {
    let _refused = std::fs::write("/proc/self/clear_refs", "5");
}

/// The memory that the machine can provide without swapping, in bytes.
pub(crate) fn available() -> usize {
    field("/proc/meminfo", "MemAvailable:").map_or(usize::MAX, |kib| kib as usize * 1024)
}

/// The number that follows `name` in the file.
fn field(path: &str, name: &str) -> Option<u64> {
    let mut text = [0; 4096];
    let length = File::open(path).and_then(|mut file| file.read(&mut text)).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
