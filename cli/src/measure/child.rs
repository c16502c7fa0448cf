//! A child's number, and work that it does between fork and exec.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// Ensures that the command does not outlive the process that starts it, however that ends. This also makes std fork instead of vfork: then only the
/// pages that the starting process wrote to count for the command, not all that it has mapped.
pub(super) fn ends_with_parent(command: &mut Command) {
    // SAFETY: it makes one system call.
    unsafe { command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGKILL)?)) };
}

pub(super) fn pid(child: &Child) -> Pid {
    // Linux has no process number above 2^22.
    Pid::from_raw(child.id().cast_signed())
}
