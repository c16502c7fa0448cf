//! A CPU's part of a node's depots.
#![allow(unsafe_code, reason = "one marker impl: all zero is a shard without magazines")]

use super::stack::Stack;
use crate::base::classes::CLASSES;
use crate::base::sync::AtomicUsize;
use crate::region::Zeroed;
use crossbeam_utils::CachePadded;

/// A stack for each class.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) stacks: [Stack; CLASSES],
    /// Bytes in the stacks.
    pub(super) held: CachePadded<AtomicUsize>,
}

// SAFETY: numbers, atomics and locks, for which all zero is a value (a free lock); nothing needs a drop.
unsafe impl Zeroed for Shard {}
