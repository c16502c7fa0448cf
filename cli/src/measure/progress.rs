//! Progress while programs run: a bar on a terminal.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const REDRAW_EVERY: Duration = Duration::from_millis(200);
const TEMPLATE: &str = "{bar:24} {pos}/{len} runs, {msg}, {eta} left";

/// A bar that counts runs, if stderr is a terminal. It disappears when it is dropped.
pub(crate) struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar of `runs` runs.
    pub(crate) fn new(runs: u64) -> Self {
        Self(stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(runs).with_style(style);
            bar.enable_steady_tick(REDRAW_EVERY);
            bar
        }))
    }

    /// No bar, whatever stderr is.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Whether the user sees it.
    pub(crate) fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    /// Sets the number of runs.
    pub(crate) fn expect(&self, runs: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(runs);
        }
    }

    /// Shows what runs now.
    pub(crate) fn tell(&self, what: String) {
        if let Some(bar) = &self.0 {
            bar.set_message(what);
        }
    }

    /// Counts a run that is over or left out.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
