//! Runs the fuzz interpreters on random strings from fixed seeds: the part of fuzzing that runs everywhere.
#[path = "../fuzz/src/lib.rs"]
pub mod fuzz;

use fuzz::{layouts, ops};
use std::panic::catch_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

const INPUTS: u64 = 2000;
const LENGTH: usize = 512;

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn input_of(seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..LENGTH).map(|_| random(&mut state).to_le_bytes()[0]).collect()
}

/// Feeds the inputs of all `seeds` to an interpreter, and names the seed that fails.
fn feed(seeds: impl Iterator<Item = u64>, interpreter: fn(&[u8])) {
    for seed in seeds {
        let input = input_of(seed);
        assert!(catch_unwind(|| interpreter(&input)).is_ok(), "the input of seed {seed} fails");
    }
}

/// Runs `body` while no other test uses the heap, then checks all invariants of the heap.
fn alone(body: impl FnOnce()) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    body();
    assert_eq!(larder::validate(), Ok(()));
}

#[test]
fn random_calls_keep_every_promise() {
    alone(|| feed(0..INPUTS, ops::run));
}

#[test]
fn random_layouts_keep_every_promise() {
    alone(|| feed(0..INPUTS, layouts::run));
}

#[test]
fn threads_with_random_calls_do_not_meet() {
    alone(|| {
        thread::scope(|scope| {
            for first in 0..4 {
                scope.spawn(move || feed((10_000 + first..10_000 + INPUTS / 4).step_by(4), ops::run));
                scope.spawn(move || feed((20_000 + first..20_000 + INPUTS / 4).step_by(4), layouts::run));
            }
        });
    });
}
