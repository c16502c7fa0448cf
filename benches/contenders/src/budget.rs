//! The time budget: a full run takes less than ten minutes, with `LARDER_BENCH_QUICK=1` less than 90 seconds.

use criterion::Criterion;
use std::time::Duration;

/// Criterion with the time budget of this run.
pub fn criterion() -> Criterion {
    let (warm_up, measure, samples) = match std::env::var_os("LARDER_BENCH_QUICK") {
        Some(_) => (30, 150, 10),
        None => (300, 1200, 30),
    };
    Criterion::default()
        .warm_up_time(Duration::from_millis(warm_up))
        .measurement_time(Duration::from_millis(measure))
        .sample_size(samples)
        .nresamples(5_000)
        .without_plots()
        .configure_from_args()
}
