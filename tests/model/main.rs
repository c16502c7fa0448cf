//! Random operations on heaps of one to eight nodes, checked against a shadow that knows every live byte.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod figures;
mod hand;
mod homes;
mod machine;
mod policies;
mod random;
mod shadow;

use hand::Hand;
use larder::heap::Heap;
use machine::heap_of;
use shadow::Shadow;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{mem, thread};

/// The bytes of a node's region: enough that no test runs out of memory.
const AMPLE: usize = 1 << 30;
const STEPS: usize = 6000;
/// The number of operations between two checks of the whole heap.
const STRIDE: usize = 500;

fn run(nodes: usize, settings: &str, seed: u64) {
    let heap = heap_of(nodes, AMPLE, settings);
    let mut hand = Hand::new(heap, seed);
    for step in 0..STEPS {
        hand.step();
        if step % STRIDE == 0 {
            figures::check(heap, &hand.shadow);
        }
    }
    hand.free_all();
    check_empty(heap);
}

/// Fails unless nothing is in use and all free memory goes back to the system on request.
fn check_empty(heap: &Heap) {
    figures::check(heap, &Shadow::default());
    heap.trim(0);
    figures::check(heap, &Shadow::default());
    assert_eq!(heap.stats().warm, 0, "bytes kept warm after a trim");
}

#[test]
fn one_node() {
    run(1, "", 1);
}

#[test]
fn one_node_behind_locks() {
    run(1, "percpu:locked", 2);
}

#[test]
fn one_node_by_cpu_number() {
    run(1, "percpu:cpu", 8);
}

#[test]
fn one_node_that_checks_every_free() {
    run(1, "double_free:at_once", 3);
}

#[test]
fn two_nodes() {
    run(2, "", 4);
}

#[test]
fn three_nodes_that_keep_little_warm() {
    run(3, "purge_delay_ms:0,warm_limit_mib:1", 5);
}

#[test]
fn four_nodes_behind_locks() {
    run(4, "percpu:locked,warm_limit_mib:0", 6);
}

#[test]
fn eight_nodes() {
    run(8, "purge_delay_ms:1", 7);
}

#[test]
fn eight_nodes_one_of_them_preferred() {
    run(8, "numa:preferred:9", 8);
}

#[test]
fn four_nodes_interleaved() {
    run(4, "numa:interleave", 9);
}

#[test]
fn sixty_four_nodes() {
    run(64, "", 10);
}

/// Threads move between all CPUs, and thus nodes, and pass objects to each other in a ring.
#[test]
fn threads_move_between_nodes() {
    const THREADS: u64 = 4;
    let heap = heap_of(3, AMPLE, "purge_delay_ms:1");
    let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| channel()).unzip();
    receivers.rotate_left(1);
    thread::scope(|scope| {
        for (seed, ends) in senders.into_iter().zip(receivers).enumerate() {
            scope.spawn(move || wander(Hand::new(heap, 100 + seed as u64), ends));
        }
    });
    check_empty(heap);
}

fn wander(mut hand: Hand, (next, previous): (Sender<shadow::Object>, Receiver<shadow::Object>)) {
    let cpus = thread::available_parallelism().map_or(1, NonZero::get);
    for step in 0..STEPS / 3 {
        if step % 50 == 0 {
            move_to_cpu(step / 50 % cpus);
        }
        hand.step();
        if let Some(object) = hand.pick() {
            next.send(object).expect("the next thread waits until this one lets go of the channel");
        }
        previous.try_iter().for_each(|object| hand.receive(object));
    }
    drop(next);
    previous.iter().for_each(|object| hand.receive(object));
    hand.free_all();
}

/// Moves the thread to a CPU. If it is not allowed there, it stays where it is.
fn move_to_cpu(cpu: usize) {
    // SAFETY: a set of all zeros is valid: the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: the number of a CPU is below the set's size.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the call only reads the set, which is this long.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
}

const NODES: usize = 3;
const SMALL_REGION: usize = 8 << 20;

/// When a node is full, the other nodes serve by distance, the spare one last. Objects that are freed serve at home again.
#[test]
fn a_full_node_borrows_from_the_next() {
    const FIRST: usize = 1;
    for size in [64, 5000, 30_000, 100_000] {
        // Each size gets a heap of its own: a few objects of the previous size remain on CPUs that the thread has left, and the spare node is small.
        let heap = heap_of(NODES, SMALL_REGION, "");
        let objects = exhaust(heap, FIRST, size);
        assert_eq!(homes_of(heap, &objects), [1, 2, 0, heap.spare_number()], "nodes that gave objects of {size} bytes");
        objects.into_iter().for_each(|object| heap.free(object));
        assert_eq!(heap.count_in_use(), 0);
        assert_eq!(heap.validate(), Ok(()));
        let again = heap.alloc_on(FIRST, size, 16);
        assert_eq!(heap.node_of(again), Some(FIRST), "the home of objects of {size} bytes after all were freed");
        heap.free(again);
        heap.trim(0);
    }
}

/// Idle memory is gathered before the spare node must serve anything.
#[test]
fn the_spare_node_comes_last() {
    let heap = heap_of(1, SMALL_REGION, "");
    let take_all = |size| -> Vec<_> {
        std::iter::repeat_with(|| heap.alloc_on(0, size, 16)).take_while(|&o| heap.node_of(o) == Some(0)).collect()
    };
    take_all(5000).into_iter().for_each(|object| heap.free(object));
    let objects = take_all(64);
    assert!(objects.len() * 64 > SMALL_REGION / 10 * 9, "only {} objects of the node itself", objects.len());
}

/// Of freed objects of 32 to 256 KiB, a CPU keeps a window and a magazine of each size; the pages of the others serve requests of other lengths.
#[test]
fn little_is_kept_of_medium_objects() {
    move_to_cpu(0);
    let heap = heap_of(1, AMPLE, "");
    for (size, in_window, in_depot) in [(64 << 10, 2, 2), (160 << 10, 1, 1), (256 << 10, 1, 0)] {
        let objects: Vec<_> = (0..20).map(|_| heap.alloc(size, 16)).collect();
        objects.into_iter().for_each(|object| heap.free(object));
        let stats = heap.stats();
        let class = stats.classes.iter().find(|class| class.size == size).unwrap();
        assert_eq!((class.in_windows, class.in_depots), (in_window, in_depot), "objects of {size} bytes");
        assert_eq!(class.slabs, in_window + in_depot, "slabs of {size} bytes");
        assert!(stats.warm >= (20 - class.slabs) * size, "{} bytes of pages are free", stats.warm);
        heap.trim(0);
    }
}

/// Fills and frees arrays that are mappings of their own, then 64 MiB of large objects.
fn fill_and_free(heap: &Heap) {
    let fill = |size| {
        let object = heap.alloc(size, 16);
        // SAFETY: the object has `size` bytes and belongs to this call.
        unsafe { object.write_bytes(1, size) };
        object
    };
    (0..4).for_each(|_| heap.free(fill(48 << 20)));
    let objects: Vec<_> = (0..64).map(|_| fill(1 << 20)).collect();
    objects.into_iter().for_each(|object| heap.free(object));
}

/// In addition to the warm memory that is bounded, a few runs wait for requests of their length.
#[test]
fn no_more_stays_warm_than_is_asked_for() {
    const QUICK: usize = 3 << 20;
    for (settings, most) in
        [("", 1 << 30), ("warm_limit_mib:8", 8 << 20), ("warm_limit_mib:0", 0), ("purge_delay_ms:0", 0)]
    {
        let heap = heap_of(1, AMPLE, settings);
        fill_and_free(heap);
        let stats = heap.stats();
        assert!(stats.warm <= most + QUICK, "{settings}: {} bytes of pages", stats.warm);
        assert!(stats.huge_warm <= most, "{settings}: {} bytes of mappings", stats.huge_warm);
        assert!(!settings.is_empty() || stats.huge_warm > 8 << 20, "else nothing is seen here");
    }
}

/// A trim keeps as much memory warm as it is asked to, and gives the rest back.
#[test]
fn a_trim_keeps_what_it_is_told_to() {
    const KEEP: usize = 8 << 20;
    let heap = heap_of(1, AMPLE, "");
    fill_and_free(heap);
    let warm = heap.stats().warm;
    assert!(warm > KEEP + (4 << 20), "{warm} bytes");
    heap.trim(KEEP);
    assert!((KEEP..KEEP + (1 << 20)).contains(&heap.stats().warm), "{} bytes are kept", heap.stats().warm);
    heap.trim(0);
    assert_eq!(heap.stats().warm, 0);
}

/// The double free happens in a child, which must abort.
#[test]
fn a_double_free_is_seen_at_once_on_several_nodes() {
    for nodes in [1, 3] {
        let heap = heap_of(nodes, SMALL_REGION, "double_free:at_once");
        // Several objects, so that the window has room. Another one is freed in between, because a double free of the last one is noticed in any case.
        let [object, other, ..] = [(); 8].map(|()| heap.alloc(64, 16));
        // SAFETY: the child calls nothing for which it would need a lock that another thread may hold.
        let child = unsafe { libc::fork() };
        if child == 0 {
            [object, other, object].into_iter().for_each(|object| heap.free(object));
            // SAFETY: `_exit` ends the child and has no preconditions.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: `status` is writable.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGABRT, "{nodes} nodes: {status:#x}");
    }
}

/// Allocates all objects that the nodes can provide: until there is no memory, or an object is a mapping of its own.
fn exhaust(heap: &Heap, node: usize, size: usize) -> Vec<*mut u8> {
    let objects: Vec<_> = std::iter::repeat_with(|| heap.alloc_on(node, size, 16))
        .take_while(|&object| is_of_a_node(heap, object))
        .collect();
    // Runs of ten pages leave six of sixteen for other sizes; at least half can always be allocated.
    assert!(objects.len() * size > NODES * SMALL_REGION / 2, "only {} objects of {size} bytes", objects.len());
    objects
}

/// The nodes in the order in which each first provided an object. (A thread that returns to a CPU may find the last few objects of a full node there.)
fn homes_of(heap: &Heap, objects: &[*mut u8]) -> Vec<usize> {
    let mut homes = Vec::new();
    for home in objects.iter().filter_map(|&object| heap.node_of(object)) {
        if !homes.contains(&home) {
            homes.push(home);
        }
    }
    homes
}

fn is_of_a_node(heap: &Heap, object: *mut u8) -> bool {
    let has_home = heap.node_of(object).is_some();
    if !has_home && !object.is_null() {
        heap.free(object);
    }
    has_home
}
