//! A forked child of a program whose global allocator is larder: no fork handler is registered, and the first to allocate may be a thread that the
//! child has started, with the stack and the thread pointer of one of the parent's threads that held a lock.
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{ptr, thread};

#[global_allocator]
static HEAP: larder::Larder = larder::Larder;

const THREADS: usize = 6;
const CHILDREN: usize = 30;
/// A child that takes this many seconds has hung.
const LIMIT: u32 = 20;

static STOP: AtomicBool = AtomicBool::new(false);

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

#[test]
fn threads_of_a_child_may_be_the_first_to_allocate() {
    let load = begin(work_on);
    thread::sleep(Duration::from_millis(200));
    for number in 0..CHILDREN {
        // SAFETY: the child calls only functions that the child of a program with threads may call, except for the allocator, which this test is about.
        let process = unsafe { libc::fork() };
        if process == 0 {
            child();
        }
        let mut status = 0;
        // SAFETY: `status` is writable.
        assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
        assert_eq!(status, 0, "child {number}");
    }
    STOP.store(true, Ordering::Relaxed);
    end(load);
}
