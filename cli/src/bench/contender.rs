//! The allocators that are measured: larder, its peers, and the floor.

use std::path::Path;

use anyhow::Result;

use super::args::Bench;
use super::peers;
use crate::elf::Abi;
use crate::loader;
use crate::measure::Allocator;
use crate::measure::allocator::{self, LARDER, SYSTEM};

/// The role of an allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Larder,
    Peer,
    /// Not a real allocator: it shows what the workload costs without one.
    Floor,
}

/// An allocator that is measured.
#[derive(Clone, Debug)]
pub(super) struct Contender {
    pub(super) allocator: Allocator,
    pub(super) role: Role,
    /// The environment variables that its authors recommend.
    pub(super) environment: &'static [(&'static str, &'static str)],
    /// Why it is not measured at all.
    pub(super) problem: Option<String>,
}

impl Contender {
    pub(super) fn new(allocator: Allocator) -> Self {
        let role = match allocator.name.as_str() {
            LARDER => Role::Larder,
            peers::FLOOR => Role::Floor,
            _ => Role::Peer,
        };
        let environment = peers::environment(&allocator.name);
        Self { allocator, role, environment, problem: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.allocator.name
    }

    /// A description of the problem if `provider`, the file that a run got its malloc from, is not this allocator.
    pub(super) fn mismatch(&self, provider: &str) -> Option<String> {
        let provider = Path::new(provider);
        let (right, wanted) = match &self.allocator.library {
            Some(library) => (loader::same(provider, library), library.display().to_string()),
            None => (loader::is_libc(provider), "libc".into()),
        };
        (!right).then(|| format!("it did not load: malloc came from {}, not from {wanted}", provider.display()))
    }
}

/// A predicate: whether the peer of a name, which is built from a crate, takes part.
fn wanted(args: &Bench) -> impl Fn(&str) -> bool {
    let named = |name: &str| args.allocators.iter().any(|it| it == name);
    move |name| named(name) || (args.allocators.is_empty() && (args.full || !peers::is_older(name)))
}

/// Fails if [`gather`] would fail, as far as this can be known before anything is built.
pub(super) fn check(args: &Bench, larder: &Path, abi: Abi) -> Result<()> {
    let mut all = allocator::gather(larder, &args.with, abi)?;
    all.extend(peers::to_build(wanted(args)).into_iter().map(|name| Allocator::new(name, None)));
    allocator::check_names(&all)?;
    allocator::select(all, &args.allocators, &[LARDER], "--allocators").map(drop)
}

/// All contenders: larder first, then the system malloc and the peers, and the floor last.
pub(super) fn gather(args: &Bench, larder: &Path, abi: Abi) -> Result<Vec<Contender>> {
    let mut all = allocator::gather(larder, &args.with, abi)?;
    peers::advise(&all);
    all.extend(peers::build(wanted(args)));
    allocator::check_names(&all)?;
    let mut all = allocator::select(all, &args.allocators, &[LARDER], "--allocators")?;
    if !args.full && args.allocators.is_empty() {
        peers::leave_out_older(&mut all);
    }
    all.sort_by_key(|it| (it.name != LARDER, it.name != SYSTEM));
    Ok(all.into_iter().map(Contender::new).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wanted_file_is_right() {
        let library = std::env::current_exe().unwrap();
        let contender = Contender::new(Allocator::new("x", Some(library.clone())));
        assert_eq!(contender.mismatch(library.to_str().unwrap()), None);
        let text = contender.mismatch("/lib/libc.so.6").unwrap();
        assert!(text.contains("/lib/libc.so.6") && text.contains(library.to_str().unwrap()), "{text}");
    }

    #[test]
    fn the_system_malloc_is_libcs() {
        let contender = Contender::new(Allocator::new(SYSTEM, None));
        assert_eq!(contender.mismatch("/lib/x86_64-linux-gnu/libc.so.6"), None);
        assert!(contender.mismatch("/opt/libjemalloc.so.2").unwrap().ends_with("not from libc"));
    }

    #[test]
    fn the_floor_is_no_peer() {
        let role = |name| Contender::new(Allocator::new(name, None)).role;
        assert_eq!([LARDER, SYSTEM, "bump"].map(role), [Role::Larder, Role::Peer, Role::Floor]);
    }
}
