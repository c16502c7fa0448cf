//! `larder stats`: what larder holds in a running program, or in every program that runs on it.
//!
//! ```text
//! process   what /proc says of a process
//! report    the figures of one process, as the observer prints them
//! observer  the hidden process that reads them out of the other's memory
//! confine   what the observer may do
//! pages     the other's memory, copied page by page as it is touched
//! table     a line for each process that runs on larder
//! ```

mod confine;
pub(crate) mod observer;
mod pages;
mod process;
mod report;
mod table;

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result};

use crate::TOOL_FAILED;
use crate::args::{Observe, Stats};
use crate::library;
use crate::say::say;
use process::Process;
use report::Reporter;

/// Returns when the last report is printed; with `--every`, when the processes have ended or one cannot be read.
pub(crate) fn stats(args: &Observe) -> Result<ExitCode> {
    let reporter = Reporter { library: library::find(args.lib.as_deref())? };
    let form = if args.json { Stats::Json } else { Stats::Text };
    let mut named: Vec<_> = args.processes.iter().copied().map(Process).collect();
    loop {
        let (text, is_whole) = match &*named {
            [] => (table::all(&reporter, form)?, true),
            processes => each(&reporter, processes, form, args.every.is_some()),
        };
        stdout().write_all(text.as_bytes()).context("stdout")?;
        if !is_whole {
            return Ok(ExitCode::from(TOOL_FAILED));
        }
        let Some(pause) = args.every else { return Ok(ExitCode::SUCCESS) };
        thread::sleep(pause);
        named.retain(|process| process.exists());
        if named.is_empty() && !args.processes.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        if form == Stats::Text {
            stdout().write_all(b"\n").context("stdout")?;
        }
    }
}

/// The reports on some processes, with blank lines between tables, and whether all could be read. Says why if not; but if they `may_end`, those that
/// have ended are left out.
fn each(reporter: &Reporter, processes: &[Process], form: Stats, may_end: bool) -> (String, bool) {
    let mut reports = Vec::new();
    let mut is_whole = true;
    for process in processes {
        match one(reporter, process, form) {
            Ok(report) => reports.push(report),
            Err(_) if may_end && !process.exists() => {}
            Err(error) => {
                say(format_args!("{error:#}"));
                is_whole = false;
            }
        }
    }
    (reports.join(if form == Stats::Text { "\n" } else { "" }), is_whole)
}

fn one(reporter: &Reporter, process: &Process, form: Stats) -> Result<String> {
    let report = reporter.report(process, form)?;
    Ok(match form {
        Stats::Json => report + "\n",
        Stats::Text => format!("process {process}, {} resident\n{report}", table::mebibytes(process.resident())),
    })
}
