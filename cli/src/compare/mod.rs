//! `larder compare`: measures one program under every allocator.

mod entrant;
mod json;
mod progress;
mod rounds;
mod summary;
mod table;

use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::args::Compare;
use crate::elf::Abi;
use crate::measure::allocator::{self, SYSTEM};
use crate::measure::report::Report as File;
use crate::measure::runner::Output;
use crate::measure::{Interrupt, Runner, environment};
use crate::say::say;
use crate::{library, mode, run};
use entrant::Entrant;
use json::{Facts, Report};
use progress::Progress;
use rounds::Reference;

const SOME_NOT_MEASURED: u8 = 1;
/// The exit status that a shell reports for a program that was ended by SIGINT.
const INTERRUPTED: u8 = 130;

/// Measures, then reports.
pub(crate) fn compare(args: &Compare) -> Result<ExitCode> {
    let larder = library::find(args.lib.as_deref())?;
    let mode = mode::ask(&larder)?;
    let abi = run::abi(&larder)?;
    let mut entrants = entrants(args, &larder, abi)?;
    let json = File::open("--json", args.json.as_deref())?;
    let interrupt = Interrupt::install()?;
    let output = if args.show_output { Output::Shown } else { Output::Dropped };
    let runner = Runner { command: &args.command, environment: &[], output, limit: None, interrupt: &interrupt };
    let first = runner.observe();
    if interrupt.asked() {
        say("interrupted before anything was measured");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let reference = Reference::new(first?, &args.command[0], abi)?;
    let runs = measure_all(&mut entrants, args, &runner, &reference);
    let environment = environment::settings();
    let facts = Facts {
        mode: &mode,
        command: &args.command,
        status: reference.status,
        runs,
        interrupted: interrupt.asked(),
        environment: &environment,
    };
    report(json, &facts, &entrants)
}

fn entrants(args: &Compare, larder: &Path, abi: Abi) -> Result<Vec<Entrant>> {
    let all = allocator::gather(larder, &args.with, abi)?;
    allocator::check_names(&all)?;
    let selected = allocator::select(all, &args.only, &[SYSTEM], "--only")?;
    Ok(selected.into_iter().map(Entrant::new).collect())
}

fn measure_all(entrants: &mut [Entrant], args: &Compare, runner: &Runner, reference: &Reference) -> u32 {
    let progress = Progress::new(args.runs, entrants.len(), args.show_output);
    rounds::warm_up(entrants, runner, reference, &progress);
    rounds::run(entrants, args.runs, runner, reference, &progress)
}

fn report(file: Option<File>, facts: &Facts, entrants: &[Entrant]) -> Result<ExitCode> {
    let text = table::render(entrants) + &table::legend(facts, entrants);
    // If one report fails, the other is written all the same.
    let printed = stdout().write_all(text.as_bytes()).context("stdout");
    if let Some(file) = file {
        file.write_json(&Report::new(facts, entrants))?;
    }
    printed?;
    let all_measured = entrants.iter().all(|entrant| entrant.problem.is_none());
    Ok(match (facts.interrupted, all_measured) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(SOME_NOT_MEASURED),
    })
}
