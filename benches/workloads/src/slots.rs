//! A workload's own tables. They are mapped and paged in before anything is measured, so that neither the allocator nor the page fault handler
//! meets them.
#![allow(unsafe_code, reason = "gives a mapping a type")]

use crate::fail::fail;
use memmap2::{MmapMut, MmapOptions};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::slice;

/// A type of which all bytes zero is a value, and that needs no drop.
///
/// # Safety
/// Both must hold.
pub(crate) unsafe trait Zero {}

// SAFETY: a null pointer is `None` by the rules of the language, and a block is not freed by a drop.
unsafe impl Zero for Option<crate::block::Block> {}
// SAFETY: a null pointer.
unsafe impl Zero for std::sync::atomic::AtomicPtr<u8> {}
// SAFETY: false.
unsafe impl Zero for bool {}
// SAFETY: 0.
unsafe impl Zero for usize {}

/// `[T]` in a mapping, at first all zero.
pub(crate) struct Slots<T> {
    mapping: MmapMut,
    length: usize,
    of: PhantomData<T>,
}

impl<T: Zero> Slots<T> {
    pub(crate) fn new(length: usize) -> Self {
        let bytes = (length * size_of::<T>()).max(1);
        let mapping = MmapOptions::new().len(bytes).populate().map_anon();
        let mapping = mapping.unwrap_or_else(|error| fail(format_args!("no table of {bytes} bytes: {error}")));
        Self { mapping, length, of: PhantomData }
    }
}

impl<T: Zero> Deref for Slots<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the mapping holds `length` values, page aligned; zero, which is a value, or what was stored as one.
        unsafe { slice::from_raw_parts(self.mapping.as_ptr().cast(), self.length) }
    }
}

impl<T: Zero> DerefMut for Slots<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { slice::from_raw_parts_mut(self.mapping.as_mut_ptr().cast(), self.length) }
    }
}
