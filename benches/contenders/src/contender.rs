//! The allocators, each called through its `GlobalAlloc` by an indirect call: that stands for the
//! call of `__rust_alloc`, keeps larder from being inlined where C peers cannot be, and costs all the same.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;

/// An allocator under its name.
pub struct Contender {
    /// As it appears in a report.
    pub name: &'static str,
    heap: &'static (dyn GlobalAlloc + Sync),
}

/// All of them, larder first.
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

/// Memory a contender gave out. It is given back by value, to the same contender with the same layout.
#[derive(Debug)]
pub struct Block(NonNull<u8>);

// SAFETY: a block is plain memory with one owner.
unsafe impl Send for Block {}

impl Contender {
    const fn new(name: &'static str, heap: &'static (dyn GlobalAlloc + Sync)) -> Self {
        Self { name, heap }
    }

    /// A block of at least 8 bytes whose first word the caller has written.
    #[inline]
    pub fn alloc(&self, layout: Layout) -> Block {
        let block = self.alloc_untouched(layout);
        block.touch(0, layout);
        block
    }

    /// A block nobody wrote to.
    #[inline]
    pub fn alloc_untouched(&self, layout: Layout) -> Block {
        // SAFETY: no layout of these benchmarks has size 0.
        self.block(unsafe { self.heap.alloc(layout) })
    }

    /// A block of zeroes.
    #[inline]
    pub fn zeroed(&self, layout: Layout) -> Block {
        // SAFETY: no layout of these benchmarks has size 0.
        self.block(unsafe { self.heap.alloc_zeroed(layout) })
    }

    /// The block with another size.
    #[inline]
    pub fn resize(&self, block: Block, layout: Layout, size: usize) -> Block {
        // SAFETY: the block is this contender's, of this layout, and consumed.
        self.block(unsafe { self.heap.realloc(block.0.as_ptr(), layout, size) })
    }

    /// Ends the block.
    #[inline]
    pub fn free(&self, block: Block, layout: Layout) {
        // SAFETY: the block is this contender's, of this layout, and consumed.
        unsafe { self.heap.dealloc(block.0.as_ptr(), layout) }
    }

    #[inline]
    fn block(&self, at: *mut u8) -> Block {
        NonNull::new(at).map_or_else(|| no_memory(self.name), Block)
    }
}

impl Block {
    /// Writes one word at `offset`, as a user would, so that the compiler cannot drop the block.
    #[inline]
    pub fn touch(&self, offset: usize, layout: Layout) {
        debug_assert!(offset + 8 <= layout.size());
        // SAFETY: the word lies inside the block.
        let word = unsafe { self.0.add(offset) };
        // SAFETY: the block is ours alone; its alignment is asked for nowhere.
        unsafe { word.cast::<u64>().write_unaligned(std::hint::black_box(1)) };
    }

    /// Reads the first word.
    #[inline]
    pub fn look(&self, layout: Layout) -> u64 {
        debug_assert!(layout.size() >= 8);
        // SAFETY: the block is ours alone and its first word was written.
        std::hint::black_box(unsafe { self.0.cast::<u64>().read_unaligned() })
    }

    /// Writes one word to each page from `start` on.
    pub fn touch_pages(&self, start: usize, layout: Layout) {
        for offset in (start..layout.size() - 7).step_by(4096) {
            self.touch(offset, layout);
        }
    }

    /// The block as a number, to hand it to another thread.
    #[inline]
    pub fn into_raw(self) -> *mut u8 {
        self.0.as_ptr()
    }

    /// The block of `into_raw`.
    ///
    /// # Safety
    /// `raw` came from `into_raw` and is used once.
    #[inline]
    pub unsafe fn from_raw(raw: *mut u8) -> Self {
        // SAFETY: `into_raw` gives no null.
        Self(unsafe { NonNull::new_unchecked(raw) })
    }
}

#[cold]
#[allow(clippy::panic, reason = "a benchmark of an allocator without memory has nothing to say")]
fn no_memory(name: &str) -> ! {
    panic!("{name} gave no memory")
}
