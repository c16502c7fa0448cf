//! A typed object of the measured allocator: a `Box` that is allocated and freed by hand. Trees and lists consist of it.
#![allow(unsafe_code, reason = "gives memory from malloc a type")]

use crate::calls::Calls;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// An object that holds a `T`. Neither the object nor the value is dropped.
pub(crate) struct Own<T>(NonNull<T>);

// SAFETY: memory from malloc is not tied to a thread, and the value may be sent if `T` may.
unsafe impl<T: Send> Send for Own<T> {}

impl<T> Own<T> {
    #[inline]
    pub(crate) fn new<C: Calls>(calls: &mut C, value: T) -> Self {
        const { assert!(align_of::<T>() <= 16, "malloc aligns to 16") };
        let memory = calls.malloc(size_of::<T>()).cast();
        // SAFETY: the memory from malloc is large enough and sufficiently aligned.
        unsafe { memory.write(value) };
        Self(memory)
    }

    /// Frees the object and returns the value.
    #[inline]
    pub(crate) fn open<C: Calls>(self, calls: &mut C) -> T {
        // SAFETY: `new` wrote the value, and `self` is consumed.
        let value = unsafe { self.0.read() };
        // SAFETY: the object came from these calls, and `self` is consumed.
        unsafe { calls.free(self.0.cast()) };
        value
    }
}

impl<T> Deref for Own<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `new` wrote the value.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for Own<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: `new` wrote the value, and the borrow is exclusive.
        unsafe { self.0.as_mut() }
    }
}
