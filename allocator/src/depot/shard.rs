//! A CPU's part of a node's depots.
#![allow(unsafe_code, reason = "one marker impl: all zero is a shard without magazines")]

use super::stack::Stack;
use crate::base::classes::CLASSES;
use crate::base::sync::{AtomicUsize, Ordering};
use crate::base::units::Class;
use crate::region::Zeroed;
use crossbeam_utils::CachePadded;

/// A stack for each class.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) stacks: [Stack; CLASSES],
    /// Bytes in the stacks.
    pub(super) held: CachePadded<AtomicUsize>,
    pub(super) growth: CachePadded<Growth>,
}

/// How memory grows while the shard holds magazines. These are hints: an update that is lost to another thread of the CPU does no harm.
#[derive(Debug, Default)]
pub(super) struct Growth {
    /// Bytes since the working sets were last judged because of it.
    since: AtomicUsize,
    /// The class that is asked next for a surplus.
    hand: AtomicUsize,
}

impl Growth {
    /// Adds `bytes`; returns whether they amount to `most` since that last was so.
    pub(super) fn adds_up(&self, bytes: usize, most: usize) -> bool {
        let since = self.since.load(Ordering::Relaxed) + bytes;
        let is_much = since >= most;
        self.since.store(if is_much { 0 } else { since }, Ordering::Relaxed);
        is_much
    }

    /// Returns every class once, beginning with the one at which the last walk ended.
    pub(super) fn walk(&self) -> impl Iterator<Item = Class> + '_ {
        let real = CLASSES - 1;
        let from = self.hand.load(Ordering::Relaxed);
        (from..from + real).map(move |turn| {
            self.hand.store(turn % real, Ordering::Relaxed);
            Class((1 + turn % real) as u8)
        })
    }
}

// SAFETY: numbers, atomics and locks, for which all zero is a value (a free lock); nothing needs a drop.
unsafe impl Zeroed for Shard {}
