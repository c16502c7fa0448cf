//! The environment of a process that runs on another allocator.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::args::Stats;

const VARIABLE: &str = "LD_PRELOAD";
const OPTIONS: &str = "LARDER_CONF";

/// Makes `command` load `library` before any libraries that the user preloads.
pub(crate) fn set(command: &mut Command, library: &Path) -> Result<()> {
    let library = library.as_os_str();
    if library.as_bytes().iter().any(|byte| b" :\t\n".contains(byte)) {
        bail!(
            "{} has a space or a colon in its path, which {VARIABLE} cannot carry: copy it elsewhere",
            library.display()
        );
    }
    command.env(VARIABLE, join(library, env::var_os(VARIABLE), ":"));
    Ok(())
}

/// Makes larder print its statistics when `command` ends, in addition to the options that the user has set.
pub(crate) fn ask_for_stats(command: &mut Command, form: Stats) {
    let asked = match form {
        Stats::Text => "stats:exit",
        Stats::Json => "stats:json",
    };
    let value = join(&env::var_os(OPTIONS).unwrap_or_default(), Some(asked.into()), ",");
    command.env(OPTIONS, value);
}

fn join(first: &OsStr, second: Option<OsString>, separator: &str) -> OsString {
    let second = second.unwrap_or_default();
    if first.is_empty() || second.is_empty() {
        return if first.is_empty() { second } else { first.into() };
    }
    [first, OsStr::new(separator), &second].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_needs_a_separator_only_between_two() {
        let join = |first: &str, second: Option<&str>| join(OsStr::new(first), second.map(OsString::from), ",");
        assert_eq!(join("a", Some("b")), "a,b");
        assert_eq!(join("a", Some("")), "a");
        assert_eq!(join("a", None), "a");
        assert_eq!(join("", Some("b")), "b");
    }

    #[test]
    fn a_path_that_cannot_be_preloaded_is_refused() {
        for bad in ["/a b/x.so", "/a:b/x.so"] {
            let text = set(&mut Command::new("true"), Path::new(bad)).unwrap_err().to_string();
            assert!(text.contains(bad), "{text}");
        }
    }
}
