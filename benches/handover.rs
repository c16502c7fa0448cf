//! One thread allocates and writes objects, another reads and frees them. Objects are handed over 64 at a time through a lock-free ring.

use crossbeam_utils::CachePadded;
use larder_contenders::{Block, Contender, layout};
use std::array::from_fn;
use std::hint::spin_loop;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const LANES: u64 = 32;
const LANE: usize = 64;
const SIZE: usize = 64;

type Lane = [AtomicPtr<u8>; LANE];

struct Ring {
    lanes: [Lane; LANES as usize],
    sent: CachePadded<AtomicU64>,
    taken: CachePadded<AtomicU64>,
}

impl Ring {
    fn new() -> Self {
        Self {
            lanes: from_fn(|_| from_fn(|_| AtomicPtr::new(null_mut()))),
            sent: CachePadded::default(),
            taken: CachePadded::default(),
        }
    }

    fn lane(&self, turn: u64) -> &Lane {
        &self.lanes[(turn % LANES) as usize]
    }
}

/// The wall time of handing over `blocks` objects, rounded up to whole lanes.
pub(crate) fn run(contender: &Contender, blocks: u64) -> Duration {
    let turns = blocks.div_ceil(LANE as u64);
    let ring = Ring::new();
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| produce(contender, &ring, turns));
        scope.spawn(|| consume(contender, &ring, turns));
    });
    start.elapsed().mul_f64(blocks as f64 / (turns * LANE as u64) as f64)
}

fn produce(contender: &Contender, ring: &Ring, turns: u64) {
    pin(0);
    for turn in 0..turns {
        // Pairs with the release in `consume`: the consumer has taken the lane's objects.
        wait_until(|| turn < ring.taken.load(Ordering::Acquire) + LANES);
        for slot in ring.lane(turn) {
            slot.store(contender.alloc(layout(SIZE)).into_raw(), Ordering::Relaxed);
        }
        ring.sent.store(turn + 1, Ordering::Release);
    }
}

fn consume(contender: &Contender, ring: &Ring, turns: u64) {
    pin(1);
    for turn in 0..turns {
        // Pairs with the release in `produce`: the lane and the objects in it are written.
        wait_until(|| turn < ring.sent.load(Ordering::Acquire));
        for slot in ring.lane(turn) {
            // SAFETY: the producer stored an address from `into_raw` there, and each lane is emptied once.
            let block = unsafe { Block::from_raw(slot.load(Ordering::Relaxed)) };
            block.look(layout(SIZE));
            contender.free(block, layout(SIZE));
        }
        ring.taken.store(turn + 1, Ordering::Release);
    }
}

/// Spins, but lets the other thread run if there are more threads than CPUs.
fn wait_until(ready: impl Fn() -> bool) {
    let mut spins = 0_u32;
    while !ready() {
        spins += 1;
        if spins.is_multiple_of(1000) { std::thread::yield_now() } else { spin_loop() }
    }
}

/// The cost of moving a cache line depends on the two cores involved, so they must not change between runs.
fn pin(cpu: usize) {
    // SAFETY: a set of all zeros is valid: the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set has room for CPU 0 and 1.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set outlives the call. If this process may not use the CPU the call fails, and the thread is not pinned.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
}
