//! The crate's head promises that every function but `validate` may be called in a signal handler, also in one that interrupted an allocation, and in
//! a forked child of a program with threads.
use std::alloc::{GlobalAlloc, Layout};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{mem, process, ptr, thread};

use larder::Larder;

#[global_allocator]
static HEAP: Larder = Larder;

const THREADS: usize = 3;
const CHILDREN: usize = 20;
const CALLS: usize = 13;
/// A child that takes this many seconds has hung; the whole test, if it takes ten times as many.
const LIMIT: u32 = 20;

static STOP: AtomicBool = AtomicBool::new(false);
static HANDLED: AtomicUsize = AtomicUsize::new(0);

/// Throws away what is written.
struct Nowhere;

impl fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

/// Ends the process: a panic may wait for what the interrupted code holds.
fn must(so: bool) {
    if !so {
        process::abort();
    }
}

/// Allocates in all ways, and frees it.
fn allocate(size: usize) {
    let layout = Layout::from_size_align(size, 16).unwrap();
    let everywhere = Larder::interleaved();
    let near = larder::nodes().find_map(|node| node.node).and_then(|node| Larder::on_node(node).ok()).unwrap();
    // SAFETY: the size is not 0, and each object is freed once, by a function that takes it.
    unsafe {
        HEAP.dealloc(HEAP.alloc(layout), layout);
        near.dealloc(near.alloc(layout), layout);
        everywhere.dealloc(everywhere.alloc_zeroed(layout), layout);
        let object = HEAP.memalign(4096, size);
        must(HEAP.usable_size(object) >= size);
        let object = HEAP.resize(object, 2 * size);
        HEAP.resize_in_place(object, size, size);
        larder::node_of(object);
        HEAP.free(object);
    }
}

/// Calls one of the functions.
fn call(number: usize) {
    match number % CALLS {
        0 => allocate(100),
        1 => allocate(50 << 10),
        2 => allocate(1 << 20),
        3 => allocate(40 << 20),
        4 => drop(larder::trim()),
        5 => must(larder::stats().nodes > 0),
        6 => must(larder::page_stats(0).is_some()),
        7 => must(larder::write_json(&mut Nowhere).is_ok()),
        8 => must(larder::nodes().all(|node| node.base > 0)),
        9 => drop(larder::residence(0, 10)),
        10 => drop(larder::nodes().next().and_then(|node| node.node).map(|node| larder::migrate(node, node))),
        11 => must((larder::numa_policy(), larder::mode()) == (larder::numa_policy(), larder::mode())),
        _ => {
            larder::numa_refusals().for_each(drop);
            larder::follow_policy();
            larder::resident_in_huge_pages();
            HEAP.heed_address_limit();
        }
    }
}

extern "C" fn handle(_: libc::c_int) {
    call(HANDLED.fetch_add(1, Ordering::Relaxed));
}

/// Has a signal interrupt some thread of the process every so many microseconds; 0: none.
fn interrupt_every(microseconds: libc::suseconds_t) {
    let pause = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: pause, it_value: pause };
    // SAFETY: the timer is set from a valid value; the old one is not asked for.
    assert_eq!(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) }, 0);
}

fn churn(seed: usize) {
    for turn in 0.. {
        if STOP.load(Ordering::Relaxed) {
            return;
        }
        let small: Vec<Box<[u8; 48]>> = (0..500).map(|_| Box::new([1; 48])).collect();
        let large: Vec<Vec<u8>> = (0..20).map(|it| vec![1; 20_000 + (seed + turn + it) * 6400 % 2_000_000]).collect();
        drop((small, large));
    }
}

fn child() -> ! {
    // SAFETY: the signal gets its usual effect, which ends the child; `alarm` has no preconditions.
    unsafe {
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        libc::alarm(LIMIT);
    }
    (0..CALLS).for_each(call);
    // SAFETY: ends the child at once, without exit handlers, as the child of a program with threads must.
    unsafe { libc::_exit(0) }
}

fn fork() {
    // SAFETY: the child calls only functions that the child of a program with threads may call, except for the allocator, which this test is about.
    let child_id = unsafe { libc::fork() };
    if child_id == 0 {
        child();
    }
    let mut status = 0;
    // SAFETY: `status` is writable.
    assert_eq!(unsafe { libc::waitpid(child_id, &raw mut status, 0) }, child_id);
    assert_eq!(status, 0);
}

#[test]
fn every_function_may_be_called_in_a_handler_and_in_a_child() {
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(10 * u64::from(LIMIT)));
        process::abort();
    });
    // SAFETY: all zero is a valid action, whose handler is set next.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the action is valid; the handler calls only larder, which this test is about.
    assert_eq!(unsafe { libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut()) }, 0);
    thread::scope(|scope| {
        (0..THREADS).for_each(|seed| drop(scope.spawn(move || churn(seed))));
        interrupt_every(500);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3) {
            thread::sleep(Duration::from_millis(10));
        }
        interrupt_every(0);
        (0..CHILDREN).for_each(|_| fork());
        STOP.store(true, Ordering::Relaxed);
    });
    assert!(HANDLED.load(Ordering::Relaxed) > 10 * CALLS);
    assert_eq!(larder::validate(), Ok(()));
}
