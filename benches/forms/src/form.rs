//! The interface of a form of window, so that the same heap can use either form.

use crate::area::Area;
use std::ops::Range;

/// Rounds in a magazine; both forms keep up to two magazines per CPU and class.
pub const ROUNDS: usize = 128;

/// A per-CPU window for every class.
pub trait Form: Send + Sync {
    /// A magazine outside any window.
    type Magazine: Send;

    fn new(area: Area, secret: u64, region: Range<usize>) -> Self;
    /// Pops the round that was pushed last; returns 0 if the window is empty.
    fn pop(&self, class: usize) -> usize;
    /// Pushes an object; returns false if the window is full.
    fn push(&self, class: usize, object: usize) -> bool;
    /// Makes a magazine of new objects, of which the first is popped first.
    fn fill(&self, objects: &[usize]) -> Self::Magazine;
    /// Takes the second magazine that this CPU holds, if the form has one.
    fn spare(&self, class: usize) -> Option<Self::Magazine>;
    /// Loads a magazine. Returns its first round, and the magazine that it displaced, if any.
    fn load(&self, class: usize, magazine: Self::Magazine) -> (usize, Option<Self::Magazine>);
    /// Makes room for a magazine's worth of rounds. Returns the magazine that the depot must take for it, if any.
    fn unload(&self, class: usize) -> Option<Self::Magazine>;
}

/// Zeroed memory that lives as long as the process.
pub struct Zeroed {
    at: usize,
    len: usize,
}

impl Zeroed {
    pub fn new(len: usize) -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: creates an anonymous mapping at an address of the kernel's choice, so it overlaps nothing.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        assert!(at != libc::MAP_FAILED, "cannot map {len} bytes");
        Self { at: at as usize, len }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn len(&self) -> usize {
        self.len
    }
}
