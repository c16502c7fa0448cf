//! Finds liblarder.so.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

const FILE: &str = "liblarder.so";
/// The places to look at, in this order and relative to the directory of the tool: first a build tree, then an installation.
const BESIDE: [&str; 3] = ["", "../lib", "../lib/larder"];

/// The library to use: the one that the user asked for, else the one that belongs to this tool.
pub(crate) fn find(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = asked {
        return path.canonicalize().with_context(|| format!("--lib {}", path.display()));
    }
    let tool = env::current_exe().context("the path of this tool is unknown: use --lib PATH")?;
    let directory = tool.parent().unwrap_or(Path::new("/"));
    beside(directory)
}

fn beside(directory: &Path) -> Result<PathBuf> {
    let mut places = BESIDE.iter().map(|place| directory.join(place).join(FILE));
    match places.find_map(|path| path.canonicalize().ok()) {
        Some(path) => Ok(path),
        None => bail!(
            "{FILE} is neither in {} nor in ../lib or ../lib/larder: copy it there, or use --lib PATH",
            directory.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(path: PathBuf) -> PathBuf {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        path.canonicalize().unwrap()
    }

    #[test]
    fn the_nearest_one_wins() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for place in ["lib/larder", "lib", "bin"] {
            let path = put(root.path().join(place).join(FILE));
            assert_eq!(beside(&bin).unwrap(), path);
        }
    }

    #[test]
    fn a_missing_one_says_where_it_was_looked_for_and_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let text = beside(root.path()).unwrap_err().to_string();
        assert!(text.contains(root.path().to_str().unwrap()), "{text}");
        assert!(text.contains("--lib PATH"), "{text}");
        let text = format!("{:#}", find(Some(Path::new("/no/x.so"))).unwrap_err());
        assert!(text.starts_with("--lib /no/x.so: "), "{text}");
    }
}
