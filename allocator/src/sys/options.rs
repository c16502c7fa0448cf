//! Options: `LARDER_CONF=key:value,key:value`.
//!
//! One table says everything: the parser, the complaints and `larder options` all read it. A value is kept as a number: the index
//! of the choice, or the number itself. A word that is wrong gets one line on stderr and the default stands.

use super::{die::warn, environment};
use crate::base::sync::{AtomicU64, Ordering};
use core::fmt;

/// One option.
#[derive(Debug)]
pub struct Spec {
    /// Its name.
    pub key: &'static str,
    /// What it may be: choices separated by `|`, or a range `low..high` of whole numbers.
    pub values: &'static str,
    /// What it is when not said.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// Names an option's place in [`OPTIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Key {
    /// Statistics at exit.
    Stats,
    /// How long freed pages stay warm.
    PurgeDelay,
    /// Most that is kept warm.
    WarmLimit,
    /// NUMA awareness.
    Numa,
    /// Huge pages.
    Thp,
    /// Frees of memory that is not larder's.
    ForeignFree,
    /// How the per-CPU windows are reached.
    PerCpu,
    /// When a double free is noticed.
    DoubleFree,
}

/// Every option, in the order of [`Key`].
pub static OPTIONS: [Spec; 8] = [
    Spec {
        key: "stats",
        values: "off|exit",
        default: "off",
        help: "print statistics to stderr when the process exits",
    },
    Spec {
        key: "purge_delay_ms",
        values: "0..3600000",
        default: "1000",
        help: "how long freed pages stay warm before they are given back to the system, in milliseconds",
    },
    Spec {
        key: "warm_limit_mib",
        values: "0..1048576",
        default: "256",
        help: "most free memory kept warm per node, in MiB; beyond it the oldest is given back at once",
    },
    Spec { key: "numa", values: "on|off", default: "on", help: "one arena per NUMA node, or a single one" },
    Spec {
        key: "thp",
        values: "auto|never|always",
        default: "auto",
        help: "transparent huge pages for the arenas: the system's own setting, refused, or asked for",
    },
    Spec {
        key: "foreign_free",
        values: "abort|ignore",
        default: "abort",
        help: "what free does with a pointer that is not larder's memory",
    },
    Spec {
        key: "percpu",
        values: "auto|cpu|locked",
        default: "auto",
        help: "per-CPU windows by restartable sequences where the system has them, by the CPU's own number, or behind locks",
    },
    Spec {
        key: "double_free",
        values: "later|at_once",
        default: "later",
        help: "when a double free is noticed: at the latest chance that costs nothing, or at the second free (every call is slower)",
    },
];

/// The environment variable that holds them.
pub const VARIABLE: &str = "LARDER_CONF";

const UNSET: u64 = u64::MAX;

/// The settings of a process.
#[derive(Debug)]
pub struct Settings([AtomicU64; OPTIONS.len()]);

impl Default for Settings {
    fn default() -> Self {
        Settings::new()
    }
}

impl Settings {
    /// All defaults.
    pub const fn new() -> Settings {
        Settings([const { AtomicU64::new(UNSET) }; OPTIONS.len()])
    }
}

impl Settings {
    /// The present value: the index of the choice, or the number.
    pub fn get(&self, key: Key) -> u64 {
        let spec = &OPTIONS[key as usize];
        match self.0[key as usize].load(Ordering::Relaxed) {
            UNSET => parse_value(spec, spec.default).unwrap_or(0),
            value => value,
        }
    }

    /// Reads `LARDER_CONF`, and settles what it does not say.
    pub fn read_environment(&self) {
        for (slot, spec) in self.0.iter().zip(&OPTIONS) {
            slot.store(parse_value(spec, spec.default).unwrap_or(0), Ordering::Relaxed);
        }
        if let Some(text) = environment::variable(VARIABLE) {
            self.read(text);
        }
    }

    /// Reads `key:value,key:value`; complains about what it does not understand.
    pub fn read(&self, text: &str) {
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            self.read_item(item);
        }
    }

    fn read_item(&self, item: &str) {
        let (key, value) = item.split_once(':').unwrap_or((item, ""));
        let Some(index) = OPTIONS.iter().position(|spec| spec.key == key) else {
            warn(format_args!("LARDER_CONF: unknown key '{key}'; the keys are {Keys}"));
            return;
        };
        let spec = &OPTIONS[index];
        match parse_value(spec, value) {
            Some(number) => self.0[index].store(number, Ordering::Relaxed),
            None => warn(format_args!(
                "LARDER_CONF: bad value '{value}' for '{key}'; it may be {}; using {}",
                spec.values, spec.default
            )),
        }
    }
}

fn parse_value(spec: &Spec, value: &str) -> Option<u64> {
    match spec.values.split_once("..") {
        Some((low, high)) => {
            let number: u64 = value.parse().ok()?;
            (low.parse().ok()?..=high.parse().ok()?).contains(&number).then_some(number)
        }
        None => spec.values.split('|').position(|choice| choice == value).map(|index| index as u64),
    }
}

struct Keys;

impl fmt::Display for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, spec) in OPTIONS.iter().enumerate() {
            write!(out, "{}{}", if index == 0 { "" } else { ", " }, spec.key)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_refused() {
        let settings = Settings::new();
        assert_eq!(settings.get(Key::PurgeDelay), 1000);
        settings.read("purge_delay_ms:250,thp:always, stats:exit");
        assert_eq!(settings.get(Key::PurgeDelay), 250);
        assert_eq!(settings.get(Key::Thp), 2);
        assert_eq!(settings.get(Key::Stats), 1);
        settings.read("purge_delay_ms:-1,thp:maybe,nonsense:1,numa");
        assert_eq!(settings.get(Key::PurgeDelay), 250);
        assert_eq!(settings.get(Key::Thp), 2);
        assert_eq!(settings.get(Key::Numa), 0);
    }

    #[test]
    fn every_default_is_a_value() {
        for spec in &OPTIONS {
            assert!(parse_value(spec, spec.default).is_some(), "{}", spec.key);
        }
    }
}
