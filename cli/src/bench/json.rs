//! The machine-readable report. Field names are stable; `schema` increases when their meaning changes.

use serde::Serialize;

use super::cell::{Cell, Figures};
use super::contender::{Contender, Role};
use super::facts::Facts;
use super::machine::Machine;
use super::measurement::{Latency, Measurement};
use super::metric::Metric;
use super::ranking;

const SCHEMA: u32 = 1;

/// The whole report.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    schema: u32,
    larder_version: &'static str,
    larder_mode: &'a str,
    /// In the format of RFC 3339.
    started: &'a str,
    machine: &'a Machine,
    /// Environment variables for allocators that the user has set, as NAME=value.
    environment: &'a [String],
    scale: &'static str,
    rounds: u32,
    interrupted: bool,
    allocators: Vec<Allocator<'a>>,
    /// Geometric means, over all rows, of the ratio to the best peer of each row.
    overall: Overall,
    cells: Vec<CellReport<'a>>,
}

#[derive(Serialize)]
struct Allocator<'a> {
    name: &'a str,
    /// Null for the system malloc.
    library: Option<String>,
    role: &'static str,
    environment: Vec<String>,
    /// The reason why it was not measured.
    problem: Option<&'a str>,
}

/// One value per allocator, in their order; null where there is nothing to compare.
#[derive(Serialize)]
struct Overall {
    time: Vec<Option<f64>>,
    memory: Vec<Option<f64>>,
}

#[derive(Serialize)]
struct CellReport<'a> {
    workload: &'a str,
    group: &'a str,
    about: &'a str,
    threads: u32,
    /// In the order of the allocators.
    figures: Vec<FiguresReport<'a>>,
}

#[derive(Serialize)]
struct FiguresReport<'a> {
    allocator: &'a str,
    problem: Option<&'a str>,
    time_ns_median: Option<f64>,
    time_ns_min: Option<f64>,
    peak_rss_mib_median: Option<f64>,
    latency: Option<Latency>,
    samples: &'a [Measurement],
}

impl<'a> Report<'a> {
    pub(super) fn new(facts: &'a Facts, cells: &'a [Cell], contenders: &'a [Contender]) -> Self {
        Self {
            schema: SCHEMA,
            larder_version: env!("CARGO_PKG_VERSION"),
            larder_mode: &facts.mode,
            started: &facts.started,
            machine: &facts.machine,
            environment: &facts.environment,
            scale: facts.scale,
            rounds: facts.rounds,
            interrupted: facts.interrupted,
            allocators: contenders.iter().map(Allocator::new).collect(),
            overall: Overall::new(cells, contenders),
            cells: cells.iter().map(|cell| CellReport::new(cell, contenders)).collect(),
        }
    }
}

impl<'a> Allocator<'a> {
    fn new(contender: &'a Contender) -> Self {
        Self {
            name: contender.name(),
            library: contender.allocator.library.as_ref().map(|path| path.display().to_string()),
            role: match contender.role {
                Role::Larder => "larder",
                Role::Peer => "peer",
                Role::Floor => "floor",
            },
            environment: contender.environment.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            problem: contender.problem.as_deref(),
        }
    }
}

impl Overall {
    fn new(cells: &[Cell], contenders: &[Contender]) -> Self {
        let means = |metric| {
            let rows = ranking::rows(cells, contenders, metric);
            let all: Vec<_> = rows.iter().collect();
            (0..contenders.len()).map(|place| ranking::overall(&all, place).map(|(mean, _)| mean)).collect()
        };
        Self { time: means(Metric::Time), memory: means(Metric::Memory) }
    }
}

impl<'a> CellReport<'a> {
    fn new(cell: &'a Cell, contenders: &'a [Contender]) -> Self {
        let figures = cell.figures.iter().zip(contenders);
        Self {
            workload: &cell.workload.name,
            group: &cell.workload.group,
            about: &cell.workload.about,
            threads: cell.threads,
            figures: figures.map(|(figures, contender)| FiguresReport::new(figures, contender.name())).collect(),
        }
    }
}

impl<'a> FiguresReport<'a> {
    fn new(figures: &'a Figures, allocator: &'a str) -> Self {
        let (time, memory) = (figures.spread(Metric::Time), figures.spread(Metric::Memory));
        Self {
            allocator,
            problem: figures.problem.as_deref(),
            time_ns_median: time.map(|it| it.median),
            time_ns_min: time.map(|it| it.min),
            peak_rss_mib_median: memory.map(|it| it.median),
            latency: figures.latency,
            samples: &figures.samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::facts::tests::facts;
    use crate::bench::ranking::tests::{cell, contenders};

    #[test]
    fn the_field_names_stay() {
        let mut cells = [cell("g", "a", [&[1.0, 3.0], &[4.0], &[4.0], &[]])];
        cells[0].figures[3].problem = Some("crashed".into());
        let (contenders, facts) = (contenders(), facts());
        let json = serde_json::to_value(Report::new(&facts, &cells, &contenders)).unwrap();
        assert_eq!(json["schema"], 1);
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let wanted = [
            "allocators",
            "cells",
            "environment",
            "interrupted",
            "larder_mode",
            "larder_version",
            "machine",
            "overall",
            "rounds",
            "scale",
            "schema",
            "started",
        ];
        assert_eq!(keys, wanted);
        assert_eq!(json["overall"]["time"], serde_json::json!([0.5, 1.0, 1.0, null]));
        let bump = &json["allocators"][3];
        assert_eq!((bump["name"].as_str(), bump["role"].as_str()), (Some("bump"), Some("floor")));
        let figures = &json["cells"][0]["figures"];
        assert_eq!(figures[0]["time_ns_median"], 2.0);
        assert_eq!(figures[0]["time_ns_min"], 1.0);
        assert_eq!(figures[0]["peak_rss_mib_median"], 8.0);
        assert_eq!(figures[0]["samples"].as_array().unwrap().len(), 2);
        assert_eq!(figures[3]["problem"], "crashed");
    }
}
