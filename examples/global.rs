//! A program in which larder serves every allocation: two lines suffice.
//!
//! ```text
//! cargo run --release -p larder-examples --example global
//! ```
use larder::{Mode, Stats};
use std::collections::BTreeMap;
use std::thread;

#[global_allocator]
static HEAP: larder::Larder = larder::Larder;

/// Counts how often each word of a text occurs, with many short-lived small objects.
fn count_words(text: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    counts
}

/// A text that depends on `seed`.
fn text(seed: usize) -> String {
    (0..200_000).map(|index| format!("word{} ", (index * index + seed) % 7919)).collect()
}

fn describe(mode: Mode) -> String {
    match mode {
        Mode::RseqCid => "restartable sequences, windows by the process's own CPU numbers (mm_cid)".to_owned(),
        Mode::RseqCpu => "restartable sequences, windows by CPU".to_owned(),
        Mode::Fallback(reason) => format!("windows behind locks, because {reason}"),
    }
}

fn print(title: &str, stats: &Stats) {
    let in_use = stats.small_in_use + stats.large_in_use + stats.huge_in_use;
    let cached = stats.cached_windows + stats.cached_depots + stats.cached_slabs;
    println!("{title}");
    let rows = [
        ("in use", in_use),
        ("free in caches", cached),
        ("free pages, warm", stats.warm),
        ("metadata", stats.metadata),
    ];
    for (name, bytes) in rows {
        println!("  {name:<18} {:>9.1} KiB", bytes as f64 / 1024.0);
    }
}

fn main() {
    println!("larder: {}", describe(larder::mode()));
    let counters: Vec<_> = (0..4).map(|seed| thread::spawn(move || count_words(&text(seed)))).collect();
    let counts: Vec<_> = counters.into_iter().filter_map(|counter| counter.join().ok()).collect();
    println!("{} texts, {} words in the first", counts.len(), counts.first().map_or(0, BTreeMap::len));
    print("with the counts in memory:", &larder::stats());
    drop(counts);
    let given_back = HEAP.trim(0);
    print(&format!("after dropping them and giving {} KiB back:", given_back / 1024), &larder::stats());
}
