//! A typed object of the measured allocator: a `Box` that is made and taken apart by hand. Trees and lists are made of it.
#![allow(unsafe_code, reason = "gives memory from malloc a type")]

use crate::calls::Calls;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// An object that holds a `T`. Neither the object nor the value is dropped.
pub(crate) struct Own<T>(NonNull<T>);

// SAFETY: malloc's memory has no thread; the value may cross if `T` may.
unsafe impl<T: Send> Send for Own<T> {}

impl<T> Own<T> {
    #[inline]
    pub(crate) fn new<C: Calls>(calls: &mut C, value: T) -> Self {
        const { assert!(align_of::<T>() <= 16, "malloc aligns to 16") };
        let memory = calls.malloc(size_of::<T>()).cast();
        // SAFETY: malloc's memory is large enough, and aligned.
        unsafe { memory.write(value) };
        Self(memory)
    }

    /// Frees the object, keeps the value.
    #[inline]
    pub(crate) fn open<C: Calls>(self, calls: &mut C) -> T {
        // SAFETY: written by `new`, and gone with `self`.
        let value = unsafe { self.0.read() };
        // SAFETY: it came from these calls and is gone with `self`.
        unsafe { calls.free(self.0.cast()) };
        value
    }
}

impl<T> Deref for Own<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: written by `new`.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for Own<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: written by `new`, and the borrow is exclusive.
        unsafe { self.0.as_mut() }
    }
}
