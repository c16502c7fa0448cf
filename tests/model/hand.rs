//! One thread's random operations on a heap.
use crate::random::Random;
use crate::shadow::{Object, Shadow, check_zero};
use larder::heap::Heap;

/// The most bytes that one hand keeps.
const MOST_BYTES: usize = 48 << 20;
const PAGE: usize = 4096;

/// A thread with the objects that it holds and its random numbers.
pub struct Hand {
    heap: &'static Heap,
    /// The objects that the hand holds.
    pub shadow: Shadow,
    random: Random,
    seed: u64,
    steps: usize,
}

impl Hand {
    /// An empty hand. Hands of one heap need different seeds.
    pub fn new(heap: &'static Heap, seed: u64) -> Hand {
        Hand { heap, shadow: Shadow::default(), random: Random(seed), seed, steps: 0 }
    }

    /// Does one random operation.
    pub fn step(&mut self) {
        self.steps += 1;
        match self.random.below(64) {
            0 => self.burst(),
            1 => drop(self.heap.trim(0)),
            2 => self.leave_untouched(),
            3..6 => self.alloc_zeroed(),
            6..12 => self.alloc_here(),
            12..32 => self.alloc_on_a_node(),
            32..44 => self.realloc(),
            44..48 => self.resize_in_place(),
            _ => self.free_one(),
        }
        while self.shadow.bytes() > MOST_BYTES {
            self.free_one();
        }
    }

    fn keep(&mut self, start: *mut u8, size: usize, align: usize) {
        let usable = if start.is_null() { 0 } else { self.heap.usable_size(start) };
        let object = Object::new(start, size, align, usable, self.random.next());
        self.shadow.insert(object);
    }

    /// Allocates on a node. The object must come from that node, no matter which nodes' objects were freed before.
    fn alloc_on(&mut self, node: usize, size: usize, align: usize) {
        let start = self.heap.alloc_on(node, size, align);
        let home = self.heap.node_of(start);
        assert!(home.is_none_or(|home| home == node), "{start:p} of node {home:?} for one that asked node {node}");
        self.keep(start, size, align);
    }

    fn alloc_on_a_node(&mut self) {
        let (node, size, align) =
            (self.random.below(self.heap.node_count()), self.random.size(), align(&mut self.random));
        self.alloc_on(node, size, align);
    }

    /// Allocates on the node on which the thread runs.
    fn alloc_here(&mut self) {
        let (size, align) = (self.random.size(), align(&mut self.random));
        let start = self.heap.alloc(size, align);
        let home = self.heap.node_of(start);
        assert!(home.is_none_or(|home| home < self.heap.spare_number()), "{start:p} is of the spare node");
        self.keep(start, size, align);
    }

    fn alloc_zeroed(&mut self) {
        let (size, align) = (self.random.size(), align(&mut self.random));
        let start = self.heap.alloc_zeroed(size, align);
        check_zero(start, size);
        self.keep(start, size, align);
    }

    /// Allocates many objects of one size at once and frees them, so that they go through windows, depots and slabs.
    fn burst(&mut self) {
        let (node, size) = (self.random.below(self.heap.node_count()), self.random.below(2 << 10));
        let count = self.random.below(1200);
        (0..count).for_each(|_| self.alloc_on(node, size, 16));
        (0..count).for_each(|_| self.free_one());
    }

    /// Frees objects without writing to them: the words that the heap left in them must not look like a free object's link.
    fn leave_untouched(&mut self) {
        let (node, size) = (self.random.below(self.heap.node_count()), self.random.below(2 << 10));
        let objects: Vec<_> = (0..self.random.below(300)).map(|_| self.heap.alloc_on(node, size, 16)).collect();
        objects.into_iter().for_each(|object| self.heap.free(object));
    }

    /// Takes an object out of the hand.
    pub fn pick(&mut self) -> Option<Object> {
        let len = self.shadow.len();
        (len > 0).then(|| self.shadow.take(self.random.below(len)))
    }

    fn free_one(&mut self) {
        if let Some(object) = self.pick() {
            self.heap.free(object.start);
        }
    }

    /// Puts an object of another hand into this one.
    pub fn receive(&mut self, object: Object) {
        object.check();
        self.shadow.insert(object);
    }

    fn realloc(&mut self) {
        let Some(old) = self.pick() else { return };
        let size = self.random.size().max(1);
        let start = self.heap.realloc(old.start, size, old.align);
        assert!(!start.is_null(), "no memory for {size} bytes aligned to {}", old.align);
        old.check_first(old.usable.min(size), start);
        self.keep(start, size, old.align);
    }

    /// Resizes an object in place. The reported usable size must be right, and an object of a slab must keep its size.
    fn resize_in_place(&mut self) {
        let Some(old) = self.pick() else { return };
        let size = if self.random.below(2) == 0 {
            old.usable + self.random.below(64 * PAGE)
        } else {
            self.random.below(old.usable)
        };
        let usable = self.heap.resize_in_place(old.start, size, size);
        assert_eq!(usable, self.heap.usable_size(old.start));
        let is_slabs = old.is_slabs(self.heap);
        assert!(!is_slabs || usable == old.usable);
        old.check_first(old.usable.min(usable), old.start);
        let size = if is_slabs { old.size } else { usable };
        self.keep(old.start, size, old.align);
    }

    /// Frees all objects in the hand.
    pub fn free_all(&mut self) {
        while self.shadow.len() > 0 {
            self.free_one();
        }
    }
}

/// A random alignment: mostly that of a real type, up to 64 KiB, and one in two thousand larger than any run can have.
fn align(random: &mut Random) -> usize {
    match random.below(2000) {
        0 => 8 << 20,
        1..300 => 1 << random.below(17),
        _ => 1 << random.below(5),
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the hand with seed {} failed in step {}", self.seed, self.steps);
        }
    }
}
