//! Asks the library itself how larder reaches its per-CPU caches.
//!
//! The answer depends on the kernel, on glibc and on the environment (GLIBC_TUNABLES, LARDER_CONF, a sandbox), so a guess
//! made in this process could be wrong for the next. Instead this tool runs itself with the library preloaded, as it will
//! run the user's program, and calls `larder_mode` in that process.

use std::ffi::{CStr, c_char};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, bail};
use libloading::os::unix::{Library, Symbol};

use crate::say::say;
use crate::{myself, preload};

/// The hidden subcommand that answers.
pub(crate) const ANSWER: &str = "__mode";

/// Returns the mode of programs that run on `library`, in a few words. Passes on what larder says of LARDER_CONF, because those programs may not be heard.
pub(crate) fn ask(library: &Path) -> Result<String> {
    let output = probe(library)?;
    for line in String::from_utf8_lossy(&output.stderr).lines().filter_map(|line| line.strip_prefix("larder: ")) {
        if line.starts_with("LARDER_CONF: ") {
            say(line);
        }
    }
    understand(&output).with_context(|| library.display().to_string())
}

/// As [`ask`] for a program that warns by itself, but returns `Ok(Err(reason))` if the process that should answer was killed by a signal: the library
/// may be good all the same, because this tool needs more memory than some programs, and LARDER_CONF may allow less.
pub(crate) fn try_ask(library: &Path) -> Result<Result<String, String>> {
    let output = probe(library)?;
    let answer = understand(&output).with_context(|| library.display().to_string());
    if output.status.signal().is_some() { Ok(answer.map_err(|error| format!("{error:#}"))) } else { answer.map(Ok) }
}

/// Runs the process that answers. Its stderr is captured, because the warnings about LARDER_CONF should appear once.
fn probe(library: &Path) -> Result<Output> {
    let mut probe = myself::command(ANSWER);
    preload::set(&mut probe, library)?;
    myself::output(&mut probe)
}

fn understand(output: &Output) -> Result<String> {
    let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !answer.is_empty() {
        return Ok(answer);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let first = complaint.lines().next().unwrap_or("no message");
    bail!("a program that preloads it ended with {}: {first}", output.status)
}

/// Prints the answer of the preloaded library: the other side of [`ask`].
pub(crate) fn answer() -> Result<()> {
    let mode = preloaded_mode().context("it does not define larder_mode: is it liblarder.so?")?;
    writeln!(std::io::stdout(), "{mode}").context("stdout")
}

fn preloaded_mode() -> Result<String> {
    let process = Library::this();
    // SAFETY: this is the signature that larder.h gives to the only function of that name.
    let mode: Symbol<unsafe extern "C" fn() -> *const c_char> = unsafe { process.get(b"larder_mode\0") }?;
    // SAFETY: `larder_mode` takes no arguments and may be called at any time.
    let text = unsafe { mode() };
    // SAFETY: `larder_mode` returns a C string that lives as long as the library, which is never unloaded.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::ExitStatus;

    fn output(status: i32, stdout: &str, stderr: &str) -> Output {
        Output { status: ExitStatus::from_raw(status), stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn a_good_answer_is_the_mode() {
        assert_eq!(understand(&output(0, "rseq by mm_cid\n", "noise")).unwrap(), "rseq by mm_cid");
    }

    #[test]
    fn a_bad_answer_carries_the_complaint() {
        let text = understand(&output(1 << 8, "", "first\nsecond")).unwrap_err().to_string();
        assert!(text.ends_with("exit status: 1: first"), "{text}");
        assert!(understand(&output(6, "", "")).unwrap_err().to_string().contains("signal: 6"));
        assert!(understand(&output(0, "", "")).is_err());
    }

    #[test]
    fn a_process_without_larder_has_no_mode() {
        assert!(preloaded_mode().is_err());
    }
}
