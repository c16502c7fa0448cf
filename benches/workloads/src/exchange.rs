//! A table in which any thread may swap any place, by which objects get from thread to thread.
#![allow(unsafe_code, reason = "keeps blocks as bare addresses")]

use crate::block::Block;
use crate::slots::Slots;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Places for objects, which are empty at first.
pub(crate) struct Exchange(Slots<AtomicPtr<u8>>);

impl Exchange {
    pub(crate) fn new(length: usize) -> Self {
        Self(Slots::new(length))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts `block` into the place and returns the previous content.
    pub(crate) fn swap(&self, place: usize, block: Option<Block>) -> Option<Block> {
        let address = block.map_or(null_mut(), Block::into_raw);
        // Acquire and release: the thread that takes an object sees what the other thread wrote to it.
        let before = self.0[place].swap(address, Ordering::AcqRel);
        // SAFETY: every address in the table is null or came from `into_raw`, and the swap has removed it from the table.
        unsafe { Block::from_raw(before) }
    }
}
