//! The allocator's source must follow its own rules: calls go down the layers, unsafe code stays in its files, nothing allocates through itself.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, lowest first. A layer may name itself and those before it.
const LAYERS: [&str; 9] = ["base", "sys", "region", "arena", "slab", "depot", "cpu", "heap", "global"];
/// Modules that every layer may name: `stats` holds plain data that layers fill in and users read.
const EVERYWHERE: [&str; 1] = ["stats"];
/// The crate's root declares the layers and re-exports their public items, so it names all of them.
const ROOT: &str = "lib";

/// All files that may contain unsafe code. A file that is added here must state a reason at its head.
const UNSAFE_FILES: [&str; 27] = [
    "cpu/hit.rs",
    "cpu/rows.rs",
    "cpu/window.rs",
    "depot/shard.rs",
    "global.rs",
    "global/c_face.rs",
    "global/numa.rs",
    "global/observe.rs",
    "heap/huge.rs",
    "heap/large.rs",
    "heap/node.rs",
    "heap/places.rs",
    "heap/realloc.rs",
    "region/pagemap.rs",
    "region/table.rs",
    "region/tokens.rs",
    "slab/descriptor.rs",
    "sys/arch/x86_64.rs",
    "sys/clock.rs",
    "sys/environment.rs",
    "sys/helper.rs",
    "sys/lock.rs",
    "sys/rseq.rs",
    "sys/syscall.rs",
    "sys/thread.rs",
    "sys/vdso.rs",
    "sys/vm.rs",
];

/// The line that begins the unit tests at the end of a file.
const ONLY_TESTS: &str = "#[cfg(test)]\n";

/// Whether each item at the end of a file has that attribute. `end` lacks the attribute of the first item.
fn holds_tests_alone(end: &str) -> bool {
    let inside = |line: &&str| !line.is_empty() && !line.starts_with([' ', '}', '#', '/']);
    let items = |text: &str| text.lines().filter(inside).count();
    end.split(&format!("\n{ONLY_TESTS}")).all(|part| items(part) <= 1)
}

/// A file of the allocator, without comments and without its unit tests.
struct Source {
    /// The path below `allocator/src`.
    name: String,
    code: String,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Source {
        let text = fs::read_to_string(path).unwrap();
        let (code, tests) = text.split_once(ONLY_TESTS).unwrap_or((&text, ""));
        let is_end = code.is_empty() || code.ends_with('\n');
        assert!(
            is_end && holds_tests_alone(tests),
            "{} goes on behind its tests, where nothing is looked at",
            path.display()
        );
        let code = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
        Source { name: path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), code }
    }

    /// The file's layer: its directory below the root, or its own name.
    fn layer(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or_default()
    }

    fn has_word(&self, word: &str) -> bool {
        words(&self.code).any(|other| other == word)
    }

    /// The modules of the crate that the file names: X of every `crate::X` and of every `crate::{X, …}`. `$crate::` in a macro does not count, because
    /// it belongs to the macro's user.
    fn named(&self) -> Vec<&str> {
        let parts = self.code.split("crate::").collect::<Vec<_>>();
        let ends = parts.windows(2).filter(|pair| !pair[0].ends_with(['$', '_']));
        ends.flat_map(|pair| first_names(pair[1])).collect()
    }
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

fn first_names(path: &str) -> Vec<&str> {
    match path.strip_prefix('{') {
        Some(group) => group
            .split('}')
            .next()
            .unwrap_or_default()
            .split(',')
            .filter_map(|item| words(item.trim()).next())
            .collect(),
        None => words(path).take(1).collect(),
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../allocator/src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source::read(&root, &path));
            }
        }
    }
    assert!(found.len() > LAYERS.len(), "no sources below {}", root.display());
    found
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|&other| other == layer)
}

/// Whether a file of `layer` may name `other`.
fn may_name(layer: &str, other: &str) -> bool {
    EVERYWHERE.contains(&other) || rank(other).is_some_and(|other| other <= rank(layer).unwrap_or(0))
}

#[test]
fn calls_go_down() {
    for source in sources().iter().filter(|source| source.layer() != ROOT) {
        let layer = source.layer();
        assert!(rank(layer).is_some() || EVERYWHERE.contains(&layer), "{} is in no layer", source.name);
        let up: Vec<_> = source.named().into_iter().filter(|other| !may_name(layer, other)).collect();
        assert!(up.is_empty(), "{} names what lies above it: {up:?}", source.name);
        assert!(
            !source.code.contains("super::super"),
            "{} reaches beyond its folder without naming the layer",
            source.name
        );
    }
}

#[test]
fn every_layer_is_there() {
    let found: BTreeSet<_> = sources().iter().map(|source| source.layer().to_owned()).collect();
    let known = LAYERS.iter().chain(&EVERYWHERE).chain([&ROOT]).map(|&name| name.to_owned()).collect();
    assert_eq!(found, known);
}

#[test]
fn unsafe_stays_in_its_files() {
    let sources = sources();
    for source in &sources {
        let allowed = source.code.contains("#![allow(unsafe_code, reason = ");
        assert_eq!(source.has_word("unsafe"), allowed, "{}: unsafe code and the permission for it", source.name);
    }
    let found: BTreeSet<_> =
        sources.iter().filter(|source| source.has_word("unsafe")).map(|source| source.name.as_str()).collect();
    assert_eq!(found, BTreeSet::from(UNSAFE_FILES));
}

/// The allocator must use neither the standard library nor `alloc` nor thread-local storage: it could end up calling itself.
#[test]
fn nothing_allocates_through_itself() {
    let sources = sources();
    let root = sources.iter().find(|source| source.layer() == ROOT).unwrap();
    assert!(root.code.contains("#![no_std]") && root.code.contains("#![deny(unsafe_code)]"));
    for source in &sources {
        let code = source.code.replace("core::alloc::", "");
        for word in ["std::", "alloc::", "Box::", "Vec::", "thread_local!", "vec!", "format!", "extern crate"] {
            assert!(!code.contains(word), "{} uses {word}", source.name);
        }
    }
}
