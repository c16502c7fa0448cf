//! Larder's own source tree: what the bench lacks is built from there.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// In the root of every checkout, and nowhere else.
const MARK: &str = "benches/peers/Cargo.toml";

/// The checkout that the working directory or this tool lies in.
pub(super) fn root() -> Option<PathBuf> {
    let places = [env::current_dir(), env::current_exe()];
    places.into_iter().flatten().find_map(|place| above(&place))
}

fn above(place: &Path) -> Option<PathBuf> {
    place.ancestors().find(|directory| directory.join(MARK).is_file()).map(Path::to_path_buf)
}

/// The target directory this tool was built in.
pub(super) fn target() -> Result<PathBuf> {
    let tool = env::current_exe().context("the path of this tool is unknown")?;
    let target = tool.ancestors().nth(2).context("this tool lies in no target directory")?;
    Ok(target.into())
}

/// Runs cargo in a directory, its words in a log; fails with the line among them that tells most.
pub(super) fn cargo<S: AsRef<OsStr>>(directory: &Path, arguments: &[S], log: &Path) -> Result<()> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let words = File::create(log).with_context(|| log.display().to_string())?;
    let mut cargo = Command::new(&program);
    cargo.current_dir(directory).args(arguments).stdout(words.try_clone()?).stderr(words);
    // What it builds is not to run on what this tool was started on.
    cargo.env_remove("LD_PRELOAD");
    let status = cargo.status().with_context(|| program.display().to_string())?;
    if !status.success() {
        bail!("{} (all of it in {})", complaint(&fs::read_to_string(log).unwrap_or_default()), log.display());
    }
    Ok(())
}

/// The line that tells most: what a compiler or a build script says, else what cargo says.
fn complaint(log: &str) -> &str {
    let lines = || log.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = |line: &&str| line.contains("error occurred") || line.contains("not found");
    let error = |line: &&str| line.starts_with("error");
    lines().find(telling).or_else(|| lines().find(error)).or_else(|| lines().next_back()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_found_from_within() {
        let root = tempfile::tempdir().unwrap();
        let mark = root.path().join(MARK);
        assert_eq!(above(&mark), None);
        fs::create_dir_all(mark.parent().unwrap()).unwrap();
        fs::write(&mark, "").unwrap();
        assert_eq!(above(&root.path().join("target/release/larder")), Some(root.path().into()));
    }

    #[test]
    fn the_line_that_tells_most_is_the_reason() {
        let log = "  Compiling x\nerror: failed to run custom build command\n  error occurred in cc-rs: no c++ found\n";
        assert_eq!(complaint(log), "error occurred in cc-rs: no c++ found");
        assert_eq!(complaint("warning: x\nerror: no network\n"), "error: no network");
        assert_eq!(complaint("strange\n"), "strange");
        assert_eq!(complaint(""), "no message");
    }

    #[test]
    fn a_failed_build_tells_why_and_where() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("x.log");
        let text = cargo(directory.path(), &["no-such-command"], &log).unwrap_err().to_string();
        assert!(text.contains("no-such-command") && text.contains("x.log"), "{text}");
    }
}
