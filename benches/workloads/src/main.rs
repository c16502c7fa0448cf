//! Allocation patterns of the literature and of real services, as one program that calls plain `malloc` and `free`: `LD_PRELOAD` decides which
//! allocator is measured. The memory that the program itself needs during the measurement is mapped or allocated before it, so that it does not
//! disturb. A run prints one JSON object; README.md has the table of patterns.
#![deny(unsafe_code)]

mod block;
mod calls;
mod exchange;
mod fail;
mod figures;
mod latency;
mod memory;
mod own;
mod provider;
mod random;
mod report;
mod run;
mod sizes;
mod slots;
mod system_calls;
mod table;
mod team;
mod threads;
mod workloads;

use clap::{Parser, Subcommand};
use run::{Run, Scale};
use table::Workload;

/// Allocation patterns of the literature and of real services, for any malloc.
#[derive(Parser)]
#[command(version)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What can be run
    List {
        /// As a JSON array
        #[arg(long)]
        json: bool,
        /// The workloads that the numbers from 1 to N draw, not those that have names
        #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=10_000))]
        drawn: u64,
    },
    /// Run one workload and print what it cost as JSON
    Run(Options),
}

#[derive(clap::Args)]
struct Options {
    /// One of `list`, or `drawn-NUMBER`
    name: String,
    /// How many threads do the work
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// How much work: about 0.1 s and 300 MiB, or 1 s and 2 GiB
    #[arg(long, value_enum, default_value_t = Scale::Quick)]
    scale: Scale,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Time every call by itself; the seconds of such a run are not to be compared
    #[arg(long)]
    latency: bool,
}

fn main() {
    match Line::parse().command {
        Command::List { json, drawn } => list(&workloads(drawn), json),
        Command::Run(options) => run(&options),
    }
}

fn workloads(drawn: u64) -> Vec<Workload> {
    if drawn == 0 { table::WORKLOADS.to_vec() } else { (1..=drawn).map(table::drawn).collect() }
}

fn list(workloads: &[Workload], json: bool) {
    if json {
        return report::print(&workloads.iter().map(report::Entry::of).collect::<Vec<_>>());
    }
    let widest = workloads.iter().map(|workload| workload.name.len()).max().unwrap_or(0);
    for workload in workloads {
        println!("{:widest$}  {}", workload.name, workload.about);
    }
}

fn run(options: &Options) {
    let workload = find(&options.name);
    let run = Run::new(options.threads.into(), options.scale, options.seed, workload.draw);
    if !workload.threads.allow(run.threads) {
        fail::usage(format_args!(
            "{} does not run with --threads {}: try one of {:?}",
            workload.name,
            run.threads,
            workload.threads.usual()
        ));
    }
    let outcome = if options.latency { (workload.timed)(&run) } else { (workload.direct)(&run) };
    report::print(&report::Report::new(&workload, &run, outcome));
}

fn find(name: &str) -> Workload {
    let names = || table::WORKLOADS.iter().map(|workload| &*workload.name).collect::<Vec<_>>().join(" ");
    table::find(name).unwrap_or_else(|| fail::usage(format_args!("no workload {name:?}: use one of {}", names())))
}
