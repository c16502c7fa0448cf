//! Which run follows which.
//!
//! First every contender shows once that it loads. Then rounds: each goes through all cells, and in a cell through all
//! contenders, another one first each time. The first round is always run to its end, and then, if wanted, a round in
//! which single calls are timed; more rounds follow until the next cell would not end within the budget. So the cells
//! of the last round may be missing in some, but a cell has as many samples of one contender as of another.

use std::time::{Duration, Instant};

use super::cell::Cell;
use super::contender::Contender;
use super::progress::Progress;
use super::run::Bench;
use crate::measure::order;

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    Budget(Duration),
    Rounds(u32),
}

/// Runs of one bench, and what they measure.
pub(super) struct Schedule<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) contenders: &'a mut [Contender],
    pub(super) cells: &'a mut [Cell],
    pub(super) progress: &'a Progress,
}

impl Schedule<'_> {
    /// Everything; gives the number of rounds that were begun.
    pub(super) fn run(&mut self, length: Length, latency: bool) -> u32 {
        self.progress.phase("warm-up", self.contenders.len());
        self.check_all();
        let round = self.cells.len() * self.contenders.len();
        self.progress.phase("round 1", round);
        let costs = self.round(1);
        if latency {
            self.progress.phase("latencies", round);
            self.time_calls();
        }
        match length {
            Length::Rounds(count) => self.count_rounds(count),
            Length::Budget(budget) => self.fill(budget, &costs),
        }
    }

    /// Which contenders load.
    fn check_all(&mut self) {
        let Some(cell) = self.cells.first() else { return };
        for contender in self.contenders.iter_mut() {
            if self.bench.interrupt.asked() {
                return;
            }
            self.progress.run(cell, contender);
            // One that fails here for another reason fails in its cells too, where that is told.
            if let Ok(measurement) = self.bench.run(cell, contender, false) {
                contender.problem = contender.mismatch(&measurement.allocator);
            }
            self.progress.done();
        }
    }

    /// All cells; how long each took.
    fn round(&mut self, round: u32) -> Vec<Duration> {
        (0..self.cells.len()).map(|cell| self.visit(cell, round, false)).collect()
    }

    fn time_calls(&mut self) {
        for cell in 0..self.cells.len() {
            self.visit(cell, 0, true);
        }
    }

    fn count_rounds(&mut self, count: u32) -> u32 {
        for round in 2..=count {
            self.progress.phase(&format!("round {round} of {count}"), self.cells.len() * self.contenders.len());
            self.round(round);
        }
        count
    }

    fn fill(&mut self, budget: Duration, costs: &[Duration]) -> u32 {
        let left = || budget.saturating_sub(self.progress.elapsed());
        let mut round = 1;
        let runs = self.cells.len() * self.contenders.len();
        self.progress.expect_within(left(), costs.iter().sum(), runs);
        loop {
            if self.bench.interrupt.asked() || costs.iter().min().is_none_or(|least| *least > left()) {
                return round;
            }
            round += 1;
            self.progress.name(&format!("round {round}"));
            for (cell, cost) in costs.iter().enumerate() {
                if *cost <= budget.saturating_sub(self.progress.elapsed()) {
                    self.visit(cell, round, false);
                } else {
                    return round;
                }
            }
        }
    }

    /// All contenders in one cell.
    fn visit(&mut self, cell: usize, round: u32, timed: bool) -> Duration {
        let start = Instant::now();
        // The cell counts too, so that no contender always follows the same one's heat.
        for index in order::of_round(self.contenders.len(), round + cell as u32) {
            self.progress.run(&self.cells[cell], &self.contenders[index]);
            self.measure(cell, index, timed);
            self.progress.done();
        }
        start.elapsed()
    }

    fn measure(&mut self, cell: usize, index: usize, timed: bool) {
        let contender = &mut self.contenders[index];
        let cell = &mut self.cells[cell];
        if self.bench.interrupt.asked() || contender.problem.is_some() || cell.figures[index].problem.is_some() {
            return;
        }
        let result = self.bench.run(cell, contender, timed);
        let figures = &mut cell.figures[index];
        match result {
            // What the user cut short is neither a sample nor a failure.
            _ if self.bench.interrupt.asked() => {}
            Err(error) => figures.problem = Some(format!("{error:#}")),
            Ok(measurement) => match contender.mismatch(&measurement.allocator) {
                Some(mismatch) => contender.problem = Some(mismatch),
                None if timed => figures.latency = measurement.latency,
                None => figures.samples.push(measurement),
            },
        }
    }
}
