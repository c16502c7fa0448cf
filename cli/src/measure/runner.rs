//! Runs a command on an allocator and collects the outcome.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{PipeReader, Read, pipe};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::child::{self, pid};
use super::interrupt::Interrupt;
use super::launch::LAUNCH;
use super::sample::{Finished, Told};
use super::{group, stop};

/// How long to wait for the outcome, in milliseconds, before looking again whether the command was stopped or its time is over.
const POLL: u8 = 100;
/// The same where the program that runs is looked at, too.
const LOOK_EVERY: u8 = 1;

/// Where the output of the command goes.
#[derive(Clone, Copy)]
pub(crate) enum Output<'a> {
    Dropped,
    Shown,
    Kept { stdout: &'a File, stderr: &'a File },
}

/// How to run a command.
pub(crate) struct Runner<'a> {
    pub(crate) command: &'a [OsString],
    /// Variables that are set for the command, in addition to the environment of this tool.
    pub(crate) environment: &'a [(&'a str, &'a str)],
    pub(crate) output: Output<'a>,
    /// How long the command may take.
    pub(crate) limit: Option<Duration>,
    pub(crate) interrupt: &'a Interrupt,
}

impl Runner<'_> {
    /// Runs the command to its end on `library`, or on the system malloc if that is `None`.
    pub(crate) fn measure(&self, library: Option<&Path>) -> Result<Finished> {
        self.run(library, POLL, |_| ())
    }

    /// Runs the command on the system malloc, and looks repeatedly which program it has become: a wrapper (a version
    /// manager's shim, a script that ends in `exec`) says nothing about the malloc of the program that is measured in the end.
    pub(crate) fn observe(&self) -> Result<(ExitStatus, Option<PathBuf>)> {
        let this = fs::read_link("/proc/self/exe").ok();
        let mut program = None;
        let finished = self.run(None, LOOK_EVERY, |launcher| {
            let command = group::children_of_first_thread(launcher).first().copied();
            let image = command.and_then(|it| fs::read_link(format!("/proc/{it}/exe")).ok());
            // Before its exec it is this tool.
            program = image.filter(|image| Some(image) != this.as_ref()).or(program.take());
        })?;
        Ok((finished.status(), program))
    }

    /// Runs the command in a launcher, at which `look` looks every few milliseconds.
    fn run(&self, library: Option<&Path>, every: u8, look: impl FnMut(Pid)) -> Result<Finished> {
        let (mut told, tell) = pipe().context("pipe")?;
        let library = library.map_or(OsStr::new(""), Path::as_os_str);
        let mut launcher = Command::new("/proc/self/exe");
        launcher.envs(self.environment.iter().copied());
        launcher.arg(LAUNCH).arg(library).args(self.command).stdin(tell);
        let mut child = self.start(launcher)?;
        let in_time = self.await_end(&told, pid(&child), every, look);
        let mut text = Vec::new();
        let read = told.read_to_end(&mut text);
        self.leave(&child);
        let status = child.wait().context("wait")?;
        read.context("pipe")?;
        in_time?;
        if text.is_empty() {
            bail!("the measuring process ended with {status}");
        }
        serde_json::from_slice::<Told>(&text)?.map_err(|text| anyhow!(text))
    }

    /// Waits for the outcome. Kills the command if its time is over or it is stopped for ever.
    fn await_end(&self, told: &PipeReader, leader: Pid, every: u8, mut look: impl FnMut(Pid)) -> Result<()> {
        let start = Instant::now();
        while !is_readable(told, every)? {
            look(leader);
            let hope = self.in_time(start).and_then(|()| stop::check(leader));
            if hope.is_err() {
                group::signal(leader, Signal::SIGKILL);
                return hope;
            }
        }
        Ok(())
    }

    fn in_time(&self, start: Instant) -> Result<()> {
        match self.limit {
            Some(limit) if start.elapsed() >= limit => bail!("it did not end in {} s", limit.as_secs()),
            _ => Ok(()),
        }
    }

    /// Starts the command in a process group of its own, so that Ctrl-C can end the group and this tool goes on.
    fn start(&self, mut command: Command) -> Result<Child> {
        match self.output {
            Output::Dropped => _ = command.stdout(Stdio::null()).stderr(Stdio::null()),
            Output::Shown => {}
            Output::Kept { stdout, stderr } => _ = command.stdout(stdout.try_clone()?).stderr(stderr.try_clone()?),
        }
        child::ends_with_parent(&mut command);
        let child = command.process_group(0).spawn();
        let child = child.with_context(|| self.command[0].display().to_string())?;
        self.interrupt.enter(pid(&child));
        Ok(child)
    }

    /// Cleans up after a child that has ended and is not reaped yet.
    fn leave(&self, child: &Child) {
        self.interrupt.leave();
        group::sweep(pid(child));
    }
}

/// Whether the pipe has data or has reached its end; waits for that for at most so many milliseconds.
fn is_readable(pipe: &PipeReader, most: u8) -> Result<bool> {
    match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], most) {
        // The handler takes care of the signal and ends the command.
        Err(Errno::EINTR) => Ok(false),
        ready => Ok(ready.context("poll")? > 0),
    }
}
