//! The process between this tool and the command it measures.
//!
//! Linux includes in a process's peak RSS the memory that it had before its exec, so a small command started by this tool
//! would seem as large as this tool. Therefore the tool runs itself once more for every run. That process, which has done
//! nothing yet and holds hardly any memory, forks the command, waits for it and reports what it cost. It also ends what the command leaves running.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Write, stdin};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use wait4::Wait4;

use super::sample::{Finished, Sample, Told};
use super::{child, group, interrupt};
use crate::preload;

/// The hidden subcommand. Its arguments are the library (an empty word for none) and the command.
pub(crate) const LAUNCH: &str = "__launch";

/// Runs the command and writes the outcome to stdin, which is a pipe to the tool; the command itself does not get it.
pub(crate) fn launch(words: &[OsString]) -> Result<()> {
    // A signal that ends the command must not end this process, which reports the outcome.
    interrupt::handle(|| ())?;
    let told: Told = run(words).map_err(|error| format!("{error:#}"));
    let mut pipe = File::from(stdin().as_fd().try_clone_to_owned().context("stdin")?);
    pipe.write_all(&serde_json::to_vec(&told)?).context("stdin")
}

fn run(words: &[OsString]) -> Result<Finished> {
    let [library, name, arguments @ ..] = words else {
        anyhow::bail!("{LAUNCH} needs a library and a command");
    };
    let mut command = prepare(library, name, arguments)?;
    group::adopt_orphans()?;
    let start = Instant::now();
    let child = command.spawn().with_context(|| name.display().to_string())?;
    group::wait_beside_orphans(child::pid(&child))?;
    let wall = start.elapsed();
    // Before the command is reaped, so that it is the first child as long as there are any.
    group::end_orphans(child::pid(&child));
    // The orphans do not count: the command did not wait for them.
    let before = faults()?;
    let end = child.wait4().context("wait4")?;
    let after = faults()?;
    let sample = Sample {
        wall_s: wall.as_secs_f64(),
        user_s: end.rusage.utime.as_secs_f64(),
        system_s: end.rusage.stime.as_secs_f64(),
        peak_rss_bytes: end.rusage.maxrss,
        minor_faults: after.0 - before.0,
        major_faults: after.1 - before.1,
    };
    Ok(Finished { raw_status: end.status.into_raw(), sample })
}

fn prepare(library: &OsStr, name: &OsStr, arguments: &[OsString]) -> Result<Command> {
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null());
    if !library.is_empty() {
        preload::set(&mut command, Path::new(library))?;
    }
    child::ends_with_parent(&mut command);
    Ok(command)
}

/// The minor and major page faults of all children that were reaped.
fn faults() -> Result<(u64, u64)> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("getrusage")?;
    Ok((usage.minor_page_faults().unsigned_abs(), usage.major_page_faults().unsigned_abs()))
}
