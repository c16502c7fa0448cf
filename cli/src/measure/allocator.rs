//! The allocators that take part.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::installed;
use crate::elf::Abi;

/// The malloc of libc.
pub(crate) const SYSTEM: &str = "system";
/// larder itself.
pub(crate) const LARDER: &str = "larder";

/// An allocator and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allocator {
    pub(crate) name: String,
    /// The library that is preloaded; `None` for the system malloc.
    pub(crate) library: Option<PathBuf>,
}

impl Allocator {
    pub(crate) fn new(name: &str, library: Option<PathBuf>) -> Self {
        Self { name: name.into(), library }
    }
}

/// The system malloc first, then larder, the libraries that the user named, and those that are installed.
pub(crate) fn gather(larder: &Path, with: &[(String, PathBuf)], abi: Abi) -> Result<Vec<Allocator>> {
    let mut all = vec![Allocator::new(SYSTEM, None), Allocator::new(LARDER, Some(larder.into()))];
    for (name, path) in with {
        let library = path.canonicalize().with_context(|| format!("--with {name}={}", path.display()))?;
        all.push(Allocator::new(name, Some(library)));
    }
    for found in installed::find(abi) {
        if !all.iter().any(|known| known.library == found.library) {
            all.push(found);
        }
    }
    Ok(all)
}

/// Fails if two allocators have the same name.
pub(crate) fn check_names(all: &[Allocator]) -> Result<()> {
    for (index, allocator) in all.iter().enumerate() {
        if all[..index].iter().any(|other| other.name == allocator.name) {
            bail!("two allocators are named {}: give --with another name", allocator.name);
        }
    }
    Ok(())
}

/// The allocators in `names` and `always`, or all if `names` is empty; `option` is the command-line option that had the names.
pub(crate) fn select(
    mut all: Vec<Allocator>,
    names: &[String],
    always: &[&str],
    option: &str,
) -> Result<Vec<Allocator>> {
    for name in names {
        if !all.iter().any(|allocator| allocator.name == *name) {
            let known: Vec<_> = all.iter().map(|allocator| allocator.name.as_str()).collect();
            bail!("{option} {name}: no such allocator here; choose from {}", known.join(", "));
        }
    }
    let wanted = |name: &String| names.is_empty() || always.contains(&name.as_str()) || names.contains(name);
    all.retain(|allocator| wanted(&allocator.name));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<Allocator> {
        names.iter().map(|name| Allocator::new(name, None)).collect()
    }

    #[test]
    fn only_keeps_the_system_and_what_was_named() {
        let kept = |only: &[&str]| {
            let only: Vec<_> = only.iter().map(ToString::to_string).collect();
            select(named(&[SYSTEM, LARDER, "x"]), &only, &[SYSTEM], "--only").unwrap()
        };
        assert_eq!(kept(&[]), named(&[SYSTEM, LARDER, "x"]));
        assert_eq!(kept(&["x"]), named(&[SYSTEM, "x"]));
        let text = select(named(&[SYSTEM]), &["y".into()], &[], "--only").unwrap_err().to_string();
        assert!(text.contains("--only y") && text.contains(SYSTEM), "{text}");
    }

    #[test]
    fn a_name_stands_for_one() {
        assert!(check_names(&named(&["a", "b"])).is_ok());
        assert!(check_names(&named(&["a", "b", "a"])).is_err());
    }
}
