//! Machines of 1 to 64 nodes and 1,024 CPUs: wherever a thread runs, it gets memory of its CPU's home, and wherever an object is freed, it goes home.
//! This is checked after every single step.
use crate::machine::{CPUS, heap_of};
use crate::random::Random;
use larder::heap::Heap;

const REGION: usize = 64 << 20;
const STEPS: usize = 400;
const MOST_LIVE: usize = 300;
/// The first CPU that is used. Those below it are CPUs of the real machine, which stand for other CPUs here (`Heap::run_on`).
const FIRST: usize = 64;

/// A thread that moves to another CPU before each step.
struct Wanderer {
    heap: &'static Heap,
    random: Random,
    live: Vec<*mut u8>,
}

impl Wanderer {
    fn new(heap: &'static Heap, seed: u64) -> Wanderer {
        Wanderer { heap, random: Random(seed), live: Vec::new() }
    }

    /// Moves to a random CPU and returns its home.
    fn move_on(&mut self) -> usize {
        let cpu = FIRST + self.random.below(CPUS - FIRST);
        self.heap.run_on(cpu);
        if self.heap.node_count() == 1 { 0 } else { self.heap.home_of_cpu(cpu).expect("every CPU is known") }
    }

    fn step(&mut self) {
        let home = self.move_on();
        if self.live.len() < MOST_LIVE && self.random.below(5) < 3 {
            let size = if self.random.below(40) == 0 { self.random.below(200_000) } else { self.random.below(3000) };
            let object = self.heap.alloc(size, 16);
            assert_eq!(self.heap.node_of(object), Some(home), "{size} bytes for a thread whose home is {home}");
            self.live.push(object);
        } else if !self.live.is_empty() {
            let object = self.live.swap_remove(self.random.below(self.live.len()));
            self.heap.free(object);
        }
        assert_eq!(self.heap.validate(), Ok(()));
    }
}

fn wander(nodes: usize, settings: &str) {
    let mut wanderer = Wanderer::new(heap_of(nodes, REGION, settings), nodes as u64);
    (0..STEPS).for_each(|_| wanderer.step());
    let live: Vec<_> = std::mem::take(&mut wanderer.live);
    live.into_iter().for_each(|object| wanderer.heap.free(object));
    assert_eq!(wanderer.heap.validate(), Ok(()));
    assert_eq!(wanderer.heap.count_in_use(), 0);
}

#[test]
fn every_step_keeps_objects_at_home() {
    [1, 2, 3, 5, 8, 13, 32, 64].into_iter().for_each(|nodes| wander(nodes, ""));
}

#[test]
fn every_step_keeps_objects_at_home_behind_locks() {
    [1, 2, 7, 64].into_iter().for_each(|nodes| wander(nodes, "percpu:locked"));
}

#[test]
fn every_step_keeps_objects_at_home_under_a_policy() {
    for settings in ["numa:preferred:9", "numa:preferred:3+9", "numa:interleave", "numa:interleave:0+6"] {
        wander(5, settings);
    }
    // Two arenas of five nodes.
    let heap = crate::machine::Machine::even(5).heap(REGION, "numa:bind:3+9");
    let mut wanderer = Wanderer::new(heap, 17);
    (0..STEPS).for_each(|_| wanderer.step());
}

/// Objects that threads free on another node go home a magazine at a time: their node's depots are touched once per magazine, not once per object.
#[test]
fn objects_go_home_by_the_magazine() {
    const OBJECTS: usize = 20_000;
    for settings in ["", "percpu:locked"] {
        let heap = heap_of(2, REGION, settings);
        let (at_home, afar) = (FIRST + 1, FIRST);
        heap.run_on(at_home);
        let objects: Vec<_> = (0..OBJECTS).map(|_| heap.alloc(64, 16)).collect();
        assert!(objects.iter().all(|&object| heap.node_of(object) == Some(1)));
        heap.run_on(afar);
        let before = heap.trades_of(1);
        objects.into_iter().for_each(|object| heap.free(object));
        let trades = heap.trades_of(1) - before;
        assert!((1..=OBJECTS as u32 / 32).contains(&trades), "{trades} trades for {OBJECTS} objects");
        let freed = heap.node_stats(1).expect("the node").counts.remote_free;
        assert!(freed > OBJECTS as u64 / 10 * 9, "{freed} objects were counted");
        assert_eq!(heap.validate(), Ok(()));
    }
}

/// If all threads have one home, hits need not look at the node. Freed objects of other nodes go home all the same, even if only their layout is known.
#[test]
fn a_common_home_has_the_hit_path() {
    let sequences = !matches!(larder::mode(), larder::Mode::Fallback(_));
    for (settings, home) in [("numa:preferred:6", 2), ("numa:preferred:0", 0), ("numa:interleave", 4)] {
        let heap = heap_of(4, REGION, settings);
        assert_eq!(heap.has_open_hits(), sequences, "{settings}");
        let mut objects: Vec<_> = (0..5000).map(|_| heap.alloc(100, 16)).collect();
        assert!(objects.iter().all(|&object| heap.node_of(object) == Some(home)), "{settings}");
        objects.extend((0..5000).map(|turn| heap.alloc_on(turn % 4, 100, 16)));
        objects.into_iter().for_each(|object| heap.free_layout(object as usize, 100, 16));
        assert_eq!(heap.validate(), Ok(()));
        assert_eq!(heap.count_in_use(), 0);
        let again: Vec<_> = (0..5000).map(|_| heap.alloc(100, 16)).collect();
        assert!(again.iter().all(|&object| heap.node_of(object) == Some(home)), "{settings}, once more");
    }
    for settings in ["", "numa:preferred:0+6"] {
        assert!(!heap_of(4, REGION, settings).has_open_hits(), "{settings}");
    }
}
