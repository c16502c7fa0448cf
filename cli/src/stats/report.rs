//! The figures of one process.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context, Result, bail};
use nix::sys::personality::{self, Persona};
use nix::sys::signal::Signal;

use super::observer::{JSON, OBSERVE};
use super::process::Process;
use crate::TOOL_FAILED;
use crate::args::Stats;
use crate::myself;

/// An observer fails where the kernel has put it in the way of what it should see, and where figures were copied in the midst of a change.
const TRIES: usize = 10;

/// Has processes observed with this library.
pub(crate) struct Reporter {
    pub(crate) library: PathBuf,
}

impl Reporter {
    /// The report on a process; if it is JSON, one line without its end.
    pub(crate) fn report(&self, process: &Process, form: Stats) -> Result<String> {
        for attempt in 0..TRIES {
            let output = self.observe(process, form, attempt)?;
            if output.status.success() {
                return printable(if form == Stats::Json { output.stdout } else { output.stderr });
            }
            if output.status.code() == Some(TOOL_FAILED.into()) {
                let text = printable(output.stderr)?;
                bail!("{}", text.trim_end().trim_start_matches("larder: "));
            }
            if !process.exists() {
                bail!("process {} has ended", process.0);
            }
            if output.status.signal() == Some(Signal::SIGALRM as i32) {
                break;
            }
        }
        bail!("no sense can be made of what process {process} holds now: try again")
    }

    fn observe(&self, process: &Process, form: Stats, attempt: usize) -> Result<Output> {
        let mut observer = myself::command(OBSERVE);
        let form = if form == Stats::Json { JSON } else { "table" };
        observer.arg(&self.library).arg(process.0.to_string()).arg(form);
        observer.env_remove("LARDER_CONF").env_remove("LD_PRELOAD");
        // SAFETY: only makes system calls.
        unsafe { observer.pre_exec(move || scatter(attempt)) };
        myself::output(&mut observer)
    }
}

/// The text of a report, which is for terminals: the other process has a hand in it.
fn printable(bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).ok().filter(|text| text.chars().all(|it| it == '\n' || !it.is_control()));
    text.context("the report is no plain text")
}

/// Has the next program laid at addresses of its own: at random, even if this tool is not, and every other time from below.
fn scatter(attempt: usize) -> io::Result<()> {
    let mut persona = personality::get()?;
    persona.remove(Persona::ADDR_NO_RANDOMIZE);
    persona.set(Persona::ADDR_COMPAT_LAYOUT, attempt % 2 == 1);
    personality::set(persona)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_no_report() {
        assert_eq!(printable(b"two\nlines\n".to_vec()).unwrap(), "two\nlines\n");
        for bad in [&b"\x1b[2J"[..], b"a\rb", b"\xff"] {
            assert!(printable(bad.to_vec()).is_err(), "{bad:?}");
        }
    }
}
