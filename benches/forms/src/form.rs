//! What a form of window must do, so that one heap can stand on either.

use crate::area::Area;
use std::ops::Range;

/// Rounds in a magazine; both forms keep up to two magazines per CPU and class.
pub const ROUNDS: usize = 128;

/// A per-CPU window for every class.
pub trait Form: Send + Sync {
    /// A magazine outside any window.
    type Magazine: Send;

    fn new(area: Area, secret: u64, region: Range<usize>) -> Self;
    /// The last round pushed, or 0 when the window is empty.
    fn pop(&self, class: usize) -> usize;
    /// False when the window is full.
    fn push(&self, class: usize, object: usize) -> bool;
    /// A magazine of fresh objects, the first of them to be popped first.
    fn fill(&self, objects: &[usize]) -> Self::Magazine;
    /// A second magazine this CPU holds back, if the form has one.
    fn spare(&self, class: usize) -> Option<Self::Magazine>;
    /// Loads a magazine: its first round, and the magazine that stood in the way, if any.
    fn load(&self, class: usize, magazine: Self::Magazine) -> (usize, Option<Self::Magazine>);
    /// Makes room for a magazine of rounds; what the depot must take for it.
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
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice.
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
