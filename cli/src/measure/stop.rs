//! A command that has stopped.
//!
//! It has a process group of its own, so the terminal is not for it: who reads from it or changes its settings is stopped until the group has the
//! terminal, and that is never. The kernel stops all of the group, and so its leader, the child of this tool.

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// Fails if the terminal stopped it. Who stops it otherwise will have it go on.
pub(super) fn check(leader: Pid) -> Result<()> {
    match waitid(Id::Pid(leader), WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG) {
        Ok(WaitStatus::Stopped(_, signal @ (Signal::SIGTTIN | Signal::SIGTTOU))) => {
            bail!("the command wants the terminal ({signal}), which it cannot have here")
        }
        // It has ended.
        Ok(_) | Err(Errno::ECHILD) => Ok(()),
        Err(error) => Err(error).context("waitid"),
    }
}
