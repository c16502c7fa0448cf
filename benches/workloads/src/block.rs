//! Objects that notice when somebody else writes to them. The first word of an object is its seal: its size and a mark, mixed with its address.
//! The last byte repeats a part of the seal. Both are checked before the object is freed. So a workload needs only the addresses of its objects, and
//! an allocator is caught if it gives memory to two owners at once, loses bytes in a move or returns too few bytes.
#![allow(unsafe_code, reason = "writes to memory from malloc")]

use crate::calls::Calls;
use crate::fail::fail;
use std::ptr::NonNull;

const MARK: u64 = 0x1A2D_E25E;
const MIXER: u64 = 0x9E37_79B9_7F4A_7C15;
const PAGE: usize = 4096;
/// The smallest object has room for just the seal.
const LEAST: usize = size_of::<u64>();

/// An object of at least 8 bytes. It is not freed by being dropped.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Block(NonNull<u8>);

// SAFETY: memory from malloc is not tied to a thread.
unsafe impl Send for Block {}

impl Block {
    #[inline]
    pub(crate) fn new<C: Calls>(calls: &mut C, size: usize) -> Self {
        let size = size.max(LEAST);
        Self::sealed(calls.malloc(size), size)
    }

    /// Allocates a zeroed object, and checks in `looks` places that it is zero.
    pub(crate) fn zeroed<C: Calls>(calls: &mut C, size: usize, looks: usize) -> Self {
        let size = size.max(LEAST);
        let memory = calls.calloc(size);
        for look in 0..looks {
            // SAFETY: the offset is below `size`, and memory from calloc is initialized.
            let byte = unsafe { at(memory, size / looks * look).read() };
            if byte != 0 {
                fail(format_args!("calloc returned memory that is not clear: {size} bytes at {memory:p}"));
            }
        }
        Self::sealed(memory, size)
    }

    /// Allocates an object at a multiple of `align`, a power of two.
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
        // If somebody else was given this object too, they will find the seal broken.
        // SAFETY: every object has at least one word.
        unsafe { self.0.cast::<u64>().write_volatile(0) };
        // SAFETY: the object came from these calls, and `self` is consumed.
        unsafe { calls.free(self.0) };
    }

    pub(crate) fn resize<C: Calls>(self, calls: &mut C, size: usize) -> Self {
        self.look();
        let before = self.word();
        // SAFETY: the object came from these calls, and `self` is consumed.
        let memory = unsafe { calls.realloc(self.0, size) };
        // SAFETY: `size` is at least one word, so realloc has kept the first word.
        let after = unsafe { memory.cast::<u64>().read() };
        if before != after {
            fail(format_args!("realloc to {size} bytes lost the contents: {before:#x} became {after:#x}"));
        }
        Self::sealed(memory, size)
    }

    /// Writes to each page from the byte at `from` on.
    pub(crate) fn touch(&mut self, from: usize) {
        for offset in (from.next_multiple_of(PAGE)..self.size() - 1).step_by(PAGE).filter(|&offset| offset >= LEAST) {
            // SAFETY: the byte lies inside the object, behind the seal and before the last byte.
            unsafe { at(self.0, offset).write_volatile(1) };
        }
    }

    /// Reads and writes the seal `times` times, as a program does with an object that it works on.
    pub(crate) fn work(&mut self, times: usize) {
        let word = self.0.cast::<u64>();
        for _ in 0..times {
            // SAFETY: every object has an initialized first word, the seal.
            let seal = unsafe { word.read_volatile() };
            // SAFETY: every object has a first word, the seal.
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
        // SAFETY: the memory has at least one word, and its alignment was just checked.
        unsafe { memory.cast().write(seal) };
        if size > LEAST {
            // SAFETY: this is the object's last byte.
            unsafe { at(memory, size - 1).write(last(seal)) };
        }
        Self(memory)
    }

    /// Checks that nobody else has written to the object.
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
        // SAFETY: the word was written when the object was allocated.
        unsafe { self.0.cast().read() }
    }

    fn last_byte(&self, size: usize) -> u8 {
        // SAFETY: the caller has found the mark intact, so the size is most likely right.
        unsafe { at(self.0, size - 1).read() }
    }

    /// The address, which stands for the object until [`Self::from_raw`].
    pub(crate) fn into_raw(self) -> *mut u8 {
        self.0.as_ptr()
    }

    /// # Safety
    /// `memory` is null or came from [`Self::into_raw`], and is used once.
    pub(crate) unsafe fn from_raw(memory: *mut u8) -> Option<Self> {
        NonNull::new(memory).map(Self)
    }
}

/// Frees all objects in the table.
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
