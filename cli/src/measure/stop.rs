//! Detects a command that was stopped by the terminal.
//!
//! The command has a process group of its own, which is in the background of the terminal: a process that reads from the terminal or changes its
//! settings is stopped until its group gets the terminal, which never happens. The kernel stops the whole group, and thus its leader, the child of
//! this tool.

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// Fails if the terminal stopped the command. Whoever stops it otherwise is expected to continue it.
pub(super) fn check(leader: Pid) -> Result<()> {
    match waitid(Id::Pid(leader), WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG) {
        Ok(WaitStatus::Stopped(_, signal @ (Signal::SIGTTIN | Signal::SIGTTOU))) => {
            bail!("the command needs the terminal ({signal}), which is not available here")
        }
        // It has ended, or has not been stopped by the terminal.
        Ok(_) | Err(Errno::ECHILD) => Ok(()),
        Err(error) => Err(error).context("waitid"),
    }
}
