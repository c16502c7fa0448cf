//! The Rust face, from which the C face is built too ([`c_face`] has what only that needs).
#![allow(unsafe_code, reason = "GlobalAlloc")]

mod c_face;
mod numa;
mod observe;
mod report;

pub use observe::observe;
pub use report::write_json;

pub use numa::{Placed, follow_policy, migrate, node_of, nodes, numa_policy, numa_refusals, residence};

use crate::base::units::{Class, MIN_ALIGN};
use crate::heap::{Heap, Hooks};
use crate::stats::{Mode, PageStats, Stats};
use core::alloc::{GlobalAlloc, Layout};
use observe::seen;

/// The process's heap: boots at its first use and is never torn down.
pub static HEAP: Heap = Heap::with_hooks(Hooks { witness: Some(thread_holds_one_with), helper: Some(run_helper) });

/// The allocator: the process's one heap.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: larder::Larder = larder::Larder;
/// assert_eq!(vec![1, 2, 3].len(), 3);
/// ```
///
/// The methods allocate as C's functions do, without a [`Layout`]. What they give is freed by [`Larder::free`], which takes every object of larder's,
/// and not by `dealloc`, which relies on its layout. An allocation returns null if there is no memory, or if the size is above `isize::MAX`.
///
/// ```
/// use larder::Larder;
/// let object = Larder.malloc(100);
/// assert!(!object.is_null());
/// // SAFETY: the object is live, and not used after it was freed.
/// unsafe {
///     assert!(Larder.usable_size(object) >= 100);
///     Larder.free(object);
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Larder;

impl Larder {
    /// Allocates at least `size` bytes, 16-byte aligned. An object of size 0 has an address of its own, too.
    #[inline(always)]
    pub fn malloc(&self, size: usize) -> *mut u8 {
        HEAP.alloc(size, MIN_ALIGN)
    }

    /// Allocates `size` zeroed bytes, 16-byte aligned.
    #[inline(always)]
    pub fn calloc(&self, size: usize) -> *mut u8 {
        HEAP.alloc_zeroed(size, MIN_ALIGN)
    }

    /// Allocates at least `size` bytes aligned to `align`, which must be a power of two: otherwise the result is null, or not aligned to it.
    #[inline(always)]
    pub fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        HEAP.alloc(size, align.max(MIN_ALIGN))
    }

    /// Frees an object. Null is ignored. For any other pointer that is not a live object, a message on stderr says what it is and the process aborts
    /// (memory that is not larder's is left alone under `foreign_free:ignore`). If the object was free already, that may be noticed only later.
    ///
    /// # Safety
    /// `pointer` is null or a live object of this allocator, and is not used again.
    #[inline(always)]
    pub unsafe fn free(&self, pointer: *mut u8) {
        HEAP.free(pointer);
    }

    /// Resizes `pointer` (not null) to `size` bytes, 16-byte aligned, moving it if necessary. If the result is null, the object is as it was.
    ///
    /// # Safety
    /// `pointer` is a live object. If the result is not null, only the result is used from then on.
    #[inline]
    pub unsafe fn resize(&self, pointer: *mut u8, size: usize) -> *mut u8 {
        HEAP.resize_freely(pointer, size)
    }

    /// [`Larder::resize`] with an alignment, which must be a power of two.
    ///
    /// # Safety
    /// As [`Larder::resize`].
    pub unsafe fn resize_aligned(&self, pointer: *mut u8, align: usize, size: usize) -> *mut u8 {
        HEAP.realloc(pointer, size, align.max(MIN_ALIGN))
    }

    /// Tries to make `pointer` hold at least `size` and up to `want` bytes without moving it. Returns its usable size afterwards, which is less than
    /// `size` if that failed.
    ///
    /// # Safety
    /// `pointer` is a live object.
    pub unsafe fn resize_in_place(&self, pointer: *mut u8, size: usize, want: usize) -> usize {
        HEAP.resize_in_place(pointer, size, want)
    }

    /// Returns how many bytes of `pointer` (not null) may be used. This stays the same for the object's whole life, unless it is resized.
    ///
    /// # Safety
    /// `pointer` is a live object.
    #[inline(always)]
    pub unsafe fn usable_size(&self, pointer: *const u8) -> usize {
        HEAP.usable_size(pointer)
    }

    /// Returns the usable size that `memalign(align, size)` would give, or 0 if no such object can be had.
    pub fn good_size(&self, align: usize, size: usize) -> usize {
        HEAP.good_size(size, align.max(MIN_ALIGN))
    }

    /// [`trim`], except for `keep` bytes of each node.
    pub fn trim(&self, keep: usize) -> usize {
        HEAP.trim(keep)
    }

    /// Should be called when the program has bounded its own addresses (`RLIMIT_AS`) after its first allocation, or has lowered or lifted the bound.
    /// Gives up the addresses that larder reserved before and has not grown into; from then on larder reserves addresses as it grows into them.
    /// Returns whether it did so: there is nothing to give up if the bound is no lower than the last one that larder knows of. Without this call the
    /// reservation counts towards the bound, so threads and mappings find no room, while growth within the reservation meets no bound.
    pub fn heed_address_limit(&self) -> bool {
        HEAP.heed_address_limit()
    }
}

/// The witness: asked by a thread that is about to wait for a lock.
fn thread_holds_one_with(lock: usize) -> bool {
    HEAP.holds_one_with(lock)
}

/// The entry of the helper thread.
extern "C" fn run_helper() -> ! {
    HEAP.serve()
}

/// The hit path jumps here with an object whose link is not the end of a chain and does not lead into the region it knows: the region has grown
/// meanwhile, or the object is the spare node's, or the link is broken.
///
/// # Safety
/// Called by the hit path only, with the object it just popped.
#[doc(hidden)]
pub unsafe extern "C" fn odd_link(address: usize, offset: usize, link: u64) -> *mut u8 {
    HEAP.take_odd(address, offset, link)
}

crate::cpu::define_by_row!(odd_link);

/// Gives all free memory back to the system, also what lies in the caches of other CPUs (where the system refuses `membarrier`, only what lies in this
/// one's). Returns the number of bytes given back.
///
/// ```
/// # #[global_allocator]
/// # static ALLOCATOR: larder::Larder = larder::Larder;
/// let lines: Vec<String> = (0..10_000).map(|n| format!("line {n}")).collect();
/// drop(lines);
/// println!("{} KiB given back", larder::trim() / 1024);
/// ```
pub fn trim() -> usize {
    HEAP.trim(0)
}

/// Returns all figures of the process's heap. They are gathered at the call and have 6 KiB. While other threads allocate, they are not all of one
/// instant.
///
/// ```
/// # #[global_allocator]
/// # static ALLOCATOR: larder::Larder = larder::Larder;
/// let kept = vec![1_u8; 1 << 20];
/// let stats = larder::stats();
/// assert!(stats.large_in_use >= kept.len() && stats.committed > stats.large_in_use);
/// for class in stats.classes.iter().filter(|class| class.in_use > 0) {
///     println!("{} objects of {} bytes", class.in_use, class.size);
/// }
/// ```
pub fn stats() -> Stats {
    seen().stats()
}

/// [`stats`], added to `stats`, which must be fresh.
#[doc(hidden)]
pub fn read_stats(stats: &mut Stats) {
    seen().read_stats(stats);
}

/// Returns the pages and watermarks of an arena, by its place in [`nodes`]. The place after the last is that of the spare arena, which serves signal
/// handlers that interrupted an allocation, and every thread when all nodes are full. Returns `None` beyond that.
///
/// ```
/// for (place, arena) in larder::nodes().enumerate() {
///     if let Some(pages) = larder::page_stats(place) {
///         println!("node {:?}: {} bytes in use, {} free and warm", arena.node, pages.in_use, pages.warm);
///     }
/// }
/// ```
pub fn page_stats(node: usize) -> Option<PageStats> {
    seen().page_stats(node)
}

/// Returns the bytes of the process, larder's and others', that lie in anonymous transparent huge pages as the kernel counts them now; `None` if it
/// does not say.
pub fn resident_in_huge_pages() -> Option<usize> {
    crate::sys::file::transparent_huge_bytes()
}

/// Returns how the caches of the CPUs are reached in this process: by restartable sequences, or, several times as slowly, behind locks.
pub fn mode() -> Mode {
    seen().mode()
}

/// Walks the whole heap and returns the first broken invariant: for tests. If another thread, or a call that this one has interrupted as a signal
/// handler, allocates or frees meanwhile, the result says nothing.
pub fn validate() -> Result<(), &'static str> {
    HEAP.validate()
}

// SAFETY: an object has at least the size and alignment of the layout asked for, is valid until it is freed and is never handed out twice; nothing
// unwinds.
unsafe impl GlobalAlloc for Larder {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HEAP.alloc(layout.size(), layout.align())
    }

    #[inline(always)]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HEAP.free_layout(pointer as usize, layout.size(), layout.align());
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        HEAP.alloc_zeroed(layout.size(), layout.align())
    }

    #[inline(always)]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        match Class::small(layout.size(), layout.align()) {
            Some(class) => HEAP.realloc_class(pointer, class, new_size, layout.align()),
            None => HEAP.realloc(pointer, new_size, layout.align()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Shape;
    use core::arch::asm;
    extern crate std;
    use std::boxed::Box;
    use std::fs;

    const REGION: usize = 64 << 20;
    /// One for each way in which the hit path looks a size up.
    const SIZES: [usize; 6] = [1, 100, 1024, 3000, 30 << 10, 200 << 10];
    /// A CPU of each node.
    const CPUS: [usize; 2] = [64, 96];
    /// What the slow functions return.
    const SLOW: usize = usize::MAX;
    /// A thread that is moved finds other windows; then it tries again.
    const TRIES: usize = 100;

    extern "C" fn slow(_argument: usize) -> usize {
        SLOW
    }

    /// A heap of two nodes whose CPUs do not exist: from 64 on, and from 96 on. None where sequences may not run.
    fn heap(region_len: usize) -> Option<&'static Heap> {
        let root = std::env::temp_dir().join(std::format!(
            "larder-rows-{region_len}-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        for (node, cpus) in [("node0", "64-95\n"), ("node1", "96-127\n")] {
            fs::create_dir_all(root.join(node)).unwrap();
            fs::write(root.join(node).join("cpulist"), cpus).unwrap();
        }
        fs::write(root.join("online"), "0-1\n").unwrap();
        let heap = Box::leak(Box::new(Heap::new()));
        assert!(heap.boot_as(&Shape::read(root.to_str().unwrap(), region_len)));
        fs::remove_dir_all(&root).unwrap();
        matches!(heap.mode(), Mode::RseqCid | Mode::RseqCpu).then_some(heap)
    }

    /// Returns what a jump from `malloc` to the hit path by rows gives for a size; none if it goes on to the slow function.
    fn hit(heap: &Heap, size: usize) -> Option<*mut u8> {
        let object: usize;
        // SAFETY: a call with the arguments in the registers that the function takes them from; the heap has rows.
        unsafe {
            asm!("call {}", sym malloc_by_row, in("rdi") size, in("rdx") heap, in("r11") slow as *const (), lateout("rax") object, clobber_abi("C"));
        }
        (object != SLOW).then_some(object as *mut u8)
    }

    /// Returns whether a jump from `free` to the hit path by rows pushes the object and does not go on to the slow function.
    fn hit_free(heap: &Heap, address: usize) -> bool {
        let said: usize;
        // SAFETY: a call with the arguments in the registers that the function takes them from; an address that is no object goes to the slow
        // function, which does nothing.
        unsafe {
            asm!("call {}", sym free_by_row, in("rdi") address, in("rdx") heap, in("r11") slow as *const (), lateout("rax") said, clobber_abi("C"));
        }
        said != SLOW
    }

    /// Returns whether an object of each node, freed by a thread on the last one, is the next that a thread on its own node gets.
    fn objects_go_home(heap: &Heap, size: usize) -> bool {
        let objects = [0, 1].map(|node| {
            heap.run_on(CPUS[node]);
            let object = heap.alloc(size, 16);
            assert_eq!(heap.node_of(object), Some(node));
            object
        });
        // The first free makes the window, which has room from then on.
        objects.iter().for_each(|&object| heap.free(object));
        let again = |node: usize| {
            heap.run_on(CPUS[node]);
            hit(heap, size)
        };
        let taken = [again(0), again(1)];
        if taken != objects.map(Some) {
            taken.into_iter().flatten().for_each(|object| heap.free(object));
            return false;
        }
        let went = objects.map(|object| hit_free(heap, object as usize));
        went == [true; 2] && [again(0), again(1)] == objects.map(Some)
    }

    #[test]
    fn by_rows_objects_come_from_this_cpus_node_and_go_to_their_own() {
        let Some(heap) = heap(REGION) else { return };
        for size in SIZES {
            assert!((0..TRIES).any(|_| objects_go_home(heap, size)), "{size}");
        }
        assert_eq!(heap.validate(), Ok(()));
    }

    #[test]
    fn what_is_no_object_of_a_row_goes_to_the_slow_function() {
        let Some(heap) = heap(REGION) else { return };
        heap.run_on(CPUS[1]);
        assert!(hit(heap, SIZES[1]).is_none(), "a window that never saw a magazine");
        let objects = SIZES.map(|size| heap.alloc(size, 16) as usize);
        let (large, huge) = (heap.alloc(1 << 20, 16) as usize, heap.alloc(40 << 20, 16) as usize);
        let region = objects[0] & !(REGION - 1);
        let outside = [0, 8, 1 << 46, SLOW - 7, &raw const region as usize, huge];
        let free = [region - 8, region + REGION - 8, region + 2 * REGION, large, large + 8];
        let inside = objects.map(|object| object + 8);
        assert!(outside.iter().chain(&free).chain(&inside).all(|&address| !hit_free(heap, address)));
        // Freed twice in a row; in between this thread may have been moved.
        let is_refused = |_| {
            let object = heap.alloc(SIZES[1], 16) as usize;
            hit_free(heap, object) && !hit_free(heap, object)
        };
        assert!((0..TRIES).any(is_refused));
        // As on a CPU that came later, or in a thread without an area.
        (0..64).for_each(|cpu| heap.forget_home(cpu));
        assert!(hit(heap, SIZES[1]).is_none());
    }

    #[test]
    fn where_regions_are_no_power_of_two_long_objects_go_home_all_the_same() {
        let Some(heap) = heap(REGION / 4 * 3) else { return };
        let goes_home = |_| {
            heap.run_on(CPUS[1]);
            let object = heap.alloc(SIZES[1], 16);
            heap.run_on(CPUS[0]);
            assert!(!hit_free(heap, object as usize) && heap.node_of(object) == Some(1));
            heap.free(object);
            heap.run_on(CPUS[1]);
            heap.alloc(SIZES[1], 16) == object
        };
        assert!((0..TRIES).any(goes_home));
    }
}
