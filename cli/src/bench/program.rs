//! larder-workloads, the program that is measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::checkout;
use super::measurement::Workload;
use crate::say::say;

const FILE: &str = "larder-workloads";

/// Finds the program: the one that the user asked for, else the one beside this tool; else it is built.
pub(super) fn find(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = asked {
        return path.canonicalize().with_context(|| format!("--workloads {}", path.display()));
    }
    let beside = std::env::current_exe()?.with_file_name(FILE);
    if beside.is_file() { Ok(beside) } else { build() }
}

fn build() -> Result<PathBuf> {
    let Some(root) = checkout::root() else {
        bail!(
            "{FILE} is not beside this tool: copy it there, use --workloads PATH, or run this in a checkout of larder"
        );
    };
    let target = checkout::target()?;
    say(format_args!("building {FILE}"));
    let arguments = ["build", "--release", "--locked", "--package", FILE, "--target-dir"].map(Path::new);
    checkout::cargo(&root, &[&arguments[..], &[target.as_path()]].concat(), &target.join(format!("{FILE}.log")))
}

/// The workloads that the program can run: those that have names, or so many drawn ones.
pub(super) fn workloads(program: &Path, drawn: Option<u32>) -> Result<Vec<Workload>> {
    let drawn = drawn.map(|count| format!("--drawn={count}"));
    let output = Command::new(program).args(["list", "--json"]).args(drawn).output();
    let output = output.with_context(|| program.display().to_string())?;
    if !output.status.success() {
        bail!("{} list ended with {}", program.display(), output.status);
    }
    let list = serde_json::from_slice(&output.stdout);
    list.with_context(|| format!("{} list --json printed an unexpected list: rebuild it", program.display()))
}
