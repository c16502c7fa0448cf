//! Runs a command on an allocator and collects the outcome.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{PipeReader, Read, pipe};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::interrupt::Interrupt;
use super::launch::LAUNCH;
use super::sample::{Finished, Told};
use super::{child, group, stop};

const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long to wait for the outcome, in milliseconds, before looking again whether the command was stopped or its time is over.
const POLL: u8 = 100;

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
        let (mut told, tell) = pipe().context("pipe")?;
        let library = library.map_or(OsStr::new(""), Path::as_os_str);
        let mut launcher = Command::new("/proc/self/exe");
        launcher.envs(self.environment.iter().copied());
        launcher.arg(LAUNCH).arg(library).args(self.command).stdin(tell);
        let mut child = self.start(launcher)?;
        let in_time = self.await_end(&told, pid(&child));
        let mut text = Vec::new();
        let read = told.read_to_end(&mut text);
        self.leave(&child);
        let status = child.wait().context("wait")?;
        read.context("pipe")?;
        in_time?;
        if text.is_empty() {
            bail!("the process that measures ended with {status}");
        }
        serde_json::from_slice::<Told>(&text)?.map_err(|text| anyhow!(text))
    }

    /// Waits for the outcome. Kills the command if its time is over or it is stopped for ever.
    fn await_end(&self, told: &PipeReader, leader: Pid) -> Result<()> {
        let start = Instant::now();
        while !is_readable(told)? {
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

    /// Runs the command on the system malloc, and looks repeatedly which program it has become: a wrapper (a version
    /// manager's shim, a script that ends in `exec`) says nothing about the malloc of the program that is measured in the end.
    pub(crate) fn observe(&self) -> Result<(ExitStatus, Option<PathBuf>)> {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).stdin(Stdio::null());
        let mut child = self.start(command)?;
        let link = format!("/proc/{}/exe", child.id());
        let mut program = None;
        let mut stopped = Ok(());
        while is_running(&child)? {
            program = fs::read_link(&link).ok().or(program);
            sleep(LOOK_EVERY);
            if stopped.is_ok() {
                stopped = stop::check(pid(&child)).inspect_err(|_| group::signal(pid(&child), Signal::SIGKILL));
            }
        }
        self.leave(&child);
        stopped?;
        Ok((child.wait().context("wait")?, program))
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

/// Whether the pipe has data or has reached its end; waits for that for at most [`POLL`].
fn is_readable(pipe: &PipeReader) -> Result<bool> {
    match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], POLL) {
        // The handler takes care of the signal and ends the command.
        Err(Errno::EINTR) => Ok(false),
        ready => Ok(ready.context("poll")? > 0),
    }
}

/// Whether the child is still running. Does not reap it, because its number must not be reused while a signal may be sent to it.
fn is_running(child: &Child) -> Result<bool> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    let status = waitid(Id::Pid(pid(child)), flags).context("waitid")?;
    Ok(status == WaitStatus::StillAlive)
}

fn pid(child: &Child) -> Pid {
    // Linux has no process number above 2^22.
    Pid::from_raw(child.id().cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(command: &[OsString]) -> Result<(ExitStatus, Option<PathBuf>)> {
        Runner { command, environment: &[], output: Output::Dropped, limit: None, interrupt: &Interrupt::default() }
            .observe()
    }

    #[test]
    fn a_wrapper_is_seen_through() {
        let (status, program) = observe(&["sh".into(), "-c".into(), "exec sleep 0.1".into()]).unwrap();
        assert!(status.success());
        assert_eq!(program, which::which("sleep").unwrap().canonicalize().ok());
    }

    #[test]
    fn the_status_is_the_commands() {
        assert_eq!(observe(&["sh".into(), "-c".into(), "exit 3".into()]).unwrap().0.code(), Some(3));
    }

    #[test]
    fn an_unknown_command_is_named() {
        let text = format!("{:#}", observe(&["/no/such".into()]).unwrap_err());
        assert!(text.starts_with("/no/such: "), "{text}");
    }
}
