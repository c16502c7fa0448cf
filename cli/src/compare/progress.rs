//! What the user sees while the rounds run: a bar on a terminal, else a line per round.

use indicatif::ProgressBar;

use crate::measure::progress::bar;

/// Progress on stderr.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    rounds: u32,
}

impl Progress {
    /// `plain` keeps to lines, as the command writes to the terminal too.
    pub(super) fn new(rounds: u32, entrants: usize, plain: bool) -> Self {
        let bar = if plain { None } else { bar(u64::from(rounds + 1) * entrants as u64) };
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
