//! The numbers of threads for which a workload is meaningful.

use crate::run::cores;

/// The numbers of threads that make sense for a workload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// One.
    Alone,
    /// One, and one for each core.
    Cores,
    /// One, one for each core, and four for each.
    Crowd,
    /// At least two, because the workload is about how threads affect each other: one for each core, and four for each.
    Together,
    /// This many.
    Exactly(usize),
}

impl Threads {
    /// The counts to measure on this machine.
    pub(crate) fn usual(self) -> Vec<usize> {
        let cores = cores();
        let mut counts = match self {
            Threads::Alone => vec![1],
            Threads::Cores => vec![1, cores],
            Threads::Crowd => vec![1, cores, 4 * cores],
            Threads::Together => vec![cores.max(2), 4 * cores],
            Threads::Exactly(count) => vec![count],
        };
        counts.dedup();
        counts
    }

    pub(crate) fn allow(self, count: usize) -> bool {
        match self {
            Threads::Alone => count == 1,
            Threads::Cores | Threads::Crowd => count >= 1,
            Threads::Together => count >= 2,
            Threads::Exactly(only) => count == only,
        }
    }
}
