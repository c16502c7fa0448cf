//! The peers that are built from crates; benches/peers has one feature for each.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::checkout;
use crate::measure::Allocator;
use crate::say::say;

/// The bump allocator.
pub(super) const FLOOR: &str = "bump";

/// The features of benches/peers. Those that take long to build come last, except for the floor.
const CRATES: [&str; 7] =
    ["mimalloc-v3", "mimalloc-v2", "snmalloc-rs", "rpmalloc-rs", "jemalloc-tikv", "tcmalloc-google", FLOOR];

/// Allocators by the names that their known files have, and the Debian packages that contain them.
const PACKAGES: [(&str, &str); 3] =
    [("jemalloc", "libjemalloc2"), ("mimalloc", "libmimalloc2.0"), ("tcmalloc-minimal", "libtcmalloc-minimal4")];

/// Pairs of an older build and a newer one of the same allocator.
const OLDER: [(&str, &str); 3] =
    [("jemalloc", "jemalloc-tikv"), ("mimalloc", "mimalloc-v3"), ("mimalloc-v2", "mimalloc-v3")];

/// The environment variables that a peer's authors recommend. Google's allocator has per-CPU caches only if glibc leaves rseq
/// to it; otherwise its caches are per thread.
pub(super) fn environment(name: &str) -> &'static [(&'static str, &'static str)] {
    if name == "tcmalloc-google" { &[("GLIBC_TUNABLES", "glibc.pthread.rseq=0")] } else { &[] }
}

/// Prints which Debian packages would add peers.
pub(super) fn advise(found: &[Allocator]) {
    let has = |name: &str| found.iter().any(|it| it.name == name);
    let missing: Vec<_> = PACKAGES.iter().filter(|(name, _)| !has(name)).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        say(format_args!("more peers: apt-get install {}", missing.join(" ")));
    }
}

/// Whether the allocator is an older build of another one.
pub(super) fn is_older(name: &str) -> bool {
    OLDER.iter().any(|(older, _)| *older == name)
}

/// Leaves out allocators whose newer build takes part.
pub(super) fn leave_out_older(all: &mut Vec<Allocator>) {
    let names: Vec<_> = all.iter().map(|it| it.name.clone()).collect();
    let has_newer =
        |name: &str| OLDER.iter().any(|(older, newer)| *older == name && names.iter().any(|it| it == newer));
    all.retain(|it| !has_newer(&it.name));
}

/// The names of all these peers, built or not.
pub(super) fn names() -> &'static [&'static str] {
    &CRATES
}

/// The peers that are wanted and can be built here.
pub(super) fn to_build(wanted: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let here = checkout::root().is_some();
    CRATES.into_iter().filter(|name| here && wanted(name)).collect()
}

/// Builds the wanted peers that are not up to date, and prints which cannot be built and why.
pub(super) fn build(wanted: impl Fn(&str) -> bool) -> Vec<Allocator> {
    let wanted: Vec<_> = CRATES.into_iter().filter(|name| wanted(name)).collect();
    let Some(root) = checkout::root().filter(|_| !wanted.is_empty()) else {
        if !wanted.is_empty() {
            say(format_args!("left out: {}: they are built only in a checkout of larder", wanted.join(", ")));
        }
        return Vec::new();
    };
    let mut built = Vec::new();
    for name in wanted {
        match build_one(&root, name).and_then(|peer| unlike(peer, &built)) {
            Ok(peer) => built.push(peer),
            Err(error) => say(format_args!("left out: {name}: {error:#}")),
        }
    }
    built
}

/// Fails if cargo has built the same file as for another peer, whose figures would then appear under the wrong name.
fn unlike(peer: Allocator, others: &[Allocator]) -> Result<Allocator> {
    let text = |it: &Allocator| it.library.as_ref().and_then(|path| fs::read(path).ok());
    match others.iter().find(|other| text(other) == text(&peer)) {
        Some(twin) => bail!("cargo built {} instead", twin.name),
        None => Ok(peer),
    }
}

fn build_one(root: &Path, name: &str) -> Result<Allocator> {
    let peers = checkout::target()?.join("peers");
    let (tree, library) = (peers.join("build"), peers.join(format!("lib{name}.so")));
    fs::create_dir_all(&tree).with_context(|| tree.display().to_string())?;
    if !library.exists() {
        say(format_args!("building the peer {name}"));
    }
    let arguments = ["build", "--release", "--locked", "--features", name, "--target-dir"].map(Path::new);
    let arguments = [&arguments[..], &[tree.as_path()]].concat();
    let built = checkout::cargo(&root.join("benches/peers"), &arguments, &peers.join(format!("{name}.log")))?;
    replace(&built, &library)?;
    Ok(Allocator::new(name, Some(library)))
}

/// Replaces the file in one step, because a program may be running on the old one.
fn replace(from: &Path, to: &Path) -> Result<()> {
    let new = to.with_extension("new");
    fs::copy(from, &new).with_context(|| from.display().to_string())?;
    fs::rename(&new, to).with_context(|| to.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_build_stays_only_without_the_newer() {
        let left = |names: &[&str]| {
            let mut all: Vec<_> = names.iter().map(|name| Allocator::new(name, None)).collect();
            leave_out_older(&mut all);
            all.into_iter().map(|it| it.name).collect::<Vec<_>>()
        };
        assert_eq!(left(&["mimalloc", "jemalloc", "mimalloc-v3"]), ["jemalloc", "mimalloc-v3"]);
        assert_eq!(left(&["mimalloc", "jemalloc"]), ["mimalloc", "jemalloc"]);
    }

    #[test]
    fn one_file_is_not_two_peers() {
        let directory = tempfile::tempdir().unwrap();
        let peer = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            Allocator::new(name, Some(path))
        };
        let others = [peer("a", "x"), peer("b", "y")];
        assert_eq!(unlike(peer("c", "z"), &others).unwrap().name, "c");
        assert_eq!(unlike(peer("d", "y"), &others).unwrap_err().to_string(), "cargo built b instead");
    }
}
