//! The calls that are measured. They go to libc's names through the global offset table, so that `LD_PRELOAD` decides which allocator serves them. A
//! workload is generic over [`Calls`] and compiled twice: [`Direct`] adds nothing to a call, [`Timed`] times each call separately.
#![allow(unsafe_code, reason = "calls malloc and free")]

use crate::fail::fail;
use crate::latency::{Latency, Recorder};
use std::hint::black_box;
use std::ptr::NonNull;

/// The calls of an allocator. If there is no memory, they end the process.
pub(crate) trait Calls: Send + Sized {
    /// Whether a run with these calls also counts system calls.
    const COUNTS: bool;

    /// The allocator as one thread calls it.
    fn new() -> Self;

    fn malloc(&mut self, size: usize) -> NonNull<u8>;
    fn calloc(&mut self, size: usize) -> NonNull<u8>;
    fn aligned_alloc(&mut self, align: usize, size: usize) -> NonNull<u8>;

    /// # Safety
    /// As for C's `realloc`: the memory came from these calls and is not used afterwards.
    unsafe fn realloc(&mut self, memory: NonNull<u8>, size: usize) -> NonNull<u8>;

    /// # Safety
    /// As for C's `free`: the memory came from these calls and is not used afterwards.
    unsafe fn free(&mut self, memory: NonNull<u8>);

    /// Allocates an object, writes to it and frees it at once.
    #[inline]
    fn pair(&mut self, size: usize) {
        let memory = self.malloc(size);
        // SAFETY: the object has at least one byte.
        unsafe { memory.write_volatile(1) };
        // SAFETY: the object was just allocated by these calls and is not used afterwards.
        unsafe { self.free(memory) };
    }

    /// Switches the recording of calls on or off.
    fn count(&mut self, _yes: bool) {}

    /// The latencies of the calls of all threads, if they were recorded.
    fn latency(all: Vec<Self>) -> Option<Latency>;
}

/// Makes the call and nothing else.
pub(crate) struct Direct;

/// Checks and hides the result, because the optimizer knows `malloc` and would remove an unused pair.
fn found(memory: *mut libc::c_void, size: usize) -> NonNull<u8> {
    NonNull::new(black_box(memory.cast()))
        .unwrap_or_else(|| fail(format_args!("no memory for an object of {size} bytes")))
}

impl Calls for Direct {
    const COUNTS: bool = false;

    fn new() -> Self {
        Direct
    }

    #[inline]
    fn malloc(&mut self, size: usize) -> NonNull<u8> {
        // SAFETY: malloc has no preconditions.
        found(unsafe { libc::malloc(size) }, size)
    }

    #[inline]
    fn calloc(&mut self, size: usize) -> NonNull<u8> {
        // SAFETY: calloc has no preconditions.
        found(unsafe { libc::calloc(1, size) }, size)
    }

    #[inline]
    fn aligned_alloc(&mut self, align: usize, size: usize) -> NonNull<u8> {
        // SAFETY: aligned_alloc has no preconditions: it fails for arguments that it does not support.
        found(unsafe { libc::aligned_alloc(align, size) }, size)
    }

    #[inline]
    unsafe fn realloc(&mut self, memory: NonNull<u8>, size: usize) -> NonNull<u8> {
        // SAFETY: this method has the contract of C's `realloc`.
        found(unsafe { libc::realloc(memory.as_ptr().cast(), size) }, size)
    }

    #[inline]
    unsafe fn free(&mut self, memory: NonNull<u8>) {
        // SAFETY: this method has the contract of C's `free`.
        unsafe { libc::free(memory.as_ptr().cast()) }
    }

    fn latency(_all: Vec<Self>) -> Option<Latency> {
        None
    }
}

/// Times every call separately.
pub(crate) struct Timed {
    allocations: Recorder,
    frees: Recorder,
}

impl Calls for Timed {
    const COUNTS: bool = true;

    fn new() -> Self {
        Self { allocations: Recorder::new(), frees: Recorder::new() }
    }

    fn malloc(&mut self, size: usize) -> NonNull<u8> {
        self.allocations.time(|| Direct.malloc(size))
    }

    fn calloc(&mut self, size: usize) -> NonNull<u8> {
        self.allocations.time(|| Direct.calloc(size))
    }

    fn aligned_alloc(&mut self, align: usize, size: usize) -> NonNull<u8> {
        self.allocations.time(|| Direct.aligned_alloc(align, size))
    }

    unsafe fn realloc(&mut self, memory: NonNull<u8>, size: usize) -> NonNull<u8> {
        // SAFETY: this method has the contract of C's `realloc`.
        self.allocations.time(|| unsafe { Direct.realloc(memory, size) })
    }

    unsafe fn free(&mut self, memory: NonNull<u8>) {
        // SAFETY: this method has the contract of C's `free`.
        self.frees.time(|| unsafe { Direct.free(memory) });
    }

    fn count(&mut self, yes: bool) {
        self.allocations.count(yes);
        self.frees.count(yes);
    }

    fn latency(all: Vec<Self>) -> Option<Latency> {
        let (allocations, frees) = all.into_iter().map(|timed| (timed.allocations, timed.frees)).unzip();
        Latency::of(allocations, frees)
    }
}
