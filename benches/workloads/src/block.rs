//! Objects that notice when somebody else writes to them. The first word of a block is its seal: its size and a mark, mixed with its address;
//! the last byte repeats a part of it. Both are looked at before the block goes back, so a workload knows its blocks by their addresses alone,
//! and an allocator that gives memory to two owners at once, loses bytes in a move or hands out too few is found out.
#![allow(unsafe_code, reason = "writes to memory from malloc")]

use crate::calls::Calls;
use crate::fail::fail;
use std::ptr::NonNull;

const MARK: u64 = 0x1A2D_E25E;
const MIXER: u64 = 0x9E37_79B9_7F4A_7C15;
const PAGE: usize = 4096;
/// The least a block can be: a seal.
const LEAST: usize = size_of::<u64>();

/// An object of at least 8 bytes. It is not freed by being dropped.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Block(NonNull<u8>);

// SAFETY: malloc's memory has no thread.
unsafe impl Send for Block {}

impl Block {
    #[inline]
    pub(crate) fn new<C: Calls>(calls: &mut C, size: usize) -> Self {
        let size = size.max(LEAST);
        Self::sealed(calls.malloc(size), size)
    }

    /// Clear, and looked at in `looks` places whether it is.
    pub(crate) fn zeroed<C: Calls>(calls: &mut C, size: usize, looks: usize) -> Self {
        let size = size.max(LEAST);
        let memory = calls.calloc(size);
        for look in 0..looks {
            // SAFETY: below `size`, and calloc's memory can be read.
            let byte = unsafe { at(memory, size / looks * look).read() };
            if byte != 0 {
                fail(format_args!("calloc returned memory that is not clear: {size} bytes at {memory:p}"));
            }
        }
        Self::sealed(memory, size)
    }

    /// At a multiple of `align`, a power of two.
    pub(crate) fn aligned<C: Calls>(calls: &mut C, align: usize, size: usize) -> Self {
        let size = size.max(LEAST);
        let memory = calls.aligned_alloc(align, size);
        if !memory.addr().get().is_multiple_of(align) {
            fail(format_args!("aligned_alloc({align}, {size}) returned {memory:p}"));
        }
        Self::sealed(memory, size)
    }

    #[inline]
    pub(crate) fn free<C: Calls>(self, calls: &mut C) {
        self.look();
        // Whoever else was given this object will find the seal broken.
        // SAFETY: the first word is there.
        unsafe { self.0.cast::<u64>().write_volatile(0) };
        // SAFETY: it came from these calls and is gone with `self`.
        unsafe { calls.free(self.0) };
    }

    pub(crate) fn resize<C: Calls>(self, calls: &mut C, size: usize) -> Self {
        self.look();
        let before = self.word();
        // SAFETY: it came from these calls and is gone with `self`.
        let memory = unsafe { calls.realloc(self.0, size) };
        // SAFETY: the first word was kept, for `size` is not below it.
        let after = unsafe { memory.cast::<u64>().read() };
        if before != after {
            fail(format_args!("realloc to {size} bytes lost the contents: {before:#x} became {after:#x}"));
        }
        Self::sealed(memory, size)
    }

    /// Writes to each page from the byte at `from` on.
    pub(crate) fn touch(&mut self, from: usize) {
        for offset in (from.next_multiple_of(PAGE)..self.size() - 1).step_by(PAGE).filter(|&offset| offset >= LEAST) {
            // SAFETY: inside the block, behind the seal and before the last byte.
            unsafe { at(self.0, offset).write_volatile(1) };
        }
    }

    /// Reads and writes the seal `times` times, as a program does with what it works on.
    pub(crate) fn work(&mut self, times: usize) {
        let word = self.0.cast::<u64>();
        for _ in 0..times {
            // SAFETY: the seal's word is there.
            let seal = unsafe { word.read_volatile() };
            // SAFETY: the same.
            unsafe { word.write_volatile(seal) };
        }
    }

    pub(crate) fn size(&self) -> usize {
        (self.opened() & u64::from(u32::MAX)) as usize
    }

    #[inline]
    fn sealed(memory: NonNull<u8>, size: usize) -> Self {
        if !memory.addr().get().is_multiple_of(LEAST) {
            fail(format_args!("an object of {size} bytes at {memory:p}, which is no multiple of {LEAST}"));
        }
        let seal = (MARK << 32 | size as u64) ^ mixed(memory);
        // SAFETY: at least a word is there, and aligned.
        unsafe { memory.cast().write(seal) };
        if size > LEAST {
            // SAFETY: the object's last byte.
            unsafe { at(memory, size - 1).write(last(seal)) };
        }
        Self(memory)
    }

    /// Looks whether the block is as it was left.
    #[inline]
    fn look(&self) {
        let size = self.size();
        let whole = self.opened() >> 32 == MARK && (size <= LEAST || self.last_byte(size) == last(self.word()));
        if !whole {
            fail(format_args!(
                "the contents of an object at {:p} were overwritten: first word {:#x}",
                self.0,
                self.word()
            ));
        }
    }

    fn opened(&self) -> u64 {
        self.word() ^ mixed(self.0)
    }

    fn word(&self) -> u64 {
        // SAFETY: it was written when the block was made.
        unsafe { self.0.cast().read() }
    }

    fn last_byte(&self, size: usize) -> u8 {
        // SAFETY: the mark is whole, so the size most likely is.
        unsafe { at(self.0, size - 1).read() }
    }

    /// The address, which stands for the block until [`Self::from_raw`].
    pub(crate) fn into_raw(self) -> *mut u8 {
        self.0.as_ptr()
    }

    /// # Safety
    /// Null, or from [`Self::into_raw`], and each only once.
    pub(crate) unsafe fn from_raw(memory: *mut u8) -> Option<Self> {
        NonNull::new(memory).map(Self)
    }
}

/// Frees all that are there.
#[inline]
pub(crate) fn free_all<C: Calls>(blocks: &mut [Option<Block>], calls: &mut C) {
    blocks.iter_mut().filter_map(Option::take).for_each(|block| block.free(calls));
}

fn at(memory: NonNull<u8>, offset: usize) -> *mut u8 {
    memory.as_ptr().wrapping_add(offset)
}

fn mixed(memory: NonNull<u8>) -> u64 {
    (memory.addr().get() as u64).wrapping_mul(MIXER)
}

fn last(seal: u64) -> u8 {
    (seal >> 56) as u8
}
