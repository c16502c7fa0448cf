//! A child of a program whose global allocator is larder: no fork handler is registered, and the first to allocate may be a thread that the child has
//! made, on a stack, and with the name, of one of the parent's that held a lock.
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{ptr, thread};

#[global_allocator]
static HEAP: larder::Larder = larder::Larder;

const THREADS: usize = 6;
const CHILDREN: usize = 30;
/// After so many seconds a child has hung.
const LIMIT: u32 = 20;

static STOP: AtomicBool = AtomicBool::new(false);

/// Takes and frees objects of many sizes.
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

/// Threads for whose making nothing is allocated; all have stacks of one size.
fn begin(what: extern "C" fn(*mut libc::c_void) -> *mut libc::c_void) -> [libc::pthread_t; THREADS] {
    let mut made = [0; THREADS];
    for thread in &mut made {
        // SAFETY: the place is valid, and what they do takes nothing.
        assert_eq!(unsafe { libc::pthread_create(thread, ptr::null(), what, ptr::null_mut()) }, 0);
    }
    made
}

fn end(made: [libc::pthread_t; THREADS]) {
    for thread in made {
        // SAFETY: it was made, and is joined once.
        assert_eq!(unsafe { libc::pthread_join(thread, ptr::null_mut()) }, 0);
    }
}

fn child() -> ! {
    // SAFETY: a number.
    unsafe { libc::alarm(LIMIT) };
    end(begin(work));
    churn(1);
    // SAFETY: ends the child at once, as a child of threads must.
    unsafe { libc::_exit(0) }
}

#[test]
fn threads_of_a_child_may_be_the_first_to_allocate() {
    let load = begin(work_on);
    thread::sleep(Duration::from_millis(200));
    for number in 0..CHILDREN {
        // SAFETY: the child calls nothing that a child of threads may not, but for what this test is about.
        let process = unsafe { libc::fork() };
        if process == 0 {
            child();
        }
        let mut status = 0;
        // SAFETY: the place is valid.
        assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
        assert_eq!(status, 0, "child {number}");
    }
    STOP.store(true, Ordering::Relaxed);
    end(load);
}
