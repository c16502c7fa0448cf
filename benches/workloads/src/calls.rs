//! The calls that are measured: libc's names, by way of the global offset table, so that `LD_PRELOAD` decides who answers. A workload is written
//! over [`Calls`] and compiled twice: [`Direct`] adds nothing to a call, [`Timed`] times each by itself.
#![allow(unsafe_code, reason = "calls malloc and free")]

use crate::fail::fail;
use crate::latency::{Latency, Recorder};
use std::hint::black_box;
use std::ptr::NonNull;

/// Memory from the allocator, or the end of the process.
pub(crate) trait Calls: Send + Sized {
    /// Whether such a run also counts system calls.
    const COUNTS: bool;

    /// One thread's face of the allocator.
    fn new() -> Self;

    fn malloc(&mut self, size: usize) -> NonNull<u8>;
    fn calloc(&mut self, size: usize) -> NonNull<u8>;
    fn aligned_alloc(&mut self, align: usize, size: usize) -> NonNull<u8>;

    /// # Safety
    /// As C's `realloc`: the memory came from these calls and is used no more.
    unsafe fn realloc(&mut self, memory: NonNull<u8>, size: usize) -> NonNull<u8>;

    /// # Safety
    /// As C's `free`: the memory came from these calls and is used no more.
    unsafe fn free(&mut self, memory: NonNull<u8>);

    /// An object that is written to and freed at once.
    #[inline]
    fn pair(&mut self, size: usize) {
        let memory = self.malloc(size);
        // SAFETY: no object is empty.
        unsafe { memory.write_volatile(1) };
        // SAFETY: it was just made.
        unsafe { self.free(memory) };
    }

    /// From here on calls count, or no more.
    fn count(&mut self, _yes: bool) {}

    /// What the calls of all threads took, where that was looked at.
    fn latency(all: Vec<Self>) -> Option<Latency>;
}

/// Nothing but the call.
pub(crate) struct Direct;

/// The optimizer knows `malloc` and would drop a pair that nobody looks at.
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
        // SAFETY: malloc has no conditions.
        found(unsafe { libc::malloc(size) }, size)
    }

    #[inline]
    fn calloc(&mut self, size: usize) -> NonNull<u8> {
        // SAFETY: calloc has no conditions.
        found(unsafe { libc::calloc(1, size) }, size)
    }

    #[inline]
    fn aligned_alloc(&mut self, align: usize, size: usize) -> NonNull<u8> {
        // SAFETY: aligned_alloc refuses what it cannot do.
        found(unsafe { libc::aligned_alloc(align, size) }, size)
    }

    #[inline]
    unsafe fn realloc(&mut self, memory: NonNull<u8>, size: usize) -> NonNull<u8> {
        // SAFETY: the caller's promise.
        found(unsafe { libc::realloc(memory.as_ptr().cast(), size) }, size)
    }

    #[inline]
    unsafe fn free(&mut self, memory: NonNull<u8>) {
        // SAFETY: the caller's promise.
        unsafe { libc::free(memory.as_ptr().cast()) }
    }

    fn latency(_all: Vec<Self>) -> Option<Latency> {
        None
    }
}

/// Every call by itself.
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
        // SAFETY: the caller's promise.
        self.allocations.time(|| unsafe { Direct.realloc(memory, size) })
    }

    unsafe fn free(&mut self, memory: NonNull<u8>) {
        // SAFETY: the caller's promise.
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
