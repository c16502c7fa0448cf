//! What the kernel says about a process's memory.

use std::fs::File;
use std::io::Read;

/// Of a live process, in KiB.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) rss: u64,
    /// Shared pages count in parts; `None` where the kernel does not say.
    pub(crate) pss: Option<u64>,
}

impl Memory {
    /// Of this process, now. `smaps_rollup` is exact, while the counters behind `status` may lag by 128 KiB for each CPU.
    pub(crate) fn now() -> Self {
        Self::of("self")
    }

    /// Of `process`: a number or `self`.
    pub(crate) fn of(process: &str) -> Self {
        let rollup = format!("/proc/{process}/smaps_rollup");
        let rss = field(&rollup, "Rss:").or_else(|| field(&format!("/proc/{process}/status"), "VmRSS:"));
        Self { rss: rss.unwrap_or(0), pss: field(&rollup, "Pss:") }
    }
}

/// The most that was resident since [`forget_peak`], or ever.
pub(crate) fn peak(process: &str) -> u64 {
    field(&format!("/proc/{process}/status"), "VmHWM:").unwrap_or(0)
}

/// The peak begins anew, at what is resident now. Where that is not permitted the peak is the whole life's.
pub(crate) fn forget_peak() {
    let _refused = std::fs::write("/proc/self/clear_refs", "5");
}

/// What the machine can give without swapping, in bytes.
pub(crate) fn available() -> usize {
    field("/proc/meminfo", "MemAvailable:").map_or(usize::MAX, |kib| kib as usize * 1024)
}

/// The number behind `name`.
fn field(path: &str, name: &str) -> Option<u64> {
    let mut text = [0; 4096];
    let length = File::open(path).and_then(|mut file| file.read(&mut text)).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
