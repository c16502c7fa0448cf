//! One thread allocates and writes, another reads and frees. Blocks change hands 64 at a time through a ring without locks.

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

/// Wall time of handing over `blocks` blocks, rounded up to whole lanes.
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
        // Pairs with the release in `consume`: the lane has been read out.
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
        // Pairs with the release in `produce`: the lane and the blocks in it are written.
        wait_until(|| turn < ring.sent.load(Ordering::Acquire));
        for slot in ring.lane(turn) {
            // SAFETY: the producer put it there, and each lane is read out once.
            let block = unsafe { Block::from_raw(slot.load(Ordering::Relaxed)) };
            block.look(layout(SIZE));
            contender.free(block, layout(SIZE));
        }
        ring.taken.store(turn + 1, Ordering::Release);
    }
}

/// Spins, but lets the other thread run where there are more threads than CPUs.
fn wait_until(ready: impl Fn() -> bool) {
    let mut spins = 0_u32;
    while !ready() {
        spins += 1;
        if spins.is_multiple_of(1000) { std::thread::yield_now() } else { spin_loop() }
    }
}

/// Which two cores talk decides what a line's journey costs, so it must not change between runs.
fn pin(cpu: usize) {
    // SAFETY: all zeroes is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set has room for CPU 0 and 1.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set outlives the call; where the CPU is not ours it fails, and the thread roams.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
}
