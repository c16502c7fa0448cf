//! A forked child of a program whose global allocator is larder: no fork handler is registered, and the first to allocate may be a thread that the
//! child has started, with the stack and the thread pointer of one of the parent's threads that held a lock.
#[path = "model/random.rs"]
mod random;

use random::Random;
use std::alloc::{GlobalAlloc, Layout};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, ptr, thread};

#[global_allocator]
static HEAP: larder::Larder = larder::Larder;

const THREADS: usize = 6;
const CHILDREN: usize = 30;
/// A child that takes this many seconds has hung.
const LIMIT: u32 = 20;

/// Children that are looked at; a campaign sets more.
const SNAPSHOTS: usize = 30;

static STOP: AtomicBool = AtomicBool::new(false);
/// Held by the test that has threads at work.
static AT_WORK: Mutex<()> = Mutex::new(());

/// Allocates and frees objects of many sizes.
fn churn(seed: usize) {
    let small: Vec<Box<[u8; 48]>> = (0..3000).map(|_| Box::new([1; 48])).collect();
    let large: Vec<Vec<u8>> = (0..300).map(|turn| Vec::with_capacity(33_000 + (seed + turn * 640) % 200_000)).collect();
    drop((small, large));
}

extern "C" fn work_on(_: *mut libc::c_void) -> *mut libc::c_void {
    while !STOP.load(Ordering::Relaxed) {
        churn(0);
    }
    ptr::null_mut()
}

extern "C" fn work(_: *mut libc::c_void) -> *mut libc::c_void {
    (0..3).for_each(|turn| churn(turn * 1000));
    ptr::null_mut()
}

/// Starts threads without allocating anything from larder; all have stacks of the same size.
fn begin(what: extern "C" fn(*mut libc::c_void) -> *mut libc::c_void) -> [libc::pthread_t; THREADS] {
    let mut made = [0; THREADS];
    for thread in &mut made {
        // SAFETY: `thread` is writable, and `what` ignores its argument.
        assert_eq!(unsafe { libc::pthread_create(thread, ptr::null(), what, ptr::null_mut()) }, 0);
    }
    made
}

fn end(made: [libc::pthread_t; THREADS]) {
    for thread in made {
        // SAFETY: the thread was started, and is joined once.
        assert_eq!(unsafe { libc::pthread_join(thread, ptr::null_mut()) }, 0);
    }
}

fn child() -> ! {
    // SAFETY: `alarm` takes a number and has no preconditions.
    unsafe { libc::alarm(LIMIT) };
    end(begin(work));
    churn(1);
    // SAFETY: ends the child at once, without exit handlers, as the child of a program with threads must.
    unsafe { libc::_exit(0) }
}

/// Takes, resizes and frees objects of all kinds without an end, and sometimes gives memory back.
extern "C" fn stir(_: *mut libc::c_void) -> *mut libc::c_void {
    let mut random = Random(u64::from(thread_number()) << 32);
    let mut held: [(*mut u8, Layout); 64] = [(ptr::null_mut(), Layout::new::<u8>()); 64];
    while !STOP.load(Ordering::Relaxed) {
        let size = random.size().max(1);
        let (object, layout) = &mut held[random.below(64)];
        let old = (*object, *layout);
        let most = if random.below(20) == 0 { 14 } else { 5 };
        let align = 1 << random.below(most);
        // SAFETY: an object is freed or resized once with the layout that it has, and then replaced; sizes are not 0.
        unsafe {
            if !old.0.is_null() && random.below(4) == 0 {
                *object = HEAP.realloc(old.0, old.1, size);
                *layout = Layout::from_size_align(size, old.1.align()).unwrap();
                continue;
            }
            if !old.0.is_null() {
                HEAP.dealloc(old.0, old.1);
            }
            *layout = Layout::from_size_align(size, align).unwrap();
            *object = if random.below(4) == 0 { HEAP.alloc_zeroed(*layout) } else { HEAP.alloc(*layout) };
            if !object.is_null() {
                object.write(1);
            }
        }
        if random.below(20_000) == 0 {
            larder::trim();
        }
    }
    ptr::null_mut()
}

/// A number that differs between threads.
fn thread_number() -> u32 {
    // SAFETY: `gettid` has no preconditions.
    unsafe { libc::gettid() }.unsigned_abs()
}

/// Ends with 0 iff everything in the heap that the child has inherited is as it should be, once it is repaired, and again after some work.
fn examine() -> ! {
    // SAFETY: `alarm` takes a number and has no preconditions.
    unsafe { libc::alarm(LIMIT) };
    let verdicts = [larder::validate(), {
        churn(1);
        larder::validate()
    }];
    let code = verdicts.iter().position(Result::is_err).map_or(0, |first| {
        eprintln!("look {first}: {verdicts:?}");
        1
    });
    // SAFETY: ends the child at once, without exit handlers, as the child of a program with threads must.
    unsafe { libc::_exit(code) }
}

/// Forks children one after another, which all must end with 0.
fn fork_each(count: usize, child: fn() -> !) {
    for number in 0..count {
        thread::sleep(Duration::from_micros(200));
        // SAFETY: the child calls only functions that the child of a program with threads may call, except for the allocator, which these tests are about.
        let process = unsafe { libc::fork() };
        if process == 0 {
            child();
        }
        let mut status = 0;
        // SAFETY: `status` is writable.
        assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
        assert_eq!(status, 0, "child {number}");
    }
}

#[test]
fn what_a_child_repairs_is_whole_whatever_other_threads_were_doing() {
    let _alone = AT_WORK.lock().unwrap();
    STOP.store(false, Ordering::Relaxed);
    let load = begin(stir);
    let count = env::var("SNAPSHOTS").map_or(SNAPSHOTS, |text| text.parse().unwrap());
    fork_each(count, examine);
    STOP.store(true, Ordering::Relaxed);
    end(load);
}

#[test]
fn threads_of_a_child_may_be_the_first_to_allocate() {
    let _alone = AT_WORK.lock().unwrap();
    STOP.store(false, Ordering::Relaxed);
    let load = begin(work_on);
    thread::sleep(Duration::from_millis(200));
    fork_each(CHILDREN, child);
    STOP.store(true, Ordering::Relaxed);
    end(load);
}
