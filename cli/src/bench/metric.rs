//! The metrics that are compared. For all of them, less is better.

use super::cell::Figures;
use super::measurement::{Latency, Measurement, Quantiles};
use crate::measure::statistics::{median, quantile, sorted};

/// With fewer runs than this, their spread says nothing.
const FEW: usize = 4;

/// One kind of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    /// Nanoseconds of wall time per operation.
    Time,
    /// The peak of the resident set, in MiB.
    Memory,
    Faults,
    /// The time that one call in a thousand exceeds, in nanoseconds.
    MallocTail,
    FreeTail,
    /// The longest call, in microseconds.
    MallocWorst,
    FreeWorst,
}

impl Metric {
    pub(super) const ALL: [Self; 7] =
        [Self::Time, Self::Memory, Self::Faults, Self::MallocTail, Self::FreeTail, Self::MallocWorst, Self::FreeWorst];

    /// Its name and unit.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Time => "time, ns per operation",
            Self::Memory => "memory, peak RSS in MiB",
            Self::Faults => "page faults",
            Self::MallocTail => "malloc, p99.9 in ns",
            Self::FreeTail => "free, p99.9 in ns",
            Self::MallocWorst => "malloc, longest in us",
            Self::FreeWorst => "free, longest in us",
        }
    }

    /// Whether the metric matters in itself and not only as a cause of others.
    pub(super) fn is_aim(self) -> bool {
        self != Self::Faults
    }

    /// The factor by which two figures of few runs may differ by chance.
    fn grain(self) -> f64 {
        match self {
            Self::Time => 1.25,
            Self::Memory | Self::Faults => 1.05,
            _ => 2.0,
        }
    }

    /// The figure of one run; `None` if a run does not have this metric.
    fn of_run(self, run: &Measurement) -> Option<f64> {
        match self {
            Self::Time => Some(run.seconds * 1e9 / run.operations.max(1) as f64),
            Self::Memory => Some(run.peak_rss_kib as f64 / 1024.0),
            Self::Faults => Some((run.minor_faults + run.major_faults) as f64),
            _ => None,
        }
    }

    fn of_latency(self, latency: &Latency) -> Option<f64> {
        let figure = |quantiles: Option<Quantiles>, which: fn(&Quantiles) -> u64| Some(which(&quantiles?) as f64);
        match self {
            Self::MallocTail => figure(latency.malloc_ns, |it| it.p999),
            Self::FreeTail => figure(latency.free_ns, |it| it.p999),
            Self::MallocWorst => figure(latency.malloc_ns, |it| it.max).map(|ns| ns / 1e3),
            Self::FreeWorst => figure(latency.free_ns, |it| it.max).map(|ns| ns / 1e3),
            _ => None,
        }
    }
}

/// A summary of the runs of one contender in one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) metric: Metric,
    pub(super) runs: usize,
    pub(super) min: f64,
    /// A quarter of the runs are below this.
    pub(super) low: f64,
    pub(super) median: f64,
    /// A quarter of the runs are above this.
    pub(super) high: f64,
    pub(super) max: f64,
}

impl Spread {
    /// The summary of values in any order; `None` if there are none.
    pub(super) fn of(metric: Metric, values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values = sorted(values);
        Some(Self {
            metric,
            runs: values.len(),
            min: *values.first()?,
            low: quantile(&values, 0.25)?,
            median: median(&values)?,
            high: quantile(&values, 0.75)?,
            max: *values.last()?,
        })
    }

    /// Whether the difference may be due to chance: the middle halves of the runs overlap, or there are too few runs to tell
    /// and the difference is small.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        let within = |grain: f64| self.low <= other.high * grain && other.low <= self.high * grain;
        within(if self.runs.min(other.runs) < FEW { self.metric.grain() } else { 1.0 })
    }
}

impl Figures {
    /// `None` if there is no such figure, or the runs have failed.
    pub(super) fn spread(&self, metric: Metric) -> Option<Spread> {
        if self.problem.is_some() {
            return None;
        }
        let of_runs = self.samples.iter().filter_map(|run| metric.of_run(run));
        Spread::of(metric, of_runs.chain(self.latency.as_ref().and_then(|it| metric.of_latency(it))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_halves_that_overlap_are_noise() {
        let of = |values: &[f64]| Spread::of(Metric::Time, values.iter().copied()).unwrap();
        assert!(of(&[1.0, 2.0, 3.0, 9.0]).is_near(&of(&[2.5, 3.0, 4.0, 5.0])));
        // A single outlier does not make the difference noise.
        assert!(!of(&[1.0, 1.1, 1.2, 1.3, 9.0]).is_near(&of(&[2.0, 2.1, 2.2, 2.3, 2.4])));
    }

    #[test]
    fn few_runs_tell_only_large_differences() {
        let of = |metric, value| Spread::of(metric, [value]).unwrap();
        assert!(of(Metric::Time, 1.2).is_near(&of(Metric::Time, 1.0)));
        assert!(!of(Metric::Time, 1.3).is_near(&of(Metric::Time, 1.0)));
        assert!(!of(Metric::Memory, 1.2).is_near(&of(Metric::Memory, 1.0)));
        assert_eq!(Spread::of(Metric::Time, []), None);
    }

    #[test]
    fn a_figure_is_per_operation() {
        let json = r#"{"allocator": "x", "operations": 4, "seconds": 2e-9, "cpu_seconds": 1.0, "peak_rss_kib": 2048,
            "final_rss_kib": 1, "peak_pss_kib": null, "final_pss_kib": null, "minor_faults": 3, "major_faults": 4,
            "system_calls": null, "latency": null}"#;
        let latency = r#"{"malloc_ns": {"p50": 1, "p99": 2, "p999": 3, "max": 4}, "free_ns": null}"#;
        let mut figures = Figures { samples: vec![serde_json::from_str(json).unwrap()], ..Figures::default() };
        let median = |figures: &Figures, metric| figures.spread(metric).map(|it| it.median);
        assert_eq!(median(&figures, Metric::Time), Some(0.5));
        assert_eq!(median(&figures, Metric::Memory), Some(2.0));
        assert_eq!(median(&figures, Metric::Faults), Some(7.0));
        assert_eq!(median(&figures, Metric::MallocTail), None);
        figures.latency = serde_json::from_str(latency).unwrap();
        assert_eq!(median(&figures, Metric::MallocTail), Some(3.0));
        assert_eq!(median(&figures, Metric::MallocWorst), Some(0.004));
        assert_eq!(median(&figures, Metric::FreeTail), None);
        figures.problem = Some("crashed".into());
        assert_eq!(median(&figures, Metric::Time), None);
    }
}
