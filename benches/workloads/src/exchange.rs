//! A table in which any thread may swap any place: how blocks get from thread to thread.
#![allow(unsafe_code, reason = "keeps blocks as bare addresses")]

use crate::block::Block;
use crate::slots::Slots;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Places for blocks, at first empty.
pub(crate) struct Exchange(Slots<AtomicPtr<u8>>);

impl Exchange {
    pub(crate) fn new(length: usize) -> Self {
        Self(Slots::new(length))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What was at the place, which now holds `block`.
    pub(crate) fn swap(&self, place: usize, block: Option<Block>) -> Option<Block> {
        let address = block.map_or(null_mut(), Block::into_raw);
        // Acquire and release: what one thread wrote to the block, the other reads.
        let before = self.0[place].swap(address, Ordering::AcqRel);
        // SAFETY: every address in the table came from `into_raw`, and a swap takes it out.
        unsafe { Block::from_raw(before) }
    }
}
