//! The figures of one process.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use nix::sys::personality::{self, Persona};

use super::observer::{JSON, OBSERVE};
use super::process::Process;
use crate::TOOL_FAILED;
use crate::args::Stats;

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
                return String::from_utf8(output.stdout).context("the report is no text");
            }
            if output.status.code() == Some(TOOL_FAILED.into()) {
                let text = String::from_utf8_lossy(&output.stderr);
                bail!("{}", text.trim_end().trim_start_matches("larder: "));
            }
            if !process.exists() {
                bail!("process {} has ended", process.0);
            }
        }
        bail!("process {process} changes faster than it can be read: try again")
    }

    fn observe(&self, process: &Process, form: Stats, attempt: usize) -> Result<Output> {
        let mut observer = Command::new("/proc/self/exe");
        let form = if form == Stats::Json { JSON } else { "table" };
        observer.arg(OBSERVE).arg(&self.library).arg(process.0.to_string()).arg(form).stdin(Stdio::null());
        observer.env_remove("LARDER_CONF").env_remove("LD_PRELOAD");
        // SAFETY: only makes system calls.
        unsafe { observer.pre_exec(move || scatter(attempt)) };
        observer.output().context("this tool cannot run itself: is /proc mounted?")
    }
}

/// Has the next program laid at addresses of its own: at random, even if this tool is not, and every other time from below.
fn scatter(attempt: usize) -> io::Result<()> {
    let mut persona = personality::get()?;
    persona.remove(Persona::ADDR_NO_RANDOMIZE);
    persona.set(Persona::ADDR_COMPAT_LAYOUT, attempt % 2 == 1);
    personality::set(persona)?;
    Ok(())
}
