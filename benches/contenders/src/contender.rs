//! The allocators. Each is called through its `GlobalAlloc` by an indirect call. This stands for the call of
//! `__rust_alloc`, prevents inlining of larder where C peers cannot be inlined, and costs the same for all.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;

/// An allocator and its name.
pub struct Contender {
    /// The name in reports.
    pub name: &'static str,
    heap: &'static (dyn GlobalAlloc + Sync),
}

/// All contenders, larder first.
pub static CONTENDERS: &[Contender] = &[
    Contender::new("larder", &larder::Larder),
    Contender::new("system", &System),
    #[cfg(feature = "mimalloc")]
    Contender::new("mimalloc", &mimalloc::MiMalloc),
    #[cfg(feature = "jemalloc")]
    Contender::new("jemalloc", &tikv_jemallocator::Jemalloc),
    #[cfg(feature = "rpmalloc")]
    Contender::new("rpmalloc", &rpmalloc::RpMalloc),
    #[cfg(feature = "snmalloc")]
    Contender::new("snmalloc", &snmalloc_rs::SnMalloc),
    #[cfg(feature = "tcmalloc")]
    Contender::new("tcmalloc", &tcmalloc_better::TCMalloc),
];

/// An object from a contender. It is freed by value, by the same contender and with the same layout.
#[derive(Debug)]
pub struct Block(NonNull<u8>);

// SAFETY: an object is plain memory with a single owner, and any thread may free it.
unsafe impl Send for Block {}

impl Contender {
    const fn new(name: &'static str, heap: &'static (dyn GlobalAlloc + Sync)) -> Self {
        Self { name, heap }
    }

    /// Allocates an object of at least 8 bytes and writes its first word.
    #[inline]
    pub fn alloc(&self, layout: Layout) -> Block {
        let block = self.alloc_untouched(layout);
        block.touch(0, layout);
        block
    }

    /// Allocates an object and does not write to it.
    #[inline]
    pub fn alloc_untouched(&self, layout: Layout) -> Block {
        // SAFETY: no layout of these benchmarks has size 0.
        self.block(unsafe { self.heap.alloc(layout) })
    }

    /// Allocates a zeroed object.
    #[inline]
    pub fn zeroed(&self, layout: Layout) -> Block {
        // SAFETY: no layout of these benchmarks has size 0.
        self.block(unsafe { self.heap.alloc_zeroed(layout) })
    }

    /// Resizes the object.
    #[inline]
    pub fn resize(&self, block: Block, layout: Layout, size: usize) -> Block {
        // SAFETY: the object is from this contender and has this layout, and `block` is consumed.
        self.block(unsafe { self.heap.realloc(block.0.as_ptr(), layout, size) })
    }

    /// Frees the object.
    #[inline]
    pub fn free(&self, block: Block, layout: Layout) {
        // SAFETY: the object is from this contender and has this layout, and `block` is consumed.
        unsafe { self.heap.dealloc(block.0.as_ptr(), layout) }
    }

    #[inline]
    fn block(&self, at: *mut u8) -> Block {
        NonNull::new(at).map_or_else(|| no_memory(self.name), Block)
    }
}

impl Block {
    /// Writes one word at `offset`, as a user would, so that the compiler cannot remove the allocation.
    #[inline]
    pub fn touch(&self, offset: usize, layout: Layout) {
        debug_assert!(offset + 8 <= layout.size());
        // SAFETY: the word lies inside the object.
        let word = unsafe { self.0.add(offset) };
        // SAFETY: nobody else uses the object, the word lies inside it, and an unaligned write needs no alignment.
        unsafe { word.cast::<u64>().write_unaligned(std::hint::black_box(1)) };
    }

    /// Reads the first word.
    #[inline]
    pub fn look(&self, layout: Layout) -> u64 {
        debug_assert!(layout.size() >= 8);
        // SAFETY: nobody else uses the object, and its first word was written.
        std::hint::black_box(unsafe { self.0.cast::<u64>().read_unaligned() })
    }

    /// Writes one word to each page from `start` on.
    pub fn touch_pages(&self, start: usize, layout: Layout) {
        for offset in (start..layout.size() - 7).step_by(4096) {
            self.touch(offset, layout);
        }
    }

    /// The object as a bare address, to pass it to another thread.
    #[inline]
    pub fn into_raw(self) -> *mut u8 {
        self.0.as_ptr()
    }

    /// The object of an address from `into_raw`.
    ///
    /// # Safety
    /// `raw` came from `into_raw` and is used once.
    #[inline]
    pub unsafe fn from_raw(raw: *mut u8) -> Self {
        // SAFETY: `into_raw` never returns null.
        Self(unsafe { NonNull::new_unchecked(raw) })
    }
}

#[cold]
#[allow(clippy::panic, reason = "a benchmark of an allocator without memory has nothing to say")]
fn no_memory(name: &str) -> ! {
    panic!("{name} gave no memory")
}
