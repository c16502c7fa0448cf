//! The Rust face.
use core::alloc::{GlobalAlloc, Layout};

/// The allocator: `#[global_allocator] static A: larder::Larder = larder::Larder;`
#[derive(Clone, Copy, Debug, Default)]
pub struct Larder;

// The methods below are what `ffi/` builds on. None touches errno; null means "no memory" (or a size above isize::MAX).
impl Larder {
    /// At least `size` bytes, 16-byte aligned (also for size 0: a unique pointer).
    pub fn malloc(&self, _size: usize) -> *mut u8 { core::ptr::null_mut() }
    /// `size` zeroed bytes, 16-byte aligned.
    pub fn calloc(&self, _size: usize) -> *mut u8 { core::ptr::null_mut() }
    /// `size` bytes aligned to `align` (a power of two, any size up to isize::MAX / 2).
    pub fn memalign(&self, _align: usize, _size: usize) -> *mut u8 { core::ptr::null_mut() }
    /// Frees; null is ignored; anything that is no live object of larder is named on stderr and aborts.
    /// # Safety
    /// `ptr` is not used again.
    pub unsafe fn free(&self, _ptr: *mut u8) {}
    /// Frees an object of `size` bytes asked for with `align`; both are hints that are checked.
    /// # Safety
    /// as `free`
    pub unsafe fn free_sized(&self, _ptr: *mut u8, _align: usize, _size: usize) {}
    /// Moves or resizes `ptr` (not null) to `size` (0 gives a minimal object), 16-byte aligned; null leaves `ptr` as it was.
    /// # Safety
    /// `ptr` is a live object
    pub unsafe fn realloc(&self, _ptr: *mut u8, _size: usize) -> *mut u8 { core::ptr::null_mut() }
    /// The same with an alignment.
    /// # Safety
    /// `ptr` is a live object
    pub unsafe fn realloc_aligned(&self, _ptr: *mut u8, _align: usize, _size: usize) -> *mut u8 { core::ptr::null_mut() }
    /// Tries to make `ptr` hold at least `size` and up to `want` bytes without moving it; returns the usable size it now has (xallocx).
    /// # Safety
    /// `ptr` is a live object
    pub unsafe fn resize_in_place(&self, _ptr: *mut u8, _size: usize, _want: usize) -> usize { 0 }
    /// Bytes the holder of `ptr` (not null) may use.
    /// # Safety
    /// `ptr` is a live object
    pub unsafe fn usable_size(&self, _ptr: *const u8) -> usize { 0 }
    /// The usable size that `memalign(align, size)` would give; 0 if it cannot be had (nallocx).
    pub fn good_size(&self, _align: usize, _size: usize) -> usize { 0 }
    /// Gives free memory back to the system but for `keep` bytes; returns the bytes given back.
    pub fn trim(&self, _keep: usize) -> usize { 0 }
}

// SAFETY: placeholder
unsafe impl GlobalAlloc for Larder {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 { core::ptr::null_mut() }
    unsafe fn dealloc(&self, _ptr: *mut u8, _layout: Layout) {}
}
