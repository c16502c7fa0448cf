//! Threads that use the process's heap, which serves this whole program.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "model/random.rs"]
mod random;

use random::Random;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static HEAP: larder::Larder = larder::Larder;

const THREADS: u64 = 6;
/// Long enough for magazines to fill depots, and for slabs to begin and end.
const LONG: Duration = Duration::from_millis(700);

/// A vector that knows its expected content.
struct Parcel {
    bytes: Vec<u8>,
    seed: u8,
}

impl Parcel {
    fn new(random: &mut Random) -> Parcel {
        let (seed, size) = (random.below(256) as u8, random.size().min(1 << 20));
        Parcel { bytes: (0..size).map(|index| byte_at(seed, index)).collect(), seed }
    }

    /// A parcel whose vector grew byte by byte, by realloc.
    fn grown(random: &mut Random) -> Parcel {
        let (seed, size) = (random.below(256) as u8, random.below(20_000));
        let mut bytes = Vec::new();
        (0..size).for_each(|index| bytes.push(byte_at(seed, index)));
        Parcel { bytes, seed }
    }

    /// A parcel of zeros, from `alloc_zeroed`.
    fn zeroed(random: &mut Random) -> Parcel {
        let bytes = vec![0; random.size().min(1 << 20)];
        assert!(bytes.iter().all(|&byte| byte == 0), "{} zeroed bytes are not", bytes.len());
        Parcel { bytes, seed: 0 }.resealed(random)
    }

    fn resealed(mut self, random: &mut Random) -> Parcel {
        self.seed = random.below(256) as u8;
        let seed = self.seed;
        self.bytes.iter_mut().enumerate().for_each(|(index, byte)| *byte = byte_at(seed, index));
        self
    }

    fn any(random: &mut Random) -> Parcel {
        match random.below(8) {
            0 => Parcel::grown(random),
            1 => Parcel::zeroed(random),
            _ => Parcel::new(random),
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        let wrong = self.bytes.iter().enumerate().position(|(index, &byte)| byte != byte_at(self.seed, index));
        assert!(wrong.is_none(), "byte {wrong:?} of {} was overwritten", self.bytes.len());
    }
}

fn byte_at(seed: u8, index: usize) -> u8 {
    seed.wrapping_add((index as u8).wrapping_mul(31)).wrapping_add((index >> 8) as u8)
}

/// While the result lives, no other test is at work.
fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` in all threads, each with its own seed, while no other test does so; then validates the heap.
fn in_threads(work: impl Fn(Random, Instant) + Sync) {
    let _alone = alone();
    let end = Instant::now() + LONG;
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(Random(seed << 32), end));
        }
    });
    assert_eq!(larder::validate(), Ok(()));
}

/// Has this thread run on one CPU, if there is that CPU.
fn stay_on(cpu: usize) {
    // SAFETY: all zero is the empty set.
    let mut cpus: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set has a place for the CPU.
    unsafe { libc::CPU_SET(cpu, &mut cpus) };
    // SAFETY: reads the set, which has this size.
    let _as_far_as_there_are_cpus = unsafe { libc::sched_setaffinity(0, size_of_val(&cpus), &raw const cpus) };
}

#[test]
fn trim_takes_what_lies_in_the_windows_of_all_cpus() {
    let _alone = alone();
    for cpu in 0..4 {
        thread::spawn(move || {
            stay_on(cpu);
            let objects: Vec<_> =
                (0..2000).map(|number| Box::<[u8]>::new_uninit_slice(100 + number % 20 * 200)).collect();
            drop(objects);
        })
        .join()
        .unwrap();
    }
    let in_windows = || larder::stats().cached_windows;
    let before = in_windows();
    larder::trim();
    let after = in_windows();
    assert!(before > 100_000 && after < before / 10, "{before} {after}");
}

#[test]
fn each_keeps_its_own() {
    in_threads(|mut random, end| {
        let mut parcels: Vec<Parcel> = Vec::new();
        while Instant::now() < end {
            if parcels.len() < 300 && random.below(2) == 0 {
                parcels.push(Parcel::any(&mut random));
            } else if !parcels.is_empty() {
                parcels.swap_remove(random.below(parcels.len()));
            }
        }
    });
}

/// One thread allocates what another frees: objects go one way, through depots.
#[test]
fn producers_and_consumers() {
    in_threads(|mut random, end| {
        let (sender, receiver) = sync_channel::<Parcel>(500);
        thread::scope(|scope| {
            scope.spawn(move || receiver.into_iter().for_each(drop));
            while Instant::now() < end {
                sender.send(Parcel::any(&mut random)).unwrap();
            }
            drop(sender);
        });
    });
}

/// Every object is freed by a thread that did not allocate it, many of one size at a time.
#[test]
fn heaps_of_one_size_change_hands() {
    let (senders, receivers): (Vec<Sender<Vec<Parcel>>>, Vec<_>) = (0..THREADS).map(|_| channel()).unzip();
    let desks: Vec<Mutex<Receiver<_>>> = receivers.into_iter().map(Mutex::new).collect();
    in_threads(|mut random, end| {
        let me = (random.0 >> 32) as usize;
        let inbox = desks[me].lock().unwrap();
        while Instant::now() < end {
            let (seed, size) = (random.below(256) as u8, random.below(2000));
            let heap = (0..random.below(600)).map(|_| {
                let bytes = (0..size).map(|index| byte_at(seed, index)).collect();
                Parcel { bytes, seed }
            });
            senders[random.below(senders.len())].send(heap.collect()).unwrap();
            inbox.try_iter().for_each(drop);
        }
    });
}

/// Threads come and go: the objects that they leave in the windows serve the next threads.
#[test]
fn short_lives() {
    in_threads(|mut random, end| {
        while Instant::now() < end {
            let mut random = Random(random.next());
            let parcels = thread::spawn(move || (0..20).map(|_| Parcel::any(&mut random)).collect::<Vec<_>>());
            drop(parcels.join().unwrap());
        }
    });
}

/// One thread trims the heap while the others use it.
#[test]
fn trims_meanwhile() {
    in_threads(|mut random, end| {
        while Instant::now() < end {
            let parcels: Vec<_> = (0..random.below(200)).map(|_| Parcel::any(&mut random)).collect();
            if random.0 >> 63 == 1 {
                HEAP.trim(0);
            }
            drop(parcels);
        }
    });
}

/// The figures agree with the objects that all threads hold, while they hold them and afterwards.
#[test]
fn figures_agree_with_what_is_held() {
    const COUNT: usize = 5000;
    let (all_are_there, seen) = (Barrier::new(THREADS as usize), Mutex::new(Vec::new()));
    in_threads(|mut random, _| {
        let held: Vec<_> = (0..COUNT).map(|_| vec![random.next() as u8; SIZE]).collect();
        all_are_there.wait();
        let holding = in_use();
        all_are_there.wait();
        drop(held);
        all_are_there.wait();
        seen.lock().unwrap().push((holding, in_use()));
    });
    let all = COUNT * THREADS as usize;
    for (holding, after) in seen.into_inner().unwrap() {
        assert!((all..all + SLACK).contains(&holding), "{holding} objects in use, {all} held");
        assert!(after < SLACK, "{after} objects in use, none held");
    }
}

const SIZE: usize = 1500;
/// The most by which the figure may differ: objects of the class that the test's own machinery holds, and restarted sequences.
const SLACK: usize = 50;

/// The number of objects in use in the class that serves `SIZE`.
fn in_use() -> usize {
    larder::stats().classes.iter().find(|class| class.size >= SIZE).map_or(0, |class| class.in_use)
}
