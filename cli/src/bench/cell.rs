//! A cell is a workload with a number of threads, and the figures of each allocator for it.

use anyhow::{Result, bail};
use regex::Regex;

use super::measurement::{Latency, Measurement, Workload};

/// The figures of one allocator in a cell.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) samples: Vec<Measurement>,
    pub(super) latency: Option<Latency>,
    /// Why there are no more figures.
    pub(super) problem: Option<String>,
}

/// A workload with a number of threads.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) workload: Workload,
    pub(super) threads: u32,
    /// In the order of the allocators.
    pub(super) figures: Vec<Figures>,
}

/// The user's choice of cells.
pub(super) struct Choice<'a> {
    pub(super) only: Option<&'a Regex>,
    /// The numbers of threads; if empty, those that the workload names.
    pub(super) threads: &'a [u32],
    /// Of the numbers that the workload names, take only the one that keeps the processors busy.
    pub(super) one_each: bool,
    pub(super) processors: u32,
}

impl Cell {
    /// The cell's name, such as `larson x4`.
    pub(super) fn name(&self) -> String {
        format!("{} x{}", self.workload.name, self.threads)
    }

    /// Whether no contender has run it.
    pub(super) fn is_untouched(&self) -> bool {
        self.figures.iter().all(|figures| figures.samples.is_empty() && figures.problem.is_none())
    }
}

/// The cells of a choice, with room for the figures of `allocators` allocators.
pub(super) fn cells(workloads: &[Workload], choice: &Choice, allocators: usize) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for workload in workloads.iter().filter(|it| choice.has(it)) {
        cells.extend(choice.threads_of(workload).into_iter().map(|threads| Cell {
            workload: workload.clone(),
            threads,
            figures: (0..allocators).map(|_| Figures::default()).collect(),
        }));
    }
    if cells.is_empty() {
        bail!("--only and --threads leave no workload: see larder bench --list");
    }
    Ok(cells)
}

/// The workload's number of threads that keeps the processors busy: the largest that is at most `processors`, else its smallest.
pub(super) fn busy(workload: &Workload, processors: u32) -> u32 {
    let usual = || workload.threads.iter().copied();
    usual().filter(|threads| *threads <= processors).max().or_else(|| usual().min()).unwrap_or(1)
}

impl Choice<'_> {
    fn has(&self, workload: &Workload) -> bool {
        self.only.is_none_or(|only| only.is_match(&workload.name) || only.is_match(&workload.group))
    }

    /// The numbers of threads to run a workload with. Of the numbers that the user named, a workload with several numbers of threads can run with any
    /// from its smallest on, another one only with its own.
    fn threads_of(&self, workload: &Workload) -> Vec<u32> {
        let usual = &workload.threads;
        let able = |threads: &u32| usual.contains(threads) || (usual.len() > 1 && usual.iter().min() <= Some(threads));
        match (self.threads, self.one_each) {
            ([], true) => vec![busy(workload, self.processors)],
            ([], false) => usual.clone(),
            (named, _) => named.iter().copied().filter(able).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(name: &str, group: &str, threads: &[u32]) -> Workload {
        Workload { name: name.into(), group: group.into(), about: String::new(), threads: threads.into() }
    }

    fn names(only: Option<&str>, threads: &[u32], one_each: bool) -> Vec<String> {
        let workloads = [
            workload("larson", "services", &[1, 4, 16]),
            workload("start", "process", &[1]),
            workload("exchange", "services", &[8, 16]),
        ];
        let only = only.map(|it| Regex::new(it).unwrap());
        let cells = cells(&workloads, &Choice { only: only.as_ref(), threads, one_each, processors: 4 }, 2);
        cells.map(|cells| cells.iter().map(Cell::name).collect()).unwrap_or_default()
    }

    #[test]
    fn all_that_say_something() {
        assert_eq!(
            names(None, &[], false),
            ["larson x1", "larson x4", "larson x16", "start x1", "exchange x8", "exchange x16"]
        );
    }

    #[test]
    fn one_each_keeps_the_processors_busy() {
        assert_eq!(names(None, &[], true), ["larson x4", "start x1", "exchange x8"]);
    }

    #[test]
    fn named_threads_are_for_those_that_can() {
        assert_eq!(names(None, &[2, 1], true), ["larson x2", "larson x1", "start x1"]);
    }

    #[test]
    fn names_and_groups_match() {
        assert_eq!(names(Some("^serv"), &[1], true), ["larson x1"]);
        assert_eq!(names(Some("sta"), &[], true), ["start x1"]);
        assert!(names(Some("nothing"), &[], true).is_empty());
    }
}
