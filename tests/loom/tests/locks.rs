//! Tests of the futex lock, the latch and the gate.
#![cfg(loom)]

use larder_loom::gate::PROCESS;
use larder_loom::gate::once::Gate;
use larder_loom::locking::latch::Latch;
use larder_loom::locking::lock::{Lock, Reentered};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::sync::atomic::{AtomicU32, Ordering};

/// A number that loom watches: a race on it fails the model.
#[derive(Debug, Default)]
struct Watched(UnsafeCell<u32>);

impl Watched {
    fn add(&self) -> u32 {
        self.0.with_mut(|number| {
            // SAFETY: loom fails the model if another thread accesses the cell at the same time.
            let number = unsafe { &mut *number };
            *number += 1;
            *number
        })
    }
}

// SAFETY: loom fails the model if two threads access the cell at the same time.
unsafe impl Sync for Watched {}

/// Tries every order of `threads` threads that each do `work`, with at most `preemptions` preemptions, and then calls `after`.
fn every_order<S: Default + Send + Sync + 'static>(threads: usize, preemptions: usize, work: fn(&S), after: fn(&S)) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(move || {
        let shared = Arc::new(S::default());
        let others: Vec<_> = (1..threads)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || work(&shared))
            })
            .collect();
        work(&shared);
        others.into_iter().for_each(|other| other.join().unwrap());
        after(&shared);
    });
}

fn add_twice(lock: &Lock<Watched>) {
    for _ in 0..2 {
        lock.lock().unwrap().add();
    }
}

fn add_once(lock: &Lock<Watched>) {
    lock.lock().unwrap().add();
}

#[test]
fn two_threads_exclude_each_other_and_all_wake() {
    every_order(2, 8, add_twice, |lock| assert_eq!(lock.lock().unwrap().add(), 5));
}

#[test]
fn three_threads_exclude_each_other_and_all_wake() {
    every_order(3, 4, add_once, |lock| assert_eq!(lock.lock().unwrap().add(), 4));
}

#[test]
fn a_lock_that_is_tried_is_not_waited_for() {
    every_order(
        2,
        6,
        |lock: &Lock<Watched>| {
            if let Some(held) = lock.try_lock() {
                held.add();
            }
            add_once(lock);
        },
        |lock| assert!((3..=5).contains(&lock.lock().unwrap().add())),
    );
}

#[test]
fn a_thread_that_holds_the_lock_is_told_so() {
    every_order(
        2,
        5,
        |lock: &Lock<Watched>| {
            let held = lock.lock().unwrap();
            assert_eq!(lock.lock().map(drop), Err(Reentered));
            held.add();
        },
        |lock| assert_eq!(lock.lock().unwrap().add(), 3),
    );
}

/// A latch, the number behind it, and how often it was held.
#[derive(Default)]
struct Latched {
    latch: Latch,
    number: Watched,
    held: AtomicU32,
}

impl Latched {
    /// Nobody waits: each of two tries either holds the latch or goes on without it.
    fn try_twice(&self) {
        for _ in 0..2 {
            if let Some(_held) = self.latch.hold() {
                self.number.add();
                self.held.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The latch is free, and no change was lost.
    fn is_whole(&self) {
        let _held = self.latch.hold().unwrap();
        assert_eq!(self.number.add(), self.held.load(Ordering::Relaxed) + 1);
    }
}

#[test]
fn a_latch_is_held_by_one_of_two_threads_and_is_free_afterwards() {
    every_order(2, 8, Latched::try_twice, Latched::is_whole);
}

#[test]
fn a_latch_is_held_by_one_of_three_threads_and_is_free_afterwards() {
    every_order(3, 4, Latched::try_twice, Latched::is_whole);
}

/// A gate, the number behind it, and how often it failed to open.
#[derive(Default)]
struct Behind {
    gate: Gate,
    room: Watched,
    failures: AtomicU32,
}

#[test]
fn a_gate_is_opened_once() {
    every_order(
        3,
        3,
        |behind: &Behind| assert!(behind.gate.open_with(|| behind.room.add() == 1)),
        |behind| assert!(behind.gate.is_open() && behind.room.add() == 2),
    );
}

/// The same, as a forked child finds it.
struct Inherited(Behind);

impl Default for Inherited {
    fn default() -> Self {
        let behind = Behind::default();
        behind.gate.open(PROCESS - 1);
        Inherited(behind)
    }
}

#[test]
fn an_inherited_gate_is_opened_once() {
    every_order(
        2,
        6,
        |Inherited(behind): &Inherited| {
            behind.gate.shut_inherited();
            assert!(behind.gate.is_open() || behind.gate.open_with(|| behind.room.add() == 1));
        },
        |Inherited(behind)| assert!(!behind.gate.is_inherited() && behind.room.add() == 2),
    );
}

#[test]
fn a_gate_that_did_not_open_is_tried_by_the_next() {
    every_order(
        2,
        5,
        |behind: &Behind| {
            if !behind.gate.open_with(|| behind.room.add() == 2) {
                behind.failures.fetch_add(1, Ordering::Relaxed);
            }
        },
        |behind| assert!(behind.gate.is_open() && behind.failures.load(Ordering::Relaxed) == 1),
    );
}
