//! The workloads. Each returns nanoseconds per object allocated and freed.

use crate::heap::Heap;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

pub const NAMES: [&str; 9] = [
    "pair 64",
    "150 order",
    "150 reverse",
    "150 random",
    "1000 random",
    "200k replace",
    "cpu 0 to 1",
    "cpu 0 to 2",
    "0 to 1 unread",
];

/// Sizes and orders, which are drawn once so that every heap sees the same requests.
pub struct Plan {
    sizes: Vec<usize>,
    forward: Vec<usize>,
    reverse: Vec<usize>,
    shuffled: Vec<usize>,
    shuffled_long: Vec<usize>,
    picks: Vec<usize>,
}

const LIVE: usize = 200_000;
const BATCH: usize = 64;
const LANES: usize = 32;
const WRITTEN: u64 = 0x6162_6364_6566_6768;

impl Plan {
    pub fn new() -> Self {
        let mut dice = Dice(0x2545_f491_4f6c_dd1d);
        Self {
            sizes: (0..LIVE).map(|_| dice.size()).collect(),
            forward: (0..150).collect(),
            reverse: (0..150).rev().collect(),
            shuffled: dice.shuffle(150),
            shuffled_long: dice.shuffle(1000),
            picks: (0..500_000).map(|_| dice.below(LIVE)).collect(),
        }
    }

    pub fn run<H: Heap>(&self, heap: &H) -> [f64; NAMES.len()] {
        [
            pairs(heap),
            self.batches(heap, &self.forward),
            self.batches(heap, &self.reverse),
            self.batches(heap, &self.shuffled),
            self.batches(heap, &self.shuffled_long),
            self.replace(heap),
            handover(heap, 1, true),
            handover(heap, 2, true),
            handover(heap, 1, false),
        ]
    }

    fn batches<H: Heap>(&self, heap: &H, order: &[usize]) -> f64 {
        let mut live = vec![0; order.len()];
        let rounds = 300_000 / order.len();
        timed(rounds * order.len(), || {
            for round in 0..rounds {
                let sizes = &self.sizes[round % 7 * order.len()..][..order.len()];
                for (slot, &size) in live.iter_mut().zip(sizes) {
                    *slot = touch(heap.alloc(size));
                }
                for &at in order {
                    heap.free(live[at], sizes[at]);
                }
            }
        })
    }

    fn replace<H: Heap>(&self, heap: &H) -> f64 {
        let mut live: Vec<usize> = self.sizes.iter().map(|&size| touch(heap.alloc(size))).collect();
        let mut sizes = self.sizes.clone();
        let cost = timed(self.picks.len(), || {
            for (turn, &at) in self.picks.iter().enumerate() {
                heap.free(live[at], sizes[at]);
                sizes[at] = self.sizes[turn % LIVE];
                live[at] = touch(heap.alloc(sizes[at]));
            }
        });
        live.iter().zip(&sizes).for_each(|(&object, &size)| heap.free(object, size));
        cost
    }
}

fn pairs<H: Heap>(heap: &H) -> f64 {
    const TURNS: usize = 1_000_000;
    timed(TURNS, || {
        for _ in 0..TURNS {
            let size = black_box(64);
            heap.free(touch(heap.alloc(size)), size);
        }
    })
}

/// A thread on CPU 0 allocates and writes objects, another on `cpu` frees them, with or without reading them first.
/// Objects are handed over 64 at a time, through a lock-free ring.
fn handover<H: Heap>(heap: &H, cpu: usize, read: bool) -> f64 {
    let ring = Ring::new();
    timed(TURNS * BATCH, || {
        std::thread::scope(|scope| {
            scope.spawn(|| produce(heap, &ring, 0));
            scope.spawn(|| consume(heap, &ring, cpu, read));
        });
    })
}

const TURNS: usize = 5_000;

struct Ring {
    slots: Vec<AtomicUsize>,
    sent: AtomicUsize,
    taken: AtomicUsize,
}

impl Ring {
    fn new() -> Self {
        let slots = (0..LANES * BATCH).map(|_| AtomicUsize::new(0)).collect();
        Self { slots, sent: AtomicUsize::new(0), taken: AtomicUsize::new(0) }
    }

    fn lane(&self, turn: usize) -> &[AtomicUsize] {
        &self.slots[turn % LANES * BATCH..][..BATCH]
    }
}

fn produce<H: Heap>(heap: &H, ring: &Ring, cpu: usize) {
    pin(cpu);
    for turn in 0..TURNS {
        wait_until(|| turn < ring.taken.load(Ordering::Acquire) + LANES);
        ring.lane(turn).iter().for_each(|slot| slot.store(touch(heap.alloc(64)), Ordering::Relaxed));
        ring.sent.store(turn + 1, Ordering::Release);
    }
}

fn consume<H: Heap>(heap: &H, ring: &Ring, cpu: usize, read: bool) {
    pin(cpu);
    for turn in 0..TURNS {
        wait_until(|| ring.sent.load(Ordering::Acquire) > turn);
        for slot in ring.lane(turn) {
            let object = slot.load(Ordering::Relaxed);
            assert!(!read || peek(object) == WRITTEN);
            heap.free(object, 64);
        }
        ring.taken.store(turn + 1, Ordering::Release);
    }
}

/// The cost of moving a cache line depends on the two cores involved, so they must not change between runs.
fn pin(cpu: usize) {
    // SAFETY: a set of all zeros is valid: the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set has room for every CPU that this function is called with.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: 0 is this thread, and the set outlives the call. If there is no such CPU the call fails, and the thread is not pinned.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) };
}

fn wait_until(ready: impl Fn() -> bool) {
    let mut spins = 0;
    while !ready() {
        spins += 1;
        if spins % 1000 == 0 { std::thread::yield_now() } else { spin_loop() }
    }
}

/// Writes to an object, as a program does.
#[inline(always)]
fn touch(object: usize) -> usize {
    // SAFETY: every request is at least 16 bytes, and the caller holds the object.
    unsafe { (object as *mut u64).write_volatile(WRITTEN) };
    object
}

fn peek(object: usize) -> u64 {
    // SAFETY: the object is live and its first word was written.
    unsafe { (object as *const u64).read_volatile() }
}

fn timed(count: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e9 / count as f64
}

/// xorshift: repeatable, and too cheap to affect the measurement.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    /// A random size. Small ones are the most common: half are below 64, few above 512.
    fn size(&mut self) -> usize {
        let limit = [64, 64, 128, 256, 1024][self.below(5)];
        1 + self.below(limit)
    }

    fn shuffle(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        (1..count).rev().for_each(|at| order.swap(at, self.below(at + 1)));
        order
    }
}
