//! `larder bench`: the workloads of larder-workloads under larder, the system malloc and every peer that can be had.

pub(crate) mod args;
mod cell;
mod checkout;
mod contender;
mod facts;
mod json;
mod legend;
mod machine;
mod measurement;
mod metric;
mod page;
mod peers;
mod program;
mod progress;
mod ranking;
mod run;
mod schedule;
mod table;

use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::measure::{Interrupt, report as file};
use crate::{library, mode, run as runs};
use args::Bench;
use cell::{Cell, Choice};
use contender::{Contender, Role};
use facts::Facts;
use machine::Machine;
use measurement::Workload;
use progress::Progress;
use schedule::{Length, Schedule};

const SOME_FAILED: u8 = 1;
/// As a shell has it for a program that SIGINT ended.
const INTERRUPTED: u8 = 130;

/// Measures, then reports.
pub(crate) fn bench(args: &Bench) -> Result<ExitCode> {
    let program = program::find(args.workloads.as_deref())?;
    let workloads = program::workloads(&program)?;
    if args.list {
        return list(&workloads, args);
    }
    let larder = library::find(args.lib.as_deref())?;
    let mode = mode::ask(&larder)?;
    let mut contenders = contender::gather(args, &larder, runs::abi(&larder)?)?;
    let mut cells = cell::cells(&workloads, &choice(args), contenders.len())?;
    let facts = measure(args, &program, mode, &mut cells, &mut contenders)?;
    report(args, &facts, &cells, &contenders)
}

fn choice(args: &Bench) -> Choice<'_> {
    Choice { only: args.only.as_ref(), threads: &args.threads, one_each: !args.full, processors: processors() }
}

fn processors() -> u32 {
    Machine::here().processors as u32
}

fn list(workloads: &[Workload], args: &Bench) -> Result<ExitCode> {
    let mut text = String::new();
    for cell in cell::cells(workloads, &choice(args), 0)? {
        text += &format!("{:28} {:12} {}\n", cell.name(), cell.workload.group, cell.workload.about);
    }
    text += &format!("\nallocators: larder, system, {}", peers::names().join(", "));
    text += ", and what the machine has (see larder compare)\n";
    stdout().write_all(text.as_bytes()).context("stdout")?;
    Ok(ExitCode::SUCCESS)
}

fn measure(
    args: &Bench,
    program: &Path,
    mode: String,
    cells: &mut [Cell],
    contenders: &mut [Contender],
) -> Result<Facts> {
    let interrupt = Interrupt::install()?;
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let progress = Progress::new();
    let bench = run::Bench { program, scale: args.scale, limit: args.limit(), interrupt: &interrupt };
    let length = args.runs.map_or(Length::Budget(args.budget()), Length::Rounds);
    let mut schedule = Schedule { bench, contenders, cells, progress: &progress, length };
    let rounds = schedule.run(args.wants_latency().then(processors));
    Ok(Facts {
        mode,
        started,
        machine: Machine::here(),
        scale: args.scale.word(),
        rounds,
        seconds: progress.elapsed().as_secs(),
        interrupted: interrupt.asked(),
    })
}

fn report(args: &Bench, facts: &Facts, cells: &[Cell], contenders: &[Contender]) -> Result<ExitCode> {
    let text = format!("{}{}\n{}", table::render(cells, contenders), facts.line(), legend::legend(cells, contenders));
    stdout().write_all(text.as_bytes()).context("stdout")?;
    if let Some(path) = &args.json {
        file::json(path, &json::Report::new(facts, cells, contenders))?;
    }
    if let Some(path) = &args.html {
        page::write(path, facts, cells, contenders)?;
    }
    Ok(match (facts.interrupted, all_measured(cells, contenders)) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(SOME_FAILED),
    })
}

/// The floor may fail: it runs out of memory where a workload frees much.
fn all_measured(cells: &[Cell], contenders: &[Contender]) -> bool {
    let sound = |(place, contender): (usize, &Contender)| {
        contender.problem.is_none()
            && (contender.role == Role::Floor || cells.iter().all(|cell| cell.figures[place].problem.is_none()))
    };
    contenders.iter().enumerate().all(sound)
}
