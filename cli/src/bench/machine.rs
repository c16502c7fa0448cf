//! The machine on which the figures were measured.

use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;

/// The machine as Linux describes it.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) processor: String,
    /// The number of processors that this process may use.
    pub(super) processors: usize,
    pub(super) memory_gib: u64,
    pub(super) kernel: String,
    /// The setting of transparent huge pages.
    pub(super) thp: String,
}

impl Machine {
    pub(super) fn here() -> Self {
        let kib = field("/proc/meminfo", "MemTotal").and_then(|it| it.trim_end_matches(" kB").parse::<u64>().ok());
        let thp = read("/sys/kernel/mm/transparent_hugepage/enabled");
        Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            processors: available_parallelism().map_or(1, usize::from),
            memory_gib: kib.unwrap_or(0).div_ceil(1 << 20),
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease")),
            thp: bracketed(&thp).unwrap_or("unknown").into(),
        }
    }

    /// The machine in one line.
    pub(super) fn line(&self) -> String {
        let Self { processor, processors, memory_gib, kernel, thp } = self;
        format!("{processors} processors of {processor}, {memory_gib} GiB, {kernel}, THP {thp}")
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().into()
}

/// The value of the first line `name : value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path);
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().into())
}

/// The word in brackets: the chosen setting.
fn bracketed(text: &str) -> Option<&str> {
    text.split_once('[')?.1.split_once(']').map(|(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_known() {
        let machine = Machine::here();
        assert!(machine.processors > 0 && machine.memory_gib > 0, "{machine:?}");
        assert!(machine.kernel.len() > "Linux ".len(), "{machine:?}");
    }

    #[test]
    fn the_choice_is_in_brackets() {
        assert_eq!(bracketed("always [madvise] never"), Some("madvise"));
        assert_eq!(bracketed(""), None);
    }
}
