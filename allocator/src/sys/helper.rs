//! A thread of larder's own that libc does not know of.
//!
//! It shares everything with the process and has a stack and a control block in a mapping of its own. It is not made by `pthread_create`, because
//! that allocates, takes libc's locks, and may not be called from where memory is freed: inside `dlopen`, in a signal handler, in another library's
//! fork handler. The price: nothing that it runs may look at the thread through libc (errno, thread-local storage, restartable sequences). larder's
//! own layers do not, and the helper's work (`heap/tend.rs`) never asks on which CPU it runs. Code that asks all the same finds all ones, which is no
//! CPU's number, in the area of restartable sequences, wherever this libc has that area: in the control block, or, since glibc 2.41, below all
//! thread-local storage that the program starts with.
//!
//! ```text
//! | guard page | stack, 64 KiB … | area of restartable sequences … page of ones | control block, a page of ones but for its own address |
//! ```
//!
//! Signals: all blocked, from its first instruction. Fork: a child has no such thread; its copy of the mapping is used again. Exit: ends with the
//! process. The thread gives up its capabilities and what it inherits from the thread that made it: a real-time priority, and CPUs other than the
//! main thread's.
#![allow(unsafe_code, reason = "clone, and the memory of the new thread")]

use super::vm::Span;
use super::{Errno, arch, rseq, syscall, thread};
use crate::base::sync::{AtomicUsize, Ordering};
use crate::base::units::PAGE;

const STACK: usize = 64 * 1024;
const STACK_END: usize = PAGE + STACK;
/// Bytes of the area of restartable sequences that anybody reads.
const AREA: usize = 32;

/// Where the parts of the mapping lie, in bytes from its beginning.
#[derive(Clone, Copy, Debug)]
struct Layout {
    area: usize,
    control_block: usize,
    len: usize,
}

impl Layout {
    /// Lays out a mapping with the area so many bytes from the control block. Below the block lies at least a page, where thread-local storage would
    /// be.
    fn new(area: isize) -> Layout {
        let below = area.min(0).unsigned_abs().next_multiple_of(PAGE).max(PAGE);
        let control_block = STACK_END + below;
        let area = control_block.wrapping_add_signed(area);
        let len = (area + AREA).next_multiple_of(PAGE).max(control_block + PAGE);
        Layout { area, control_block, len }
    }
}

/// The place of one such thread. All zero has no thread.
#[derive(Debug)]
pub struct Helper {
    /// Address of the mapping; kept for the thread of a forked child.
    mapping: AtomicUsize,
}

impl Helper {
    /// No mapping yet.
    pub const fn new() -> Helper {
        Helper { mapping: AtomicUsize::new(0) }
    }

    /// Starts the thread. Called by one thread at a time, and in a process only while no earlier helper is running.
    pub fn start(&self, entry: extern "C" fn() -> !) -> Result<(), Errno> {
        let layout = Layout::new(rseq::area_offset());
        let base = self.mapping(layout.len)?;
        let control_block = fill(base, layout);
        let signals = syscall::set_signal_mask(u64::MAX)?;
        // SAFETY: the mapping belongs to this thread alone, for ever; the entry is the heap's, which keeps the rules of this module.
        let made = unsafe { arch::clone_thread(base + STACK_END, control_block, entry) };
        let _restored = syscall::set_signal_mask(signals);
        if made < 0 { Err(Errno(-made as i32)) } else { Ok(()) }
    }

    fn mapping(&self, len: usize) -> Result<usize, Errno> {
        let known = self.mapping.load(Ordering::Relaxed);
        if known != 0 {
            return Ok(known);
        }
        let (base, _) = Span::map(len, PAGE)?.into_raw();
        // SAFETY: the first page of the mapping that was just made.
        let _guarded = unsafe { syscall::protect(base, PAGE, libc::PROT_NONE) };
        self.mapping.store(base, Ordering::Relaxed);
        Ok(base)
    }
}

/// Fills in ones, so that code which looks for a CPU number finds none. Only the first word of the control block is its own address, which names the
/// thread and is returned.
fn fill(base: usize, layout: Layout) -> usize {
    let (area, control_block) = (base + layout.area, base + layout.control_block);
    // SAFETY: the area lies within the mapping, behind the stack.
    unsafe { (area as *mut u8).write_bytes(0xFF, AREA) };
    // SAFETY: the two pages lie within the mapping, behind the stack.
    unsafe { ((control_block - PAGE) as *mut u8).write_bytes(0xFF, 2 * PAGE) };
    // SAFETY: the first word of the block, aligned to a page.
    unsafe { (control_block as *mut usize).write(control_block) };
    control_block
}

/// The thread that called `settle_in` last; 0 if none has.
static SETTLED: AtomicUsize = AtomicUsize::new(0);

/// Returns whether the calling thread is such a thread.
pub fn is_this_thread() -> bool {
    SETTLED.load(Ordering::Relaxed) == thread::id()
}

/// Called first by the new thread.
pub fn settle_in() {
    SETTLED.store(thread::id(), Ordering::Relaxed);
    syscall::name_thread(c"larder-purge");
    syscall::schedule_ordinarily();
    syscall::run_where_first_thread_may();
    syscall::drop_capabilities();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_of_sequences_reads_as_ones_wherever_it_lies() {
        for offset in [2464, 3 * PAGE as isize, -32, -4096, -4128, -(1 << 20) - 64] {
            let layout = Layout::new(offset);
            assert!(layout.area >= STACK_END && layout.area + AREA <= layout.len, "{offset}: {layout:?}");
            let base = Helper::new().mapping(layout.len).unwrap();
            let control_block = fill(base, layout);
            let area = (control_block.wrapping_add_signed(offset)) as *const [u8; AREA];
            // SAFETY: within the mapping, as was just seen.
            assert_eq!(unsafe { area.read() }, [0xFF; AREA]);
            // SAFETY: the first word of the block.
            assert_eq!(unsafe { (control_block as *const usize).read() }, control_block);
        }
    }

    #[test]
    fn without_an_area_there_is_a_page_beside_the_block() {
        let layout = Layout::new(0);
        assert_eq!((layout.control_block, layout.len), (STACK_END + PAGE, STACK_END + 2 * PAGE));
    }
}
