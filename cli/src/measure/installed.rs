//! The allocator libraries of this machine.

use std::collections::{BTreeSet, HashMap};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Allocator;
use crate::elf::{self, Abi};

/// Names and file names (a version may follow the file name).
const KNOWN: [(&str, &str); 15] = [
    ("jemalloc", "libjemalloc.so"),
    ("mimalloc", "libmimalloc.so"),
    ("mimalloc-secure", "libmimalloc-secure.so"),
    ("tcmalloc-minimal", "libtcmalloc_minimal.so"),
    ("tcmalloc", "libtcmalloc.so"),
    ("snmalloc", "libsnmallocshim.so"),
    ("snmalloc-checks", "libsnmallocshim-checks.so"),
    ("rpmalloc", "librpmalloc.so"),
    ("rpmalloc-wrap", "librpmallocwrap.so"),
    ("hardened", "libhardened_malloc.so"),
    ("hardened-light", "libhardened_malloc-light.so"),
    ("mesh", "libmesh.so"),
    ("scudo", "libscudo.so"),
    ("hoard", "libhoard.so"),
    ("isoalloc", "libisoalloc.so"),
];

/// Where libraries lie, in addition to the files in the linker's cache and the directories of LD_LIBRARY_PATH. `*` is one directory.
const DIRECTORIES: [&str; 7] =
    ["usr/local/lib", "usr/local/lib64", "usr/lib", "usr/lib64", "usr/lib/*-linux-gnu", "lib64", "opt/*/lib"];

/// All allocator libraries on this machine for programs of `abi`, each file once.
pub(super) fn find(abi: Abi) -> Vec<Allocator> {
    let loadable = |path: &Path| matches!(elf::read(path), Ok(Some(elf)) if elf.abi == abi);
    name(files(Path::new("/"), &linker_cache(), loadable))
}

/// The output of `ldconfig -p`; empty if there is no ldconfig.
fn linker_cache() -> String {
    ["/sbin/ldconfig", "/usr/sbin/ldconfig", "ldconfig"]
        .iter()
        .find_map(|ldconfig| Command::new(ldconfig).arg("-p").output().ok())
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

/// The real files below `root` that have a known name, in order of the names.
fn files(root: &Path, cache: &str, loadable: impl Fn(&Path) -> bool) -> Vec<(&'static str, PathBuf)> {
    let cached = cache.lines().filter_map(|line| line.split_once(" => ")).map(|(_, path)| PathBuf::from(path.trim()));
    let listed = directories(root).into_iter().flat_map(entries);
    let mut seen = BTreeSet::new();
    let mut found: Vec<_> = cached
        .chain(listed)
        .filter_map(|path| Some((rank(&path)?, path.canonicalize().ok()?)))
        .filter(|(_, path)| loadable(path) && seen.insert(path.clone()))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(rank, path)| (KNOWN[rank].0, path)).collect()
}

/// The place of a file in `KNOWN`, by its name.
fn rank(path: &Path) -> Option<usize> {
    let name = path.file_name()?.to_str()?;
    KNOWN.iter().position(|(_, file)| {
        name.strip_prefix(file).is_some_and(|rest| rest.chars().all(|it| it == '.' || it.is_ascii_digit()))
    })
}

fn directories(root: &Path) -> Vec<PathBuf> {
    let of_user = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let standard = DIRECTORIES.iter().flat_map(|pattern| expand(root, pattern));
    env::split_paths(&of_user).filter(|path| path.is_absolute()).chain(standard).collect()
}

/// The directories that a pattern with at most one `*` stands for.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![root.join(pattern)];
    };
    let (suffix, rest) = after.split_once('/').unwrap_or((after, ""));
    entries(root.join(before))
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .map(|path| path.join(rest))
        .collect()
}

/// The files of a directory, sorted; none if it cannot be read.
fn entries(directory: PathBuf) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        directory.read_dir().into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// Numbers libraries that have the same name: jemalloc, jemalloc-2.
fn name(files: Vec<(&'static str, PathBuf)>) -> Vec<Allocator> {
    let mut counts: HashMap<&str, u32> = HashMap::new();
    let mut named = |(name, library): (&'static str, PathBuf)| {
        let count = counts.entry(name).or_default();
        *count += 1;
        let name = if *count == 1 { name.into() } else { format!("{name}-{count}") };
        Allocator { name, library: Some(library) }
    };
    files.into_iter().map(&mut named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn put(root: &Path, path: &str) -> PathBuf {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        path.canonicalize().unwrap()
    }

    fn names(root: &Path, cache: &str) -> Vec<(String, PathBuf)> {
        name(files(root, cache, |_| true)).into_iter().map(|peer| (peer.name, peer.library.unwrap())).collect()
    }

    #[test]
    fn known_files_are_found_once_and_named() {
        let root = tempfile::tempdir().unwrap();
        let mimalloc = put(root.path(), "usr/lib/x86_64-linux-gnu/libmimalloc.so.2.0");
        symlink(&mimalloc, mimalloc.with_file_name("libmimalloc.so.2")).unwrap();
        let first = put(root.path(), "usr/local/lib/libjemalloc.so.2");
        let second = put(root.path(), "opt/je/lib/libjemalloc.so.2");
        put(root.path(), "usr/lib/libtcmalloc_minimal_debug.so.4");
        put(root.path(), "usr/lib/libm.so.6");
        put(root.path(), "usr/lib/libjemalloc.so.2.txt");
        let expected = [("jemalloc", first), ("jemalloc-2", second), ("mimalloc", mimalloc)];
        assert_eq!(names(root.path(), ""), expected.map(|(name, path)| (name.to_owned(), path)));
    }

    #[test]
    fn the_linkers_cache_comes_first() {
        let root = tempfile::tempdir().unwrap();
        let cached = put(root.path(), "somewhere/libtcmalloc.so.4");
        let listed = put(root.path(), "usr/lib/libtcmalloc.so.4");
        let cache = format!("1 libs found in cache\n\tlibtcmalloc.so.4 (libc6,x86-64) => {}\n", cached.display());
        let expected = [("tcmalloc".to_owned(), cached), ("tcmalloc-2".to_owned(), listed)];
        assert_eq!(names(root.path(), &cache), expected);
    }

    #[test]
    fn what_cannot_be_loaded_and_dangling_links_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "usr/lib/libmesh.so");
        symlink("/nowhere", root.path().join("usr/lib/libhoard.so")).unwrap();
        assert_eq!(files(root.path(), "", |_| false), []);
        assert_eq!(files(root.path(), "", |_| true).len(), 1);
    }

    #[test]
    fn the_real_search_gives_files_of_the_same_abi() {
        let abi = elf::read(Path::new("/proc/self/exe")).unwrap().unwrap().abi;
        for peer in find(abi) {
            assert_eq!(elf::read(peer.library.as_ref().unwrap()).unwrap().unwrap().abi, abi, "{peer:?}");
        }
    }
}
