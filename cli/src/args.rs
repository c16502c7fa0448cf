//! The command line.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::bench::args::{Bench, NOTES};

const EXAMPLES: &str = "\
Examples:
  larder run -- python3 -c 'print(sum(range(10**6)))'
  larder run --stats -- ./server --port 8080
  larder run -q --stats=json -- ./program 2>stats.json
  larder stats --every 2s $(pidof server)
  larder compare -- sort -R /usr/share/dict/words
  larder bench --html report.html
  larder compare --runs 11 --json out.json --with mine=./libmine.so -- ./program
  LARDER_CONF=stats:exit larder run -- ./program

The options that LARDER_CONF takes are listed by `larder options`.";

const COMPARE_NOTES: &str = "\
The command runs under the system malloc, larder and every allocator library found in the linker's cache and the
standard library directories, in rounds that each start with a different one, after a warm-up round. It reads from
/dev/null: for input write  larder compare -- sh -c './program < file'.
It cannot use the terminal, and what it leaves running in the background is ended before the next run.

Peak RSS is that of the largest process among the command and the children it waited for. Exit status: 0 when all
were measured, 1 when one of them was not (the reason is below the table), 125 when larder itself failed (to write
its report, say), 130 after Ctrl-C.";

const STATS_NOTES: &str = "\
The figures are read out of a process's memory; it takes no part in that, and is not stopped. With a PID: what
malloc_stats prints in that process. Without: a line for each process that runs on liblarder.so and whose memory you
may read; \"kept free\" is what larder keeps for the next allocations, \"given back\" is what it has returned to the
system so far.

The processes must run on the same build of the library as this tool (or as --lib).";

/// Run programs on larder, and compare allocators.
#[derive(Debug, Parser)]
#[command(name = "larder", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Run a program on larder (its exit status is the program's)
    Run(Run),
    /// Measure a program under every allocator on this machine
    #[command(after_help = COMPARE_NOTES)]
    Compare(Compare),
    /// Measure workloads under larder and its peers, in time and memory
    #[command(after_help = NOTES)]
    Bench(Bench),
    /// Show what larder holds in a running program, or in all that run on it
    #[command(after_help = STATS_NOTES)]
    Stats(Observe),
    /// List the options of LARDER_CONF
    Options {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show how larder reaches its per-CPU caches here
    Mode {
        /// Ask this liblarder.so
        #[arg(long, value_name = "PATH")]
        lib: Option<PathBuf>,
    },
}

/// The form of the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stats {
    /// Tables
    Text,
    /// JSON
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Print larder's statistics to stderr when the program ends: as tables, or as one JSON object in a line of its own
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub(crate) stats: Option<Stats>,
    /// Do not name the active mode
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Use this liblarder.so
    #[arg(long, value_name = "PATH")]
    pub(crate) lib: Option<PathBuf>,
    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct Observe {
    /// The processes' numbers
    #[arg(value_name = "PID")]
    pub(crate) processes: Vec<u32>,
    /// Print one JSON object for each process, in a line of its own
    #[arg(long)]
    pub(crate) json: bool,
    /// Report again and again, with this pause in between, until the processes have ended: "2s", "500ms"
    #[arg(long, value_name = "PAUSE", value_parser = humantime::parse_duration)]
    pub(crate) every: Option<Duration>,
    /// Use this liblarder.so
    #[arg(long, value_name = "PATH")]
    pub(crate) lib: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Compare this library too (repeatable)
    #[arg(long, value_name = "NAME=LIB.so", value_parser = named_library())]
    pub(crate) with: Vec<(String, PathBuf)>,
    /// Compare only these: "system" is always there (larder, jemalloc, mimalloc...)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Measured rounds
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Write all samples to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Let the command's output through
    #[arg(long)]
    pub(crate) show_output: bool,
    /// Use this liblarder.so
    #[arg(long, value_name = "PATH")]
    pub(crate) lib: Option<PathBuf>,
    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

/// The parser for options that take NAME=LIB.so; the path need not be UTF-8.
pub(crate) fn named_library() -> impl TypedValueParser<Value = (String, PathBuf)> {
    OsStringValueParser::new().try_map(|text| split_name(&text))
}

fn split_name(text: &OsStr) -> Result<(String, PathBuf), &'static str> {
    let mut parts = text.as_bytes().splitn(2, |byte| *byte == b'=');
    let name = parts.next().and_then(|name| str::from_utf8(name).ok()).filter(|name| !name.is_empty());
    let path = parts.next().filter(|path| !path.is_empty()).map(OsStr::from_bytes);
    name.zip(path)
        .map(|(name, path)| (name.into(), path.into()))
        .ok_or("write NAME=LIB.so, for example mine=./libmine.so")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn everything_after_the_program_is_its_own() {
        for line in [
            &["larder", "run", "--stats", "--", "ls", "--quiet", "--", "x"][..],
            &["larder", "run", "--stats", "ls", "--quiet", "--", "x"],
        ] {
            let Action::Run(run) = Cli::try_parse_from(line).unwrap().action else { panic!("not run") };
            assert!(run.stats == Some(Stats::Text) && !run.quiet);
            assert_eq!(run.command, ["ls", "--quiet", "--", "x"]);
        }
    }

    #[test]
    fn an_unknown_option_before_the_program_is_an_error() {
        assert!(Cli::try_parse_from(["larder", "run", "--stat", "ls"]).is_err());
        assert!(Cli::try_parse_from(["larder", "compare", "--runs", "0", "ls"]).is_err());
    }

    #[test]
    fn a_named_library_needs_both_parts() {
        assert_eq!(split_name(OsStr::new("a=/b=c.so")), Ok(("a".into(), "/b=c.so".into())));
        let strange = OsStr::from_bytes(b"/\xff.so");
        assert_eq!(split_name(OsStr::from_bytes(b"a=/\xff.so")), Ok(("a".into(), strange.into())));
        for bad in ["a", "a=", "=b"] {
            assert!(split_name(OsStr::new(bad)).is_err(), "{bad}");
        }
    }
}
