//! This tool, run again by itself: for work that needs a process of its own.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};

/// A command that runs a hidden subcommand of this tool, without input.
pub(crate) fn command(hidden: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(hidden).stdin(Stdio::null());
    command
}

/// Runs it and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    command.output().context("this tool cannot run itself: is /proc mounted?")
}
