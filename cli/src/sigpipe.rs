//! SIGPIPE as it was when this tool was started.
//!
//! Rust's runtime ignores it before `main`, and `exec` has it end a process again, whatever it did before. A service's programs ignore it
//! (systemd's `IgnoreSIGPIPE=`), so that is looked at before the runtime comes, and handed on.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};

static WAS_IGNORED: AtomicBool = AtomicBool::new(false);

#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: all zero is a sigaction.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only asks; `now` is writable.
    unsafe { libc::sigaction(libc::SIGPIPE, ptr::null(), &mut now) };
    WAS_IGNORED.store(now.sa_sigaction == libc::SIG_IGN, Relaxed);
}

/// Hands it on to what `command` becomes.
pub(crate) fn hand_on(command: &mut Command) {
    if WAS_IGNORED.load(Relaxed) {
        // SAFETY: `ignore` makes one system call.
        unsafe { command.pre_exec(ignore) };
    }
}

fn ignore() -> io::Result<()> {
    // SAFETY: no handler is set.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) }?;
    Ok(())
}
