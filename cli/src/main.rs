//! larder's command-line tool: run a program on larder, look into one that runs on it, and compare allocators.

mod args;
mod bench;
mod compare;
mod elf;
mod library;
mod loader;
mod measure;
mod mode;
mod myself;
mod options;
mod preload;
mod program;
mod run;
mod say;
mod signals;
mod stats;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use args::{Action, Cli};
use measure::launch;
use say::say;
use stats::observer;

/// The exit status, as with env and nohup, if the tool failed and not the program that it runs.
const TOOL_FAILED: u8 = 125;

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    hidden(&words).unwrap_or_else(|| act(Cli::parse().action)).unwrap_or_else(|error| {
        say(format_args!("{error:#}"));
        ExitCode::from(TOOL_FAILED)
    })
}

/// Runs a hidden subcommand, which this tool uses in another process of its own. This comes before anything else so that the process stays small.
fn hidden(words: &[OsString]) -> Option<Result<ExitCode>> {
    let (name, rest) = words.split_first()?;
    let result = match name.to_str()? {
        mode::ANSWER => mode::answer(),
        launch::LAUNCH => launch::launch(rest),
        observer::OBSERVE => observer::observe(rest),
        _ => return None,
    };
    Some(result.map(|()| ExitCode::SUCCESS))
}

fn act(action: Action) -> Result<ExitCode> {
    match action {
        Action::Run(args) => run::run(&args),
        Action::Compare(args) => compare::compare(&args),
        Action::Bench(args) => bench::bench(&args),
        Action::Stats(args) => stats::stats(&args),
        Action::Options { json } => options::print(json),
        Action::Mode { lib } => run::print_mode(lib),
    }
}
