//! Progress while the rounds run: a bar on a terminal, else a line per round.

use crate::measure::progress::Bar;
use crate::say::say;

/// Progress on stderr.
pub(super) struct Progress {
    bar: Bar,
    rounds: u32,
}

impl Progress {
    /// With `plain` there are only lines, because the command writes to the terminal too.
    pub(super) fn new(rounds: u32, entrants: usize, plain: bool) -> Self {
        let bar = if plain { Bar::none() } else { Bar::new((u64::from(rounds) + 1) * entrants as u64) };
        Self { bar, rounds }
    }

    /// Announces a round; round 0 is the warm-up.
    pub(super) fn round(&self, round: u32) {
        if self.bar.is_shown() {
            return;
        }
        match round {
            0 => say("warm-up round"),
            _ => say(format_args!("round {round} of {}", self.rounds)),
        }
    }

    /// Shows a run that begins.
    pub(super) fn run(&self, round: u32, name: &str) {
        let round = if round == 0 { "warm-up".into() } else { format!("round {round}") };
        self.bar.tell(format!("{round}: {name}"));
    }

    /// Counts a run that is over or left out.
    pub(super) fn done(&self) {
        self.bar.done();
    }
}
