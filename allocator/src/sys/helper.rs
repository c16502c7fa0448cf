//! A thread of larder's own that libc does not know.
//!
//! It shares everything with the process and has a stack and a control block in a mapping of its own. It was not made by
//! `pthread_create`, because that allocates, takes libc's locks, and may not be called from where memory is freed: inside `dlopen`, in
//! a signal handler, in another library's fork handler. The price: nothing it runs may look at the thread through libc (errno,
//! thread-local storage, restartable sequences). larder's own layers do not, and what the helper does (`heap/tend.rs`) never asks on which CPU
//! it runs.
//!
//! ```text
//! | guard page | stack, 64 KiB … | page of ones | control block, one page of ones but for its own address |
//! ```
//!
//! Signals: all blocked, from its first instruction. Fork: a child has no such thread; its copy of the mapping is used again. Exit: ends with
//! the process. The thread gives up its capabilities, and what it has of the thread that made it: a real-time priority, and CPUs that are not the main thread's.
#![allow(unsafe_code, reason = "clone, and the memory of the new thread")]

use super::vm::Span;
use super::{Errno, arch, syscall};
use crate::base::sync::{AtomicUsize, Ordering};
use crate::base::units::PAGE;

const STACK: usize = 64 * 1024;
/// The control block's page and the one below it, where thread-local storage would lie.
const BLOCK: usize = 2 * PAGE;
const LEN: usize = PAGE + STACK + BLOCK;

/// The place of one such thread. All zero has none.
#[derive(Debug)]
pub struct Helper {
    /// Address of the mapping; kept for a forked child's thread.
    mapping: AtomicUsize,
}

impl Helper {
    /// No mapping yet.
    pub const fn new() -> Helper {
        Helper { mapping: AtomicUsize::new(0) }
    }

    /// Starts the thread. Called by one thread at a time, and in a process only while the one before does not run.
    pub fn start(&self, entry: extern "C" fn() -> !) -> Result<(), Errno> {
        let base = self.mapping()?;
        let control_block = base + LEN - PAGE;
        fill_control_block(control_block);
        let signals = syscall::set_signal_mask(u64::MAX)?;
        // SAFETY: the mapping is this thread's alone; the entry is of the heap, which keeps the rules of this module.
        let made = unsafe { arch::clone_thread(base + PAGE + STACK, control_block, entry) };
        let _restored = syscall::set_signal_mask(signals);
        if made < 0 { Err(Errno(-made as i32)) } else { Ok(()) }
    }

    fn mapping(&self) -> Result<usize, Errno> {
        let known = self.mapping.load(Ordering::Relaxed);
        if known != 0 {
            return Ok(known);
        }
        let (base, _) = Span::map(LEN, PAGE)?.into_raw();
        // SAFETY: the first page of the mapping that was just made.
        let _guarded = unsafe { syscall::protect(base, PAGE, libc::PROT_NONE) };
        self.mapping.store(base, Ordering::Relaxed);
        Ok(base)
    }
}

/// Ones, so that what looks for a CPU number finds none, but for the control block's own address, which names the thread.
fn fill_control_block(control_block: usize) {
    let start = (control_block + PAGE - BLOCK) as *mut u8;
    // SAFETY: two pages of the mapping, behind the stack.
    unsafe { start.write_bytes(0xFF, BLOCK) };
    // SAFETY: the first word of the block, aligned to a page.
    unsafe { (control_block as *mut usize).write(control_block) };
}

/// Called first by the new thread.
pub fn settle_in() {
    syscall::name_thread(c"larder-purge");
    syscall::schedule_ordinarily();
    syscall::run_where_first_thread_may();
    syscall::drop_capabilities();
}
