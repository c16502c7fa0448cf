//! Who takes part in a comparison, and what came of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::peers::{self, Peer};
use super::sample::Sample;
use super::summary::Summary;
use crate::args::Compare;
use crate::elf::Abi;

/// The malloc of libc: what the others are compared to.
pub(super) const SYSTEM: &str = "system";
/// Ourselves.
pub(super) const LARDER: &str = "larder";

/// An allocator and its figures.
#[derive(Debug)]
pub(super) struct Entrant {
    pub(super) name: String,
    /// What is preloaded: nothing for the system malloc.
    pub(super) library: Option<PathBuf>,
    pub(super) samples: Vec<Sample>,
    /// Why it is out of the race.
    pub(super) problem: Option<String>,
}

impl Entrant {
    pub(super) fn new(name: &str, library: Option<PathBuf>) -> Self {
        Self { name: name.into(), library, samples: Vec::new(), problem: None }
    }

    /// The figures of one that is not out of the race.
    pub(super) fn summary(&self) -> Option<Summary> {
        if self.problem.is_some() { None } else { Summary::of(&self.samples) }
    }
}

/// The system malloc first, then larder, what the user named, and what the machine has.
pub(super) fn gather(args: &Compare, larder: &Path, abi: Abi) -> Result<Vec<Entrant>> {
    let mut all = vec![Entrant::new(SYSTEM, None), Entrant::new(LARDER, Some(larder.into()))];
    for (name, path) in &args.with {
        let library = path.canonicalize().with_context(|| format!("--with {name}={}", path.display()))?;
        all.push(Entrant::new(name, Some(library)));
    }
    for Peer { name, library } in peers::find(abi) {
        let known = |entrant: &Entrant| entrant.library.as_ref() == Some(&library);
        if !all.iter().any(known) {
            all.push(Entrant::new(&name, Some(library)));
        }
    }
    check_names(&all)?;
    select(all, &args.only)
}

fn check_names(all: &[Entrant]) -> Result<()> {
    for (index, entrant) in all.iter().enumerate() {
        if all[..index].iter().any(|other| other.name == entrant.name) {
            bail!("two allocators are named {}: give --with another name", entrant.name);
        }
    }
    Ok(())
}

/// Those of `only` and the system malloc; all if it is empty.
fn select(mut all: Vec<Entrant>, only: &[String]) -> Result<Vec<Entrant>> {
    for name in only {
        if !all.iter().any(|entrant| entrant.name == *name) {
            let names: Vec<_> = all.iter().map(|entrant| entrant.name.as_str()).collect();
            bail!("--only {name}: there is no such allocator here, choose from {}", names.join(", "));
        }
    }
    all.retain(|entrant| only.is_empty() || entrant.name == SYSTEM || only.contains(&entrant.name));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<Entrant> {
        names.iter().map(|name| Entrant::new(name, None)).collect()
    }

    #[test]
    fn only_keeps_the_system_and_what_was_named() {
        let kept = |only: &[&str]| {
            let only: Vec<_> = only.iter().map(ToString::to_string).collect();
            let kept = select(named(&[SYSTEM, LARDER, "x"]), &only).unwrap();
            kept.into_iter().map(|entrant| entrant.name).collect::<Vec<_>>()
        };
        assert_eq!(kept(&[]), [SYSTEM, LARDER, "x"]);
        assert_eq!(kept(&["x"]), [SYSTEM, "x"]);
        let text = select(named(&[SYSTEM]), &["y".into()]).unwrap_err().to_string();
        assert!(text.contains("--only y") && text.contains(SYSTEM), "{text}");
    }

    #[test]
    fn a_name_stands_for_one() {
        assert!(check_names(&named(&["a", "b"])).is_ok());
        assert!(check_names(&named(&["a", "b", "a"])).is_err());
    }

    #[test]
    fn one_with_a_problem_has_no_figures() {
        let mut entrant = Entrant::new("x", None);
        assert!(entrant.summary().is_none());
        entrant.samples.push(Sample::default());
        assert!(entrant.summary().is_some());
        entrant.problem = Some("crashed".into());
        assert!(entrant.summary().is_none());
    }
}
