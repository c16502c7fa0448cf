//! Ctrl-C: ends the program that is being measured; the results so far are still reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use parking_lot::Mutex;

use super::group;
use crate::signals;

/// Sets the action for signals that would end this process, except for those that were ignored when it was started.
pub(super) fn handle(action: impl FnMut() + Send + 'static) -> Result<()> {
    const REFUSED: &str = "signals cannot be handled";
    ctrlc::set_handler(action).context(REFUSED)?;
    signals::leave_ignored().context(REFUSED)
}

/// Whether the user wants to stop, and the process group that must end then.
#[derive(Default)]
pub(crate) struct Interrupt {
    asked: AtomicBool,
    /// The process group that is running. Its leader is not reaped while it is stored here, so the number is not reused.
    running: Mutex<Option<Pid>>,
}

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP, unless they were ignored.
    pub(crate) fn install() -> Result<Arc<Self>> {
        let interrupt = Arc::new(Self::default());
        let shared = Arc::clone(&interrupt);
        handle(move || shared.ask())?;
        Ok(interrupt)
    }

    /// Whether a signal came.
    pub(crate) fn asked(&self) -> bool {
        self.asked.load(SeqCst)
    }

    /// Makes the group of `leader` the one that a signal will end.
    pub(crate) fn enter(&self, leader: Pid) {
        let mut running = self.running.lock();
        *running = Some(leader);
        if self.asked() {
            group::signal(leader, Signal::SIGTERM);
        }
    }

    /// Forgets the group; must be called before the leader is reaped.
    pub(crate) fn leave(&self) {
        *self.running.lock() = None;
    }

    /// Ends the group: by SIGTERM the first time, then by SIGKILL.
    fn ask(&self) {
        let running = self.running.lock();
        let signal = if self.asked.swap(true, SeqCst) { Signal::SIGKILL } else { Signal::SIGTERM };
        if let Some(leader) = *running {
            group::signal(leader, signal);
        }
    }
}
