//! Signals that were ignored when this tool was started.
//!
//! The programs of a service ignore SIGPIPE (systemd's `IgnoreSIGPIPE=`), but Rust's runtime resets SIGPIPE to its default on `exec`, whatever it was
//! before. While SIGCHLD is ignored, children cannot be waited for, so this tool stops ignoring it. Signals that nohup or a shell ignores for a
//! background process (SIGHUP, SIGINT) must stay ignored. Therefore all of them are looked at before the runtime starts.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};

/// Changed in this process, by Rust's runtime and by `look` below. A program that this tool executes gets them as they were.
const CHANGED: [Signal; 2] = [Signal::SIGPIPE, Signal::SIGCHLD];
/// The signals that ctrlc handles.
const HANDLED: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// One bit for each signal.
static WERE_IGNORED: AtomicU64 = AtomicU64::new(0);

#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    for it in CHANGED.into_iter().chain(HANDLED) {
        // SAFETY: all zero is a valid `sigaction`.
        let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: only queries the action; `now` is writable.
        unsafe { libc::sigaction(it as libc::c_int, ptr::null(), &mut now) };
        if now.sa_sigaction == libc::SIG_IGN {
            WERE_IGNORED.fetch_or(bit(it), Relaxed);
        }
    }
    if was_ignored(Signal::SIGCHLD) {
        // SAFETY: sets the default action, no handler.
        let _sure = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
    }
}

fn bit(signal: Signal) -> u64 {
    1 << signal as u32
}

fn was_ignored(signal: Signal) -> bool {
    WERE_IGNORED.load(Relaxed) & bit(signal) != 0
}

/// Ignores again the signals that were ignored; must be called after ctrlc has installed its handler.
pub(crate) fn leave_ignored() -> io::Result<()> {
    ignore_again(&HANDLED)
}

/// Makes `command` start with the signals ignored that this tool has changed.
pub(crate) fn hand_on(command: &mut Command) {
    // SAFETY: `ignore_again` only makes system calls.
    unsafe { command.pre_exec(|| ignore_again(&CHANGED)) };
}

fn ignore_again(signals: &[Signal]) -> io::Result<()> {
    for &it in signals.iter().filter(|it| was_ignored(**it)) {
        // SAFETY: ignores the signal; no handler is set.
        unsafe { signal(it, SigHandler::SigIgn) }?;
    }
    Ok(())
}
