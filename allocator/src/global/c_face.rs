//! What the C face (`ffi`) needs of the allocator and a Rust program does not: the slow halves of `malloc` and `free`, fork handlers, options that
//! concern C programs. The documentation does not show it, because it may change with the C face at any time.
#![allow(unsafe_code, reason = "the contracts of free and prlimit")]

use super::{HEAP, Larder};
use crate::base::units::MIN_ALIGN;
use crate::heap::Call;
use crate::stats::StatsForm;
use crate::sys::options::Key;
use crate::sys::syscall;

#[doc(hidden)]
impl Larder {
    /// [`Larder::malloc`] for a request that the hit path could not serve.
    pub fn malloc_slow(&self, size: usize) -> *mut u8 {
        HEAP.alloc_slow(size, MIN_ALIGN)
    }

    /// [`Larder::free`] for an object that the hit path could not take.
    ///
    /// # Safety
    /// As [`Larder::free`].
    pub unsafe fn free_slow(&self, pointer: *mut u8) {
        HEAP.free_slow(pointer as usize, Call::Free);
    }

    /// From now on, calls that come through the back door of the hit path ([`define_malloc`](crate::define_malloc)) hit as those through the front
    /// door do.
    pub fn unlock_back_door(&self) {
        HEAP.unlock_back_door();
    }

    /// `prlimit`, for a C library's functions of that kind: sets and reads a limit of a process (0: this one), and heeds a bound on this process's
    /// addresses. On failure, returns the errno.
    ///
    /// # Safety
    /// `new` is null or points to a limit; `old` is null or points to memory for one.
    pub unsafe fn prlimit(
        &self,
        process: i32,
        resource: u32,
        new: *const libc::rlimit,
        old: *mut libc::rlimit,
    ) -> Result<(), i32> {
        // SAFETY: the caller promises of `new` and `old` what `syscall::prlimit` requires.
        unsafe { syscall::prlimit(process, resource, new, old) }.map_err(|error| error.0)?;
        if resource == libc::RLIMIT_AS && !new.is_null() {
            // The new bound may be another process's and then says nothing of this one's, which is looked at in any case.
            self.heed_address_limit();
        }
        Ok(())
    }

    /// Returns whether every child finds out by itself that it was forked: the kernel wipes a page for larder at fork, and nothing suggests that it
    /// only claims to. Otherwise fork handlers should be registered: [`Larder::before_fork`], [`Larder::after_fork_in_parent`] and
    /// [`Larder::after_fork_in_child`].
    pub fn sees_forks(&self) -> bool {
        HEAP.sees_forks()
    }

    /// Announces that all three fork handlers are registered. Where the kernel wipes no pages, every slow path asks for the process's number until
    /// this is called.
    pub fn will_be_told_of_forks(&self) {
        HEAP.will_be_told_of_forks();
    }

    /// For a fork handler (`pthread_atfork`) in the child: repairs the heap before the child can start threads. Without it, the child's first slow
    /// path does the same.
    pub fn after_fork_in_child(&self) {
        HEAP.forked();
    }

    /// For a fork handler before the fork, to be used together with [`Larder::after_fork_in_parent`]. Only needed where the kernel wipes no pages at
    /// fork (Linux before 4.14): if another handler allocates in the child before larder's has run there, this is how the heap knows that it is in a
    /// child.
    pub fn before_fork(&self) {
        HEAP.will_fork();
    }

    /// For a fork handler in the parent, after the fork; see [`Larder::before_fork`].
    pub fn after_fork_in_parent(&self) {
        HEAP.has_forked();
    }

    /// Reads `LARDER_CONF` now rather than at the first allocation, so that a mistake in it is always reported. Returns false if it is not set, or if
    /// the heap cannot boot.
    pub fn read_options(&self) -> bool {
        HEAP.read_options()
    }

    /// Returns the form of the statistics that the user asked for at exit; `None` if none were asked for.
    pub fn stats_at_exit(&self) -> Option<StatsForm> {
        match HEAP.settings().get(Key::Stats) {
            0 => None,
            1 => Some(StatsForm::Table),
            _ => Some(StatsForm::Json),
        }
    }

    /// Returns whether `dlopen` is to pass `RTLD_DEEPBIND` on.
    pub fn keeps_deepbind(&self) -> bool {
        HEAP.settings().get(Key::DeepBind) != 0
    }
}
