//! What the user sees while programs run: a bar on a terminal.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const REDRAW_EVERY: Duration = Duration::from_millis(200);
const TEMPLATE: &str = "{bar:24} {pos}/{len} runs, {msg}, {eta} left";

/// A bar of so many runs, if stderr is a terminal.
pub(crate) fn bar(runs: u64) -> Option<ProgressBar> {
    stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(runs).with_style(style);
        bar.enable_steady_tick(REDRAW_EVERY);
        bar
    })
}
