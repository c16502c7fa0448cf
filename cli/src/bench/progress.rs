//! Progress while the bench runs: a bar on a terminal, else a line now and then.

use std::cell::Cell as Shared;
use std::time::{Duration, Instant};

use super::cell::Cell;
use super::contender::Contender;
use crate::measure::progress::Bar;
use crate::say::say;

const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress on stderr.
pub(super) struct Progress {
    bar: Bar,
    start: Instant,
    told: Shared<Instant>,
    phase: Shared<String>,
    done: Shared<u64>,
    expected: Shared<u64>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let start = Instant::now();
        Self {
            bar: Bar::new(0),
            start,
            told: Shared::new(start),
            phase: Shared::default(),
            done: Shared::new(0),
            expected: Shared::new(0),
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Names the phase that the following runs belong to.
    pub(super) fn phase(&self, name: &str) {
        self.phase.set(name.into());
        if !self.bar.is_shown() {
            say(name);
        }
    }

    /// Sets the expected number of runs to an extrapolation: how many there will be at `end` at the rate so far.
    pub(super) fn expect_until(&self, end: Duration) {
        let longer = end.as_secs_f64() / self.elapsed().as_secs_f64().max(1e-3);
        self.expect((self.done.get() as f64 * longer.max(1.0)) as usize);
    }

    /// Sets the expected number of runs.
    pub(super) fn expect(&self, runs: usize) {
        self.expected.set(runs as u64);
        self.bar.expect(runs as u64);
    }

    /// Shows a run that begins.
    pub(super) fn run(&self, cell: &Cell, contender: &Contender) {
        let phase = self.phase.take();
        let what = format!("{phase}: {} on {}", cell.name(), contender.name());
        self.phase.set(phase);
        if self.bar.is_shown() {
            self.bar.tell(what);
        } else {
            self.line(&what);
        }
    }

    fn line(&self, what: &str) {
        let (done, expected) = (self.done.get(), self.expected.get());
        if self.told.get().elapsed() < LINE_EVERY || done == 0 {
            return;
        }
        self.told.set(Instant::now());
        let left = self.elapsed().as_secs_f64() / done as f64 * expected.saturating_sub(done) as f64;
        say(format_args!("{done}/{expected} runs, {what}, {left:.0} s left"));
    }

    /// Counts a run that is over or left out.
    pub(super) fn done(&self) {
        self.done.set(self.done.get() + 1);
        self.bar.done();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_foretold_by_how_long_those_took_that_are_over() {
        let progress = Progress::new();
        progress.expect(100);
        (0..10).for_each(|_| progress.done());
        assert_eq!(progress.expected.get(), 100, "those that are over count among them");
        std::thread::sleep(Duration::from_millis(5));
        let (before, foretold) = (progress.elapsed(), Duration::from_secs(1));
        progress.expect_until(foretold);
        let as_many = |elapsed: Duration| (10.0 * foretold.as_secs_f64() / elapsed.as_secs_f64()) as u64;
        assert!((as_many(progress.elapsed())..=as_many(before)).contains(&progress.expected.get()));
        progress.expect_until(Duration::ZERO);
        assert_eq!(progress.expected.get(), 10, "the time is over");
    }
}
