//! Signals that were ignored when this tool was started.
//!
//! A service's programs ignore SIGPIPE (systemd's `IgnoreSIGPIPE=`), but Rust's runtime has `exec` undo that, whatever was before. SIGCHLD ignored
//! leaves nothing to wait for, so this tool does not. What nohup or a shell has ignored in the background (SIGHUP, SIGINT) is not for this tool to
//! handle. So all that is looked at before the runtime comes.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};

/// Changed in this tool, by Rust's runtime and below: a program that it becomes has them as they were.
const CHANGED: [Signal; 2] = [Signal::SIGPIPE, Signal::SIGCHLD];
/// What ctrlc handles.
const HANDLED: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// A bit for each.
static WERE_IGNORED: AtomicU64 = AtomicU64::new(0);

#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    for it in CHANGED.into_iter().chain(HANDLED) {
        // SAFETY: all zero is a sigaction.
        let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: only asks; `now` is writable.
        unsafe { libc::sigaction(it as libc::c_int, ptr::null(), &mut now) };
        if now.sa_sigaction == libc::SIG_IGN {
            WERE_IGNORED.fetch_or(bit(it), Relaxed);
        }
    }
    if was_ignored(Signal::SIGCHLD) {
        // SAFETY: no handler is set.
        let _sure = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
    }
}

fn bit(signal: Signal) -> u64 {
    1 << signal as u32
}

fn was_ignored(signal: Signal) -> bool {
    WERE_IGNORED.load(Relaxed) & bit(signal) != 0
}

/// To be called once ctrlc has its handler.
pub(crate) fn leave_ignored() -> io::Result<()> {
    ignore_again(&HANDLED)
}

/// Hands on to what `command` becomes what this tool has changed.
pub(crate) fn hand_on(command: &mut Command) {
    // SAFETY: `ignore_again` makes system calls alone.
    unsafe { command.pre_exec(|| ignore_again(&CHANGED)) };
}

fn ignore_again(signals: &[Signal]) -> io::Result<()> {
    for &it in signals.iter().filter(|it| was_ignored(**it)) {
        // SAFETY: no handler is set.
        unsafe { signal(it, SigHandler::SigIgn) }?;
    }
    Ok(())
}
