//! Looks into the heap while threads use it: free runs by order as in Linux's `/proc/buddyinfo`, size classes as in `/proc/slabinfo`.
//! Figures are gathered only on request, so looking ten times a second costs the threads hardly anything.
//!
//! ```text
//! cargo run --release -p larder-examples --example stats
//! ```
use larder::{ClassStats, Stats};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

#[global_allocator]
static HEAP: larder::Larder = larder::Larder;

const LOOKS: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);
/// The most classes that are listed.
const LINES: usize = 12;

/// Keeps a changing set of vectors, most of them small, until told to stop.
fn work(stop: &AtomicBool, mut seed: usize) {
    let mut kept: Vec<Vec<u8>> = vec![Vec::new(); 4000];
    while !stop.load(Ordering::Relaxed) {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (place, scale) = ((seed >> 33) % kept.len(), (seed >> 20) % 16);
        kept[place] = vec![0; 1 << scale];
    }
}

fn buddyinfo(stats: &Stats) {
    print!("{:<6}", "order");
    (0..stats.orders.len()).for_each(|order| print!("{order:>6}"));
    print!("\n{:<6}", "warm");
    stats.orders.iter().for_each(|order| print!("{:>6}", order.warm));
    print!("\n{:<6}", "zero");
    stats.orders.iter().for_each(|order| print!("{:>6}", order.zero));
    println!();
}

/// Prints the classes whose slabs have the most bytes.
fn slabinfo(stats: &Stats) {
    let mut classes: Vec<&ClassStats> = stats.classes.iter().filter(|class| class.slabs > 0).collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.slab_bytes));
    println!("{:>8}{:>9}{:>9}{:>9}{:>9}{:>7}{:>10}", "size", "in use", "windows", "depots", "slabs", "slabs", "KiB");
    for class in classes.iter().take(LINES) {
        println!(
            "{:>8}{:>9}{:>9}{:>9}{:>9}{:>7}{:>10}",
            class.size,
            class.in_use,
            class.in_windows,
            class.in_depots,
            class.in_slabs,
            class.slabs,
            class.slab_bytes / 1024
        );
    }
}

fn look(number: usize) {
    let stats = larder::stats();
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    println!(
        "\nlook {number}: {:.1} MiB committed, {:.1} MiB given back so far",
        mib(stats.committed),
        mib(stats.purged)
    );
    buddyinfo(&stats);
    slabinfo(&stats);
}

fn main() {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        (1..=4).for_each(|seed| {
            drop(scope.spawn({
                let stop = &stop;
                move || work(stop, seed)
            }))
        });
        for number in 1..=LOOKS {
            thread::sleep(PAUSE);
            look(number);
        }
        stop.store(true, Ordering::Relaxed);
    });
}
