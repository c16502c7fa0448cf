//! Medians and spreads of samples.

use serde::Serialize;

use crate::measure::sample::Sample;
use crate::measure::statistics::{median, sorted};

/// The medians of one allocator's runs, and the range of their wall time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) wall_s: f64,
    pub(super) wall_min_s: f64,
    pub(super) wall_max_s: f64,
    /// User and system time.
    pub(super) cpu_s: f64,
    pub(super) peak_rss_bytes: f64,
    /// Minor and major page faults.
    pub(super) faults: f64,
}

impl Summary {
    /// `None` if there are no samples.
    pub(super) fn of(samples: &[Sample]) -> Option<Self> {
        let column = |figure: fn(&Sample) -> f64| sorted(samples.iter().map(figure));
        let wall = column(|it| it.wall_s);
        Some(Self {
            wall_s: median(&wall)?,
            wall_min_s: *wall.first()?,
            wall_max_s: *wall.last()?,
            cpu_s: median(&column(|it| it.user_s + it.system_s))?,
            peak_rss_bytes: median(&column(|it| it.peak_rss_bytes as f64))?,
            faults: median(&column(|it| (it.minor_faults + it.major_faults) as f64))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_has_its_own_median() {
        let sample = |wall_s, user_s, peak, faults| Sample {
            wall_s,
            user_s,
            system_s: 1.0,
            peak_rss_bytes: peak,
            minor_faults: faults,
            major_faults: 1,
        };
        let samples = [sample(3.0, 1.0, 30, 5), sample(1.0, 2.0, 10, 9), sample(2.0, 9.0, 20, 7)];
        let expected =
            Summary { wall_s: 2.0, wall_min_s: 1.0, wall_max_s: 3.0, cpu_s: 3.0, peak_rss_bytes: 20.0, faults: 8.0 };
        assert_eq!(Summary::of(&samples), Some(expected));
        assert_eq!(Summary::of(&[]), None);
    }
}
