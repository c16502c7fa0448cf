//! What the user sees while the rounds run: a bar on a terminal, else a line per round.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const REDRAW_EVERY: Duration = Duration::from_millis(200);
const TEMPLATE: &str = "{bar:24} {pos}/{len} runs, {msg}, {eta} left";

/// Progress on stderr.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    rounds: u32,
}

impl Progress {
    /// `plain` keeps to lines, as the command writes to the terminal too.
    pub(super) fn new(rounds: u32, entrants: usize, plain: bool) -> Self {
        let bar = (stderr().is_terminal() && !plain).then(|| bar(u64::from(rounds + 1) * entrants as u64));
        Self { bar, rounds }
    }

    /// A round begins; round 0 is the warm-up.
    pub(super) fn round(&self, round: u32) {
        if self.bar.is_some() {
            return;
        }
        match round {
            0 => eprintln!("larder: warm-up round"),
            _ => eprintln!("larder: round {round} of {}", self.rounds),
        }
    }

    /// A run begins.
    pub(super) fn run(&self, round: u32, name: &str) {
        if let Some(bar) = &self.bar {
            let round = if round == 0 { "warm-up".into() } else { format!("round {round}") };
            bar.set_message(format!("{round}: {name}"));
        }
    }

    /// A run is over, or left out.
    pub(super) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(runs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(runs).with_style(style);
    bar.enable_steady_tick(REDRAW_EVERY);
    bar
}
