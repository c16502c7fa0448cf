//! The runs: a round to check and warm up, then the rounds that are measured.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::{Context, Result, bail};

use super::entrant::Entrant;
use super::progress::Progress;
use crate::elf::Abi;
use crate::measure::sample::Finished;
use crate::measure::{Runner, order};
use crate::{loader, program};

/// The facts that all runs must agree on, taken from the first run on the system malloc.
pub(super) struct Reference {
    /// The ELF file that finally runs, after all wrappers.
    image: PathBuf,
    /// How the command ends.
    pub(super) status: ExitStatus,
}

impl Reference {
    /// Rejects a command whose malloc cannot be replaced by preloading.
    pub(super) fn new(first: (ExitStatus, Option<PathBuf>), command: &OsStr, abi: Abi) -> Result<Self> {
        let (status, seen) = first;
        let image = seen.or_else(|| program::image(command)).context("the command no longer exists")?;
        if let Some(obstacle) = program::obstacle(&image, abi)? {
            bail!("nothing to compare: {} {obstacle}", image.display());
        }
        loader::verify(&image, None).context("nothing to compare")?;
        Ok(Self { image, status })
    }
}

/// Checks and warms up every entrant.
pub(super) fn warm_up(entrants: &mut [Entrant], runner: &Runner, reference: &Reference, progress: &Progress) {
    progress.round(0);
    for entrant in entrants {
        progress.run(0, &entrant.allocator.name);
        let result = admit(entrant.allocator.library.as_deref(), runner, reference);
        if !runner.interrupt.asked() {
            entrant.problem = result.err().map(|error| format!("{error:#}"));
        }
        progress.done();
    }
}

fn admit(library: Option<&Path>, runner: &Runner, reference: &Reference) -> Result<()> {
    if runner.interrupt.asked() {
        return Ok(());
    }
    loader::verify(&reference.image, library)?;
    check(runner.measure(library)?, reference).map(drop)
}

/// Measures every entrant that has no problem, `rounds` times. Returns the number of rounds that were begun.
pub(super) fn run(
    entrants: &mut [Entrant],
    rounds: u32,
    runner: &Runner,
    reference: &Reference,
    progress: &Progress,
) -> u32 {
    for round in 1..=rounds {
        if runner.interrupt.asked() {
            return round - 1;
        }
        progress.round(round);
        for index in order::of_round(entrants.len(), round) {
            let entrant = &mut entrants[index];
            progress.run(round, &entrant.allocator.name);
            if entrant.problem.is_none() {
                measure(entrant, runner, reference);
            }
            progress.done();
        }
    }
    rounds
}

fn measure(entrant: &mut Entrant, runner: &Runner, reference: &Reference) {
    if runner.interrupt.asked() {
        return;
    }
    let result = runner.measure(entrant.allocator.library.as_deref()).and_then(|it| check(it, reference));
    match result {
        // A run that the user interrupted is neither a sample nor a failure.
        _ if runner.interrupt.asked() => {}
        Ok(finished) => entrant.samples.push(finished.sample),
        Err(error) => entrant.problem = Some(format!("{error:#}")),
    }
}

/// Fails if the run ended with another status than the reference: then it did other work, and its figures mean nothing.
fn check(finished: Finished, reference: &Reference) -> Result<Finished> {
    if finished.status() != reference.status {
        bail!(
            "the command ended with {}, but with {} in the first run on the system malloc",
            finished.status(),
            reference.status
        );
    }
    Ok(finished)
}
