//! What the user sees while the bench runs: a bar on a terminal, else a line now and then.

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

    /// So many more runs begin, under this name.
    pub(super) fn phase(&self, name: &str, runs: usize) {
        self.name(name);
        self.expect(self.expected.get() + runs as u64);
    }

    /// The runs that follow have this name.
    pub(super) fn name(&self, name: &str) {
        self.phase.set(name.into());
        if !self.bar.is_shown() {
            say(name);
        }
    }

    /// As many more runs as fit into the time, if `runs` of them take `round`.
    pub(super) fn expect_within(&self, time: Duration, round: Duration, runs: usize) {
        let more = time.as_secs_f64() / round.as_secs_f64().max(1e-3) * runs as f64;
        self.expect(self.done.get() + more as u64);
    }

    fn expect(&self, runs: u64) {
        self.expected.set(runs);
        self.bar.expect(runs);
    }

    /// A run begins.
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

    /// A run is over, or left out.
    pub(super) fn done(&self) {
        self.done.set(self.done.get() + 1);
        self.bar.done();
    }
}
