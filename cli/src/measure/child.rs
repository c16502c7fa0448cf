//! What a process does between fork and exec.

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

/// The command does not outlive who starts it, however that ends. This also makes std fork instead of vfork: only what the starting process wrote to
/// counts for the command then, not all it has mapped.
pub(super) fn ends_with_parent(command: &mut Command) {
    // SAFETY: it makes one system call.
    unsafe { command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGKILL)?)) };
}
