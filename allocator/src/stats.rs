//! The figures that a user can see.

pub(crate) mod json;
mod numa;

pub use numa::{Migration, NodeStats, NumaCounts, NumaError, NumaPolicy, RESIDENCE_NODES, Refusal, Residence};

use crate::base::classes::CLASSES;
use crate::base::units::ORDERS;
use core::fmt;

/// How the caches of the CPUs (windows) are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// rseq sections indexed by the kernel's dense per-process CPU number (`mm_cid`).
    RseqCid,
    /// rseq sections indexed by `cpu_id`.
    RseqCpu,
    /// Without rseq, windows behind locks; the text is the reason in a few words.
    Fallback(&'static str),
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::RseqCid => out.write_str("rseq by mm_cid"),
            Mode::RseqCpu => out.write_str("rseq by cpu_id"),
            Mode::Fallback(reason) => write!(out, "fallback: {reason}"),
        }
    }
}

/// The form of the statistics at exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatsForm {
    /// A table for people.
    Table,
    /// One JSON object.
    Json,
}

/// One size class, over all nodes. Counts are numbers of objects or slabs.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClassStats {
    /// Object size in bytes.
    pub size: usize,
    /// Objects the program holds.
    pub in_use: usize,
    /// Free objects in the per-CPU windows.
    pub in_windows: usize,
    /// Free objects in the depots.
    pub in_depots: usize,
    /// Free objects in slabs.
    pub in_slabs: usize,
    /// Slabs.
    pub slabs: usize,
    /// Bytes of all slabs of the class.
    pub slab_bytes: usize,
}

/// Numbers of free runs of one order, over all nodes.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderStats {
    /// Free runs that are kept warm (their pages may be resident and dirty).
    pub warm: usize,
    /// Free runs known to read zero (never touched, or purged).
    pub zero: usize,
}

/// Memory given back to the system so far, by reason, in bytes. Huge objects are left out, because their memory goes back when they are freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenBack {
    /// By a free that found more free pages than the high watermark.
    pub direct: usize,
    /// It was not needed for a while.
    pub decay: usize,
    /// The program was idle.
    pub idle: usize,
    /// Memory was short.
    pub limit: usize,
    /// Asked for by `trim` or `malloc_trim`.
    pub trim: usize,
}

impl GivenBack {
    /// The sum over all reasons.
    pub fn total(&self) -> usize {
        self.direct + self.decay + self.idle + self.limit + self.trim
    }

    /// Adds another's figures.
    pub(crate) fn add(&mut self, other: GivenBack) {
        self.direct += other.direct;
        self.decay += other.decay;
        self.idle += other.idle;
        self.limit += other.limit;
        self.trim += other.trim;
    }
}

/// The pages of one node, in bytes, as in zoneinfo.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageStats {
    /// Readable and writable.
    pub committed: usize,
    /// In slabs and large objects.
    pub in_use: usize,
    /// Free and probably resident.
    pub warm: usize,
    /// Free and known to read zero: never touched, or given back.
    pub zero: usize,
    /// The low end of what is kept warm: this much is kept even while the program is idle.
    pub min: usize,
    /// This much is kept warm while the program works; what lies above it decays.
    pub low: usize,
    /// Above this, a free gives memory back at once.
    pub high: usize,
    /// Given back so far.
    pub given_back: GivenBack,
    /// Given back and soon taken again: an upper bound on the cost of giving back too early.
    pub refaulted: usize,
}

/// All figures, in bytes unless noted otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// How windows are reached.
    pub mode: Mode,
    /// Number of NUMA nodes that the process can have memory of.
    pub nodes: usize,
    /// Address space reserved.
    pub reserved: usize,
    /// Address space readable and writable (arenas, huge mappings, metadata).
    pub committed: usize,
    /// Metadata readable and writable.
    pub metadata: usize,
    /// Small and medium objects in use.
    pub small_in_use: usize,
    /// Large objects (buddy runs) in use.
    pub large_in_use: usize,
    /// Number of large objects in use.
    pub large_count: usize,
    /// Huge objects (with mappings of their own) in use.
    pub huge_in_use: usize,
    /// Number of huge objects in use.
    pub huge_count: usize,
    /// Mappings of freed huge objects, kept with their memory for the next ones.
    pub huge_warm: usize,
    /// Free small and medium objects in windows.
    pub cached_windows: usize,
    /// Free small and medium objects in depots.
    pub cached_depots: usize,
    /// Free small and medium objects in slabs.
    pub cached_slabs: usize,
    /// Free pages kept warm, including those in the quick list (which `orders` leaves out).
    pub warm: usize,
    /// Free pages known to read zero.
    pub zero: usize,
    /// Given back to the system so far (cumulative).
    pub purged: usize,
    /// What counts against the bounds: everything committed except zero pages. 0 where nothing was bounded at the start: then nothing is counted.
    pub held: usize,
    /// The most that may be held (`limit_mib`); 0 for no bound.
    pub limit: usize,
    /// Where memory becomes scarce (the smallest of `limit_mib`, `soft_limit_mib` and the control group's bound); 0 for nowhere.
    pub ceiling: usize,
    /// How often `limit` was met: then either room was made or `malloc` failed.
    pub limit_hits: u64,
    /// `purged` by reason.
    pub given_back: GivenBack,
    /// The part of `purged` that was soon taken again (an upper bound).
    pub refaulted: usize,
    /// The part of the arenas for which transparent huge pages were asked because it is densely used.
    pub thp_asked: usize,
    /// Taken from the system's pool of huge pages so far (cumulative).
    pub hugetlb: usize,
    /// Number of mappings that the pool of huge pages could not serve; they have ordinary pages.
    pub hugetlb_refused: u64,
    /// By class: the index is the number of the class; 0 is unused.
    pub classes: [ClassStats; CLASSES],
    /// Free runs of pages by order: those of order n have 2^n pages of 4 KiB.
    pub orders: [OrderStats; ORDERS],
}

impl Default for Stats {
    fn default() -> Self {
        Stats {
            mode: Mode::Fallback(""),
            nodes: 0,
            reserved: 0,
            committed: 0,
            metadata: 0,
            small_in_use: 0,
            large_in_use: 0,
            large_count: 0,
            huge_in_use: 0,
            huge_count: 0,
            huge_warm: 0,
            cached_windows: 0,
            cached_depots: 0,
            cached_slabs: 0,
            warm: 0,
            zero: 0,
            purged: 0,
            held: 0,
            limit: 0,
            ceiling: 0,
            limit_hits: 0,
            given_back: GivenBack::default(),
            refaulted: 0,
            thp_asked: 0,
            hugetlb: 0,
            hugetlb_refused: 0,
            classes: [ClassStats::default(); CLASSES],
            orders: [OrderStats::default(); ORDERS],
        }
    }
}

impl Stats {
    /// Fills in the sums over the classes.
    pub(crate) fn sum_classes(&mut self) {
        for class in &self.classes {
            self.small_in_use += class.in_use * class.size;
            self.cached_windows += class.in_windows * class.size;
            self.cached_depots += class.in_depots * class.size;
            self.cached_slabs += class.in_slabs * class.size;
        }
    }
}
