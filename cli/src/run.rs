//! `larder run`: executes the user's program on larder, in place of this tool.

use std::io::{ErrorKind, Write, stdout};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::args::Run;
use crate::elf::Abi;
use crate::program::Obstacle;
use crate::say::say;
use crate::{elf, library, mode, preload, program, signals};

/// Exit statuses, as with env, nohup and the shells.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// Returns only if the program cannot be run.
pub(crate) fn run(args: &Run) -> Result<ExitCode> {
    let library = library::find(args.lib.as_deref())?;
    let name = &args.command[0];
    let mut command = Command::new(name);
    command.args(&args.command[1..]);
    preload::set(&mut command, &library)?;
    if let Some(form) = args.stats {
        preload::ask_for_stats(&mut command, form);
    }
    if let Some(image) = program::image(name) {
        announce(&image, &library, args.quiet)?;
    }
    signals::hand_on(&mut command);
    let error = command.exec();
    say(format_args!("{}: {error}", name.display()));
    Ok(ExitCode::from(match error.kind() {
        ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    }))
}

/// Prints one line: the mode, or the reason why the program will not run on this library.
fn announce(image: &Path, library: &Path, quiet: bool) -> Result<()> {
    let mode = mode::try_ask(library)?.unwrap_or_else(|problem| format!("mode unknown: {problem}"));
    match program::obstacle(image, abi(library)?) {
        Ok(Some(Obstacle::LinkedIn)) if quiet => {}
        Ok(Some(obstacle)) => say(format_args!("{}: {} {obstacle}", obstacle.verdict(), image.display())),
        // A file that cannot be read may still be executable.
        Ok(None) | Err(_) if quiet => {}
        Ok(None) | Err(_) => say(mode),
    }
    Ok(())
}

/// The ABI of a library.
pub(crate) fn abi(library: &Path) -> Result<Abi> {
    let elf = elf::read(library)?.with_context(|| format!("{} is not an ELF library", library.display()))?;
    Ok(elf.abi)
}

/// `larder mode`.
pub(crate) fn print_mode(asked: Option<PathBuf>) -> Result<ExitCode> {
    let mode = mode::ask(&library::find(asked.as_deref())?)?;
    writeln!(stdout(), "{mode}").context("stdout")?;
    Ok(ExitCode::SUCCESS)
}
