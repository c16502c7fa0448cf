//! A workload's own tables. They are mapped and paged in before anything is measured, so that they involve neither the allocator nor page faults.
#![allow(unsafe_code, reason = "gives a mapping a type")]

use crate::fail::fail;
use memmap2::{MmapMut, MmapOptions};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::slice;

/// A type for which all bytes zero is a valid value, and that needs no drop.
///
/// # Safety
/// Both properties must hold.
pub(crate) unsafe trait Zero {}

// SAFETY: all zero is `None`, which the language guarantees for this type, and a drop does not free the object.
unsafe impl Zero for Option<crate::block::Block> {}
// SAFETY: all zero is a null pointer, and there is nothing to drop.
unsafe impl Zero for std::sync::atomic::AtomicPtr<u8> {}
// SAFETY: all zero is `false`, and there is nothing to drop.
unsafe impl Zero for bool {}
// SAFETY: all zero is 0, and there is nothing to drop.
unsafe impl Zero for usize {}

/// A `[T]` in a mapping, all zero at first.
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
        // SAFETY: the mapping is page-aligned and has room for `length` values; each is zero, which is a valid value, or was stored as a value.
        unsafe { slice::from_raw_parts(self.mapping.as_ptr().cast(), self.length) }
    }
}

impl<T: Zero> DerefMut for Slots<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: the mapping is page-aligned and has room for `length` values; each is zero, which is a valid value, or was stored as a value. The
        // borrow is exclusive.
        unsafe { slice::from_raw_parts_mut(self.mapping.as_mut_ptr().cast(), self.length) }
    }
}
