//! `larder bench`: measures the workloads of larder-workloads under larder, the system malloc and every available peer.

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

use anyhow::{Context, Result, bail};

use crate::measure::report::Report as File;
use crate::measure::{Interrupt, environment};
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
/// The exit status that a shell reports for a program that was ended by SIGINT.
const INTERRUPTED: u8 = 130;

/// Measures, then reports.
pub(crate) fn bench(args: &Bench) -> Result<ExitCode> {
    let program = program::find(args.workloads.as_deref())?;
    let workloads = program::workloads(&program, args.drawn)?;
    let larder = library::find(args.lib.as_deref())?;
    let abi = runs::abi(&larder)?;
    contender::check(args, &larder, abi)?;
    if args.list {
        return list(&workloads, args);
    }
    // A choice that leaves nothing is reported before the peers are built, which takes minutes.
    cell::cells(&workloads, &choice(args), 0)?;
    let files = Files::open(args)?;
    let mode = mode::ask(&larder)?;
    let mut contenders = contender::gather(args, &larder, abi)?;
    let mut cells = cell::cells(&workloads, &choice(args), contenders.len())?;
    let facts = measure(args, &program, mode, &mut cells, &mut contenders)?;
    report(files, &facts, &cells, &contenders)
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
        environment: environment::settings(),
        scale: args.scale.word(),
        rounds,
        seconds: progress.elapsed().as_secs(),
        interrupted: interrupt.asked(),
    })
}

/// The report files that the user asked for.
struct Files {
    json: Option<File>,
    html: Option<File>,
}

impl Files {
    fn open(args: &Bench) -> Result<Self> {
        let json = File::open("--json", args.json.as_deref())?;
        let html = File::open("--html", args.html.as_deref())?;
        if let (Some(json), Some(html)) = (&json, &html)
            && json.is_of_one_file(html)?
        {
            bail!("--json and --html must name different files");
        }
        Ok(Self { json, html })
    }

    fn write(self, facts: &Facts, cells: &[Cell], contenders: &[Contender]) -> Result<()> {
        let json = self.json.map_or(Ok(()), |file| file.write_json(&json::Report::new(facts, cells, contenders)));
        let html = self.html.map_or(Ok(()), |file| file.write(&page::text(facts, cells, contenders)));
        json.and(html)
    }
}

fn report(files: Files, facts: &Facts, cells: &[Cell], contenders: &[Contender]) -> Result<ExitCode> {
    let text = format!("{}{}\n{}", table::render(cells, contenders), facts.line(), legend::legend(cells, contenders));
    // If one report fails, the other is written all the same.
    let printed = stdout().write_all(text.as_bytes()).context("stdout");
    files.write(facts, cells, contenders)?;
    printed?;
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
