//! The options of a run, and how much work follows from them.

use clap::ValueEnum;
use std::thread::available_parallelism;

/// The amount of work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Scale {
    /// For tests: everything happens once
    #[value(hide = true)]
    Tiny,
    /// About 0.1 s and at most 300 MiB
    Quick,
    /// About 1 s and at most 2 GiB
    Full,
}

/// One run of one workload.
pub(crate) struct Run {
    pub(crate) threads: usize,
    pub(crate) scale: Scale,
    pub(crate) seed: u64,
    /// The number of a drawn workload.
    pub(crate) draw: u64,
}

impl Run {
    pub(crate) fn new(threads: usize, scale: Scale, seed: u64, draw: u64) -> Self {
        Self { threads, scale, seed, draw }
    }

    /// Picks an amount by the scale.
    pub(crate) fn pick<T>(&self, tiny: T, quick: T, full: T) -> T {
        match self.scale {
            Scale::Tiny => tiny,
            Scale::Quick => quick,
            Scale::Full => full,
        }
    }

    /// Each thread's part of something that all threads share, such as memory.
    pub(crate) fn part(&self, whole: usize) -> usize {
        (whole / self.threads).max(1)
    }

    /// Each thread's turns, if a single thread does `turns`. Each core does that many, so that a run takes the same time with many threads as with one.
    pub(crate) fn turns(&self, turns: usize) -> usize {
        (turns * self.threads.min(cores()) / self.threads).max(1)
    }
}

/// The number of CPUs that this process may use.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}
