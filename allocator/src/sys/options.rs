//! Options: `LARDER_CONF=key:value,key:value`.
//!
//! One table says everything: the parser, the complaints and `larder options` all read it. A value is kept as a number: the index of the choice, or
//! the number itself. A list of nodes, which does not fit into a number, is kept beside it. A wrong word gets one line on stderr, and the value given
//! before, or the default, remains.

use super::nodeset::NodeSet;
use super::numa::MemoryPolicy;
use super::{die::warn, environment, shown::Shown};
use crate::base::sync::{AtomicU64, Ordering};
use core::fmt;

/// One option.
#[derive(Debug)]
pub struct Spec {
    /// Its name.
    pub key: &'static str,
    /// Its possible values: choices separated by `|`, or a range `low..high` of whole numbers. A choice that ends with `:NODES` is followed by a list
    /// of nodes, with `+` between them because `,` separates options: `0+2`, `0-3`.
    pub values: &'static str,
    /// Its value if none is given.
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
    /// The most that is kept warm.
    WarmLimit,
    /// Memory policy: see [`Settings::memory_policy`].
    Numa,
    /// Huge pages.
    Thp,
    /// Frees of memory that is not larder's.
    ForeignFree,
    /// How the per-CPU windows are reached.
    PerCpu,
    /// When a double free is noticed.
    DoubleFree,
    /// The most memory that larder may hold.
    Limit,
    /// The most memory that larder should hold.
    SoftLimit,
    /// Whether and when the bounds of control groups are looked at.
    Cgroup,
    /// The helper thread.
    Idle,
    /// The system's pool of huge pages.
    HugeTlb,
    /// Whether `dlopen` passes `RTLD_DEEPBIND` on.
    DeepBind,
}

/// Every option, in the order of `Key`.
pub static OPTIONS: [Spec; 14] = [
    Spec {
        key: "stats",
        values: "off|exit|json",
        default: "off",
        help: "print statistics to stderr when the process exits: as tables (exit), or as one JSON object on one line (json)",
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
        default: "1048576",
        help: "most free memory kept warm per node, in MiB, even if the program may soon need more again; beyond it the oldest is given back at once",
    },
    Spec {
        key: "numa",
        values: "local|interleave|interleave:NODES|bind:NODES|preferred:NODES|off|on",
        default: "local",
        help: "which NUMA nodes memory comes from: each thread's own, or as numactl says (local, on), all or some in turn (interleave), some only (bind), some first (preferred), or as on a machine with one node (off); NODES is a list such as 0-1+4",
    },
    Spec {
        key: "thp",
        values: "auto|never|madvise|always",
        default: "auto",
        help: "transparent huge pages: requested in well-used arenas (auto), refused (never), requested beyond the first 16 MiB of an arena (madvise), or everywhere (always)",
    },
    Spec {
        key: "foreign_free",
        values: "abort|ignore",
        default: "abort",
        help: "what free does with a pointer to memory that is not larder's",
    },
    Spec {
        key: "percpu",
        values: "auto|cpu|locked",
        default: "auto",
        help: "how a thread reaches the caches of its CPU: by restartable sequences where the system has them (auto), the same, but indexed by the CPU's own number (cpu), or behind locks (locked)",
    },
    Spec {
        key: "double_free",
        values: "later|at_once",
        default: "later",
        help: "when a double free is noticed: when larder next looks at the object anyway (later), or at the second free, which makes every call slower (at_once)",
    },
    Spec {
        key: "limit_mib",
        values: "0..1073741824",
        default: "0",
        help: "most memory in use or kept warm, in MiB; beyond it malloc returns NULL with ENOMEM; 0: no limit",
    },
    Spec {
        key: "soft_limit_mib",
        values: "0..1073741824",
        default: "0",
        help: "above this many MiB no free memory is kept warm, and less and less as the limit comes near; 0: no limit",
    },
    Spec {
        key: "cgroup",
        values: "watch|start|poll|off",
        default: "watch",
        help: "treat the control group's bound as a soft limit: watched by the helper thread (watch), read once at the start (start), looked at by the program's own calls too (poll), or ignored (off)",
    },
    Spec {
        key: "idle",
        values: "auto|always|off",
        default: "auto",
        help: "helper thread that gives memory back while the program is idle: once the program has threads and 16 MiB lie free (auto), in a program of one thread too (always), or never (off)",
    },
    Spec {
        key: "hugetlb",
        values: "off|2m|1g",
        default: "off",
        help: "take huge objects (above 32 MiB) from the system's pool of huge pages of this size, as long as any are left",
    },
    Spec {
        key: "deepbind",
        values: "drop|keep",
        default: "drop",
        help: "what dlopen does with RTLD_DEEPBIND, which makes a plugin find the C library's free instead of larder's (liblarder.so, liblarder.a)",
    },
];

/// The environment variable that holds them.
pub const VARIABLE: &str = "LARDER_CONF";

const UNSET: u64 = u64::MAX;

/// Ends a choice that is followed by a list of nodes.
const NODES: &str = ":NODES";
/// The choices of [`Key::Numa`] that ask for a policy.
const INTERLEAVE: u64 = 1;
const INTERLEAVE_AMONG: u64 = 2;
const BIND: u64 = 3;
const PREFERRED: u64 = 4;
const OFF: u64 = 5;

/// The settings of a process.
#[derive(Debug)]
pub struct Settings {
    values: [AtomicU64; OPTIONS.len()],
    /// The list of [`Key::Numa`].
    nodes: [AtomicU64; 16],
}

impl Default for Settings {
    fn default() -> Self {
        Settings::new()
    }
}

impl Settings {
    /// All values are the defaults.
    pub const fn new() -> Settings {
        Settings { values: [const { AtomicU64::new(UNSET) }; OPTIONS.len()], nodes: [const { AtomicU64::new(0) }; 16] }
    }
}

impl Settings {
    /// Returns the present value: the index of the choice, or the number.
    pub fn get(&self, key: Key) -> u64 {
        self.value(key as usize)
    }

    fn value(&self, index: usize) -> u64 {
        let spec = &OPTIONS[index];
        match self.values[index].load(Ordering::Relaxed) {
            UNSET => parse_value(spec, spec.default).unwrap_or(0),
            value => value,
        }
    }

    /// Returns whether the machine is to be treated as one of a single node.
    pub fn ignores_nodes(&self) -> bool {
        self.get(Key::Numa) == OFF
    }

    /// Returns the memory policy that is asked for, if any. It covers all nodes if none are named.
    pub fn memory_policy(&self, all: &NodeSet) -> Option<MemoryPolicy> {
        let nodes = self.nodes();
        match self.get(Key::Numa) {
            INTERLEAVE => Some(MemoryPolicy::Interleave(*all)),
            INTERLEAVE_AMONG => Some(MemoryPolicy::Interleave(nodes)),
            BIND => Some(MemoryPolicy::Bind(nodes)),
            PREFERRED => Some(MemoryPolicy::Preferred(nodes)),
            _ => None,
        }
    }

    fn nodes(&self) -> NodeSet {
        NodeSet::from_words(core::array::from_fn(|index| self.nodes[index].load(Ordering::Relaxed)))
    }

    /// Reads `LARDER_CONF`, and sets everything else to its default.
    pub fn read_environment(&self) {
        for (slot, spec) in self.values.iter().zip(&OPTIONS) {
            slot.store(parse_value(spec, spec.default).unwrap_or(0), Ordering::Relaxed);
        }
        if let Some(text) = environment::variable(VARIABLE) {
            self.read(text);
        }
    }

    /// Reads `key:value,key:value`; complains about what it does not understand.
    pub fn read(&self, text: impl AsRef<[u8]>) {
        let items = text.as_ref().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        items.filter(|item| !item.is_empty()).for_each(|item| self.read_item(item));
    }

    fn read_item(&self, item: &[u8]) {
        let mut parts = item.splitn(2, |byte| *byte == b':');
        let (key, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let Some(index) = OPTIONS.iter().position(|spec| spec.key.as_bytes() == key) else {
            warn(format_args!("LARDER_CONF: unknown key '{}'; the keys are {Keys}", Shown(key)));
            return;
        };
        if core::str::from_utf8(value).ok().and_then(|value| self.set(index, value)).is_none() {
            let Spec { key, values, .. } = OPTIONS[index];
            let (value, now) = (Shown(value), InForce(self, index));
            warn(format_args!("LARDER_CONF: bad value '{value}' for '{key}'; expected {values}; using {now}"));
        }
    }

    /// Sets an option; returns `None` if it may not have the value.
    fn set(&self, index: usize, value: &str) -> Option<()> {
        let number = parse_value(&OPTIONS[index], value)?;
        self.values[index].store(number, Ordering::Relaxed);
        if let Some(nodes) = nodes_in(value) {
            self.nodes.iter().zip(nodes.words()).for_each(|(word, bits)| word.store(*bits, Ordering::Relaxed));
        }
        Some(())
    }
}

fn parse_value(spec: &Spec, value: &str) -> Option<u64> {
    match spec.values.split_once("..") {
        Some((low, high)) => {
            let number: u64 = value.parse().ok()?;
            (low.parse().ok()?..=high.parse().ok()?).contains(&number).then_some(number)
        }
        None => spec.values.split('|').position(|choice| is_choice(choice, value)).map(|index| index as u64),
    }
}

fn is_choice(choice: &str, value: &str) -> bool {
    match choice.strip_suffix(NODES) {
        Some(word) => value.split_once(':').is_some_and(|(first, _)| first == word) && nodes_in(value).is_some(),
        None => choice == value,
    }
}

/// Returns the list of nodes in a value such as `bind:0+2`.
fn nodes_in(value: &str) -> Option<NodeSet> {
    value.split_once(':').and_then(|(_, list)| NodeSet::parse(list, '+'))
}

/// The present value of an option, as it is written in `LARDER_CONF`.
struct InForce<'a>(&'a Settings, usize);

impl fmt::Display for InForce<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InForce(settings, index) = *self;
        let (values, now) = (OPTIONS[index].values, settings.value(index));
        if values.contains("..") {
            return write!(out, "{now}");
        }
        let choice = values.split('|').nth(now as usize).unwrap_or_default();
        match choice.strip_suffix(NODES) {
            Some(word) => {
                write!(out, "{word}:")?;
                settings.nodes().write(out, "+")
            }
            None => out.write_str(choice),
        }
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
    extern crate std;
    use std::string::ToString;

    #[test]
    fn values_are_read_and_refused() {
        let settings = Settings::new();
        assert_eq!(settings.get(Key::PurgeDelay), 1000);
        settings.read("purge_delay_ms:250,thp:always, stats:exit");
        assert_eq!(settings.get(Key::PurgeDelay), 250);
        assert_eq!(settings.get(Key::Thp), 3);
        assert_eq!(settings.get(Key::Stats), 1);
        settings.read("purge_delay_ms:-1,thp:maybe,nonsense:1,numa");
        assert_eq!(settings.get(Key::PurgeDelay), 250);
        assert_eq!(settings.get(Key::Thp), 3);
        assert_eq!(settings.get(Key::Numa), 0);
    }

    #[test]
    fn lists_of_nodes_are_read_and_refused() {
        let all = NodeSet::parse("0-7", ',').unwrap();
        let policy = |text: &str| {
            let settings = Settings::new();
            settings.read(text);
            settings.memory_policy(&all)
        };
        assert_eq!(policy("numa:interleave"), Some(MemoryPolicy::Interleave(all)));
        assert_eq!(policy("numa:interleave:1+3"), NodeSet::parse("1,3", ',').map(MemoryPolicy::Interleave));
        assert_eq!(policy("thp:never,numa:bind:0-2+5"), NodeSet::parse("0-2,5", ',').map(MemoryPolicy::Bind));
        assert_eq!(policy("numa:preferred:63"), Some(MemoryPolicy::Preferred(NodeSet::of(63))));
        for local in ["numa:local", "numa:on", "numa:off", "numa:bind", "numa:bind:", "numa:bind:x", "numa:local:1"] {
            assert_eq!(policy(local), None, "{local}");
        }
    }

    #[test]
    fn a_bad_byte_spoils_its_item_alone() {
        let settings = Settings::new();
        settings.read(b"thp:never,x\xff:1,thp:\xff,limit_mib:64");
        assert_eq!((settings.get(Key::Thp), settings.get(Key::Limit)), (1, 64));
    }

    #[test]
    fn what_is_in_force_is_told_as_it_is_written() {
        let told = |text: &str, key: Key| {
            let settings = Settings::new();
            settings.read(text);
            InForce(&settings, key as usize).to_string()
        };
        assert_eq!(told("", Key::PurgeDelay), "1000");
        assert_eq!(told("purge_delay_ms:250,purge_delay_ms:-1", Key::PurgeDelay), "250");
        assert_eq!(told("thp:madvise,thp:maybe", Key::Thp), "madvise");
        assert_eq!(told("numa:bind:0-2+5,numa:bind", Key::Numa), "bind:0-2+5");
    }

    #[test]
    fn every_default_is_a_value() {
        for spec in &OPTIONS {
            assert!(parse_value(spec, spec.default).is_some(), "{}", spec.key);
        }
    }
}
