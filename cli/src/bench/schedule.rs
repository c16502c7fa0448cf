//! The order of the runs.
//!
//! First every contender runs once to show that it loads. Then come rounds: each goes through all cells, and in a cell through
//! all contenders, starting with another one each time. After the first round there is, if wanted, a round in which single
//! calls are timed; then more rounds follow until the next cell would not end within the budget. So the last round may lack
//! some cells, but within a cell all contenders have the same number of samples. The first round may take a quarter more than
//! the budget, and the timed one a third of it: on a machine too slow for everything, some cells are not reached.

use std::time::{Duration, Instant};

use super::cell::{self, Cell};
use super::contender::Contender;
use super::progress::Progress;
use super::run::Bench;
use crate::measure::order;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    Budget(Duration),
    Rounds(u32),
}

/// The runs of one bench, and the cells that they fill.
pub(super) struct Schedule<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) contenders: &'a mut [Contender],
    pub(super) cells: &'a mut [Cell],
    pub(super) progress: &'a Progress,
    pub(super) length: Length,
}

impl Schedule<'_> {
    /// Runs everything. `timed` is the number of processors for which single calls are timed, if they are. Returns the number of rounds that were
    /// begun.
    pub(super) fn run(&mut self, timed: Option<u32>) -> u32 {
        let timed = timed.map(|processors| self.cells_with(processors)).unwrap_or_default();
        self.progress.expect(self.sure(timed.len()));
        self.progress.phase("warm-up");
        self.check_all();
        if self.bench.interrupt.asked() {
            return 0;
        }
        self.progress.phase("round 1");
        let costs = self.round(1);
        if !timed.is_empty() && !self.bench.interrupt.asked() {
            self.time_calls(timed);
        }
        match self.length {
            Length::Rounds(count) => self.count_rounds(count),
            Length::Budget(budget) => self.fill(budget, &costs),
        }
    }

    /// The number of runs that are certain, if single calls are timed in `timed` cells: all runs if the number of rounds is given, else those of the
    /// first round.
    fn sure(&self, timed: usize) -> usize {
        let rounds = match self.length {
            Length::Rounds(count) => count as usize,
            Length::Budget(_) => 1,
        };
        self.contenders.len() * (1 + timed + self.cells.len() * rounds)
    }

    /// Finds out which contenders load.
    fn check_all(&mut self) {
        let Some(cell) = self.cells.first() else { return };
        for contender in self.contenders.iter_mut() {
            if self.bench.interrupt.asked() {
                return;
            }
            self.progress.run(cell, contender);
            // A contender that fails here for another reason fails in its cells too, and is reported there.
            if let Ok(measurement) = self.bench.run(cell, contender, false) {
                contender.problem = contender.mismatch(&measurement.allocator);
            }
            self.progress.done();
        }
    }

    /// Runs all cells, or as many as there is time for, but at least one. Returns how long each took.
    fn round(&mut self, round: u32) -> Vec<Duration> {
        let end = self.part(1.25);
        let mut costs = Vec::new();
        let fits = |costs: &[Duration]| costs.is_empty() || self.progress.elapsed() < end;
        while costs.len() < self.cells.len() && fits(&costs) && !self.bench.interrupt.asked() {
            costs.push(self.visit(costs.len(), round, false));
        }
        costs
    }

    /// The places of all cells with as many threads as processors, or of all if none has.
    fn cells_with(&self, processors: u32) -> Vec<usize> {
        let is_busy = |cell: &Cell| cell.threads == cell::busy(&cell.workload, processors);
        let some = self.cells.iter().any(is_busy);
        (0..self.cells.len()).filter(|place| !some || is_busy(&self.cells[*place])).collect()
    }

    /// Runs a round in which single calls are timed, in these cells.
    fn time_calls(&mut self, cells: Vec<usize>) {
        self.progress.phase("single calls");
        let end = self.progress.elapsed().saturating_add(self.part(1.0 / 3.0));
        for cell in cells {
            if self.progress.elapsed() < end {
                self.visit(cell, 0, true);
            }
        }
    }

    /// A part of the budget; without a budget, no limit.
    fn part(&self, part: f64) -> Duration {
        match self.length {
            Length::Budget(budget) => budget.mul_f64(part),
            Length::Rounds(_) => Duration::MAX,
        }
    }

    fn count_rounds(&mut self, count: u32) -> u32 {
        for round in 2..=count {
            if self.bench.interrupt.asked() {
                return round - 1;
            }
            self.progress.phase(&format!("round {round} of {count}"));
            self.round(round);
        }
        count
    }

    fn fill(&mut self, budget: Duration, costs: &[Duration]) -> u32 {
        let progress = self.progress;
        let fits = |cost: &Duration| *cost <= budget.saturating_sub(progress.elapsed());
        let mut round = 1;
        // A short cell is not measured more often than a long one: the first cell that no longer fits ends the round and the bench.
        let mut goes_on = true;
        while goes_on && costs.first().is_some_and(fits) && !self.bench.interrupt.asked() {
            round += 1;
            progress.phase(&format!("round {round}"));
            for (cell, cost) in costs.iter().enumerate() {
                goes_on = fits(cost) && !self.bench.interrupt.asked();
                if !goes_on {
                    break;
                }
                self.visit(cell, round, false);
            }
        }
        round
    }

    /// Runs all contenders in one cell. Returns how long that took.
    fn visit(&mut self, cell: usize, round: u32, timed: bool) -> Duration {
        let start = Instant::now();
        // The order also depends on the cell, because there are fewer rounds than contenders.
        for index in order::of_round(self.contenders.len(), round + cell as u32) {
            self.progress.run(&self.cells[cell], &self.contenders[index]);
            self.measure(cell, index, timed);
            self.progress.done();
        }
        if let Length::Budget(budget) = self.length {
            self.progress.expect_until(budget);
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
            // A run that the user interrupted is neither a sample nor a failure.
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
