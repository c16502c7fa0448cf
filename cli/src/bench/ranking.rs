//! How larder compares with the best peer of each row, whichever that is, and over many rows.

use super::cell::Cell;
use super::contender::{Contender, Role};
use super::metric::{Metric, Spread};
use crate::measure::statistics::geometric_mean;

/// All figures of one metric in one cell.
pub(super) struct Row<'a> {
    pub(super) cell: &'a Cell,
    /// The figures, in the order of the contenders.
    pub(super) spreads: Vec<Option<Spread>>,
    /// The place of the peer with the smallest median.
    pub(super) best: Option<usize>,
}

/// larder compared with the best peer of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Standing {
    pub(super) larder: f64,
    pub(super) best: f64,
    /// larder's median divided by the peer's. Below 1, larder is ahead.
    pub(super) ratio: f64,
    /// Whether the difference may be due to chance.
    pub(super) noise: bool,
}

/// The rows that have any figure.
pub(super) fn rows<'a>(cells: &'a [Cell], contenders: &[Contender], metric: Metric) -> Vec<Row<'a>> {
    let row = |cell: &'a Cell| {
        let spreads: Vec<_> = cell.figures.iter().map(|figures| figures.spread(metric)).collect();
        let best = best_peer(&spreads, contenders);
        Row { cell, spreads, best }
    };
    cells.iter().map(row).filter(|row| row.spreads.iter().any(Option::is_some)).collect()
}

fn best_peer(spreads: &[Option<Spread>], contenders: &[Contender]) -> Option<usize> {
    let peers = contenders.iter().enumerate().filter(|(_, it)| it.role == Role::Peer).map(|(place, _)| place);
    let medians = peers.filter_map(|place| Some((place, spreads[place]?.median)));
    medians.min_by(|left, right| left.1.total_cmp(&right.1)).map(|(place, _)| place)
}

impl Row<'_> {
    /// The contender's median divided by that of the best peer; `None` if that is 0.
    pub(super) fn ratio(&self, place: usize) -> Option<f64> {
        let ratio = self.spreads[place]?.median / self.spreads[self.best?]?.median;
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    /// larder's figures, which come first.
    pub(super) fn standing(&self) -> Option<Standing> {
        let (larder, best) = (self.spreads[0]?, self.spreads[self.best?]?);
        let noise = larder.is_near(&best);
        Some(Standing { larder: larder.median, best: best.median, ratio: self.ratio(0)?, noise })
    }
}

/// The geometric mean of a contender's ratios to the best peer of each row, and the number of rows.
pub(super) fn overall(rows: &[&Row], place: usize) -> Option<(f64, usize)> {
    let ratios: Vec<_> = rows.iter().filter_map(|row| row.ratio(place)).collect();
    Some((geometric_mean(ratios.iter().copied())?, ratios.len()))
}

/// The rows where larder is behind beyond noise, worst first.
pub(super) fn losses<'r, 'a>(rows: &'r [Row<'a>]) -> Vec<(&'r Row<'a>, Standing)> {
    let mut losses: Vec<_> = rows.iter().filter_map(|row| Some((row, row.standing()?))).collect();
    losses.retain(|(_, standing)| standing.ratio > 1.0 && !standing.noise);
    losses.sort_by(|left, right| right.1.ratio.total_cmp(&left.1.ratio));
    losses
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bench::cell::Figures;
    use crate::bench::measurement::{Measurement, Workload};
    use crate::measure::Allocator;

    pub(in crate::bench) fn contenders() -> Vec<Contender> {
        ["larder", "system", "jemalloc", "bump"].map(|name| Contender::new(Allocator::new(name, None))).into()
    }

    pub(in crate::bench) fn run(ns: f64, mib: u64) -> Measurement {
        Measurement {
            allocator: "x".into(),
            operations: 1,
            seconds: ns / 1e9,
            cpu_seconds: 0.0,
            peak_rss_kib: mib << 10,
            final_rss_kib: 0,
            peak_pss_kib: None,
            final_pss_kib: None,
            minor_faults: 0,
            major_faults: 0,
            system_calls: None,
            latency: None,
        }
    }

    /// A cell with the runs of each contender.
    pub(in crate::bench) fn cell(group: &str, name: &str, runs: [&[f64]; 4]) -> Cell {
        let workload = Workload { name: name.into(), group: group.into(), about: String::new(), threads: vec![1] };
        let of = |ns: &[f64]| Figures { samples: ns.iter().map(|ns| run(*ns, 8)).collect(), ..Figures::default() };
        Cell { workload, threads: 1, figures: runs.map(of).into() }
    }

    fn near(value: Option<f64>, wanted: f64) -> bool {
        value.is_some_and(|value| (value - wanted).abs() < 1e-9)
    }

    #[test]
    fn the_best_peer_is_neither_larder_nor_the_floor() {
        let cells = [cell("g", "a", [&[1.0], &[4.0], &[2.0], &[0.5]])];
        let rows = rows(&cells, &contenders(), Metric::Time);
        assert_eq!(rows[0].best, Some(2));
        assert!(near(rows[0].ratio(0), 0.5) && near(rows[0].ratio(1), 2.0) && near(rows[0].ratio(3), 0.25));
    }

    #[test]
    fn the_overall_ratio_is_to_the_best_of_each_row() {
        let cells =
            [cell("g", "a", [&[1.0], &[2.0], &[4.0], &[1.0]]), cell("g", "b", [&[8.0], &[8.0], &[4.0], &[1.0]])];
        let rows = rows(&cells, &contenders(), Metric::Time);
        let all: Vec<_> = rows.iter().collect();
        // 0.5 and 2; 1 and 2; 2 and 1.
        for (place, wanted) in [(0, 1.0), (1, 2f64.sqrt()), (2, 2f64.sqrt())] {
            let (mean, count) = overall(&all, place).unwrap();
            assert!(near(Some(mean), wanted) && count == 2, "{place}: {mean}");
        }
    }

    #[test]
    fn a_failed_run_is_in_no_mean() {
        let mut cells =
            [cell("g", "a", [&[3.0], &[2.0], &[4.0], &[1.0]]), cell("g", "b", [&[8.0], &[8.0], &[4.0], &[1.0]])];
        cells[0].figures[1].problem = Some("crashed".into());
        let rows = rows(&cells, &contenders(), Metric::Time);
        assert_eq!(rows[0].best, Some(2));
        let (mean, count) = overall(&rows.iter().collect::<Vec<_>>(), 1).unwrap();
        assert!(near(Some(mean), 2.0) && count == 1);
    }

    #[test]
    fn losses_are_worst_first_and_without_noise() {
        let slow: &[f64] = &[3.0, 3.1, 3.2, 3.3];
        let cells = [
            cell("g", "ahead", [&[1.0], &[2.0], &[2.0], &[9.0]]),
            cell("g", "behind", [slow, &[2.0, 2.1, 2.2, 2.3], &[9.0], &[1.0]]),
            cell("g", "noise", [&[3.0, 3.1, 2.0, 3.0], &[2.0, 3.0, 3.0, 2.0], &[9.0], &[1.0]]),
            cell("g", "far behind", [slow, &[1.0, 1.1, 1.2, 1.3], &[9.0], &[1.0]]),
        ];
        let rows = rows(&cells, &contenders(), Metric::Time);
        let names: Vec<_> = losses(&rows).iter().map(|(row, _)| row.cell.workload.name.clone()).collect();
        assert_eq!(names, ["far behind", "behind"]);
    }
}
