//! The calling thread: its id for locks, its CPU, its signal mask; and the gate that tells a forked child.
#![allow(unsafe_code, reason = "getcpu, errno, and the page that is wiped at fork")]

use super::arch;
use super::once::Gate;
use super::syscall;
use super::vdso;
use crate::base::sync::{AtomicBool, AtomicUsize, Ordering};
use core::num::NonZeroUsize;
use once_cell::race::OnceNonZeroUsize;

/// Returns a number that is unique among live threads, never 0, and even.
#[inline(always)]
pub fn id() -> usize {
    arch::thread_pointer()
}

/// The vDSO's `getcpu`: the CPU, its node, and what is no longer used.
type GetCpu = unsafe extern "C" fn(*mut u32, *mut u32, *mut u8) -> i32;

/// Address of the vDSO's function; 0 if there is none, or if nobody has looked.
static GET_CPU: AtomicUsize = AtomicUsize::new(0);

/// Finds the vDSO's function; called at boot where each call will ask for its CPU.
pub fn settle() {
    GET_CPU.store(vdso::function("__vdso_getcpu").unwrap_or(0), Ordering::Relaxed);
}

/// Returns the CPU that the thread runs on, or 0 if that cannot be told. It may change at any moment: a hint.
#[inline]
pub fn cpu_hint() -> usize {
    let address = GET_CPU.load(Ordering::Relaxed);
    if address == 0 {
        return cpu_by_libc();
    }
    // SAFETY: not 0, hence the address of the vDSO's function, which has this type and stays where it is.
    let get_cpu = unsafe { core::mem::transmute::<usize, GetCpu>(address) };
    let mut cpu = 0;
    // SAFETY: `cpu` is a valid number; the function writes nothing else, since the other pointers are null.
    let _never_fails = unsafe { get_cpu(&raw mut cpu, core::ptr::null_mut(), core::ptr::null_mut()) };
    cpu as usize
}

#[cold]
fn cpu_by_libc() -> usize {
    // SAFETY: no preconditions. It is a vDSO call; if that is missing and the system call is refused, it sets errno, which is put back.
    let cpu = preserving_errno(|| unsafe { libc::sched_getcpu() });
    usize::try_from(cpu).unwrap_or(0)
}

/// Returns what stands for the CPU where restartable sequences are missing. A program of one thread has number 0 wherever it runs, as its concurrency
/// id would be: what it left on other CPUs would stay there, each object keeping pages in use, and nobody would come for it.
pub fn slot_hint() -> usize {
    if arch::libc_single_threaded() == Some(true) { 0 } else { cpu_hint() }
}

/// Runs `body` and puts errno back. `body` writes errno by a pointer of its own, so no reference to it is held meanwhile.
pub(super) fn preserving_errno<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: no preconditions.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: errno's address is valid for the life of the thread, and only this thread uses it.
    let before = unsafe { place.read() };
    let result = body();
    // SAFETY: as above.
    unsafe { place.write(before) };
    result
}

/// While it lives, no signal handler runs on this thread: for slow sections that must not be re-entered.
#[derive(Debug)]
pub struct SignalsBlocked {
    before: Option<u64>,
}

impl SignalsBlocked {
    /// Blocks every signal that can be blocked.
    pub fn new() -> SignalsBlocked {
        SignalsBlocked { before: syscall::set_signal_mask(u64::MAX).ok() }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        if let Some(mask) = self.before {
            let _restored = syscall::set_signal_mask(mask);
        }
    }
}

/// Tells a process from its forked children: a gate on a page that the kernel wipes at fork. The gate is open in the process that opened it and shut
/// again in a child, however that was made (`fork`, `_Fork`, raw `clone`), so the first slow path of a child finds it shut.
///
/// Where there is no such page (Linux before 4.14, gVisor, qemu-user), fork handlers tell: while any thread forks, a thread that comes to the gate
/// checks whether the process is still the one that the gate was opened in; without handlers every thread that comes checks.
#[derive(Debug)]
pub struct Family {
    /// The page's address, or [`NO_PAGE`], once the kernel was asked.
    page: OnceNonZeroUsize,
    without_page: Gate,
    /// Number of threads that are forking.
    forking: AtomicUsize,
    /// Whether fork handlers count them.
    is_told: AtomicBool,
}

const NO_PAGE: NonZeroUsize = NonZeroUsize::MIN;

impl Family {
    /// A gate that is not set up.
    pub const fn new() -> Family {
        Family {
            page: OnceNonZeroUsize::new(),
            without_page: Gate::new(),
            forking: AtomicUsize::new(0),
            is_told: AtomicBool::new(false),
        }
    }

    /// Names the process in the gate before it is open, so that a child that shares its parent's memory meanwhile (`vfork`) can be told from a forked one.
    pub fn begin(&self) {
        self.find_page();
        self.gate_as_it_is().claim(syscall::process_id());
    }

    /// Opens the gate; called once at boot.
    pub fn settle(&self) {
        self.find_page();
        self.gate_as_it_is().open(syscall::process_id());
    }

    /// Returns whether the kernel wipes the page at fork. The first call maps it, at boot or earlier; if two threads make it at once, one page is lost.
    pub fn find_page(&self) -> bool {
        let map = || super::vm::wipe_on_fork_page().and_then(NonZeroUsize::new).unwrap_or(NO_PAGE);
        self.page.get_or_init(map) != NO_PAGE
    }

    /// Returns the gate to pass before any lock is taken.
    #[inline]
    pub fn gate(&self) -> &Gate {
        if self.page().is_none() {
            self.look_for_fork();
        }
        self.gate_as_it_is()
    }

    #[inline]
    fn page(&self) -> Option<usize> {
        self.page.get().filter(|&page| page != NO_PAGE).map(NonZeroUsize::get)
    }

    #[inline]
    fn gate_as_it_is(&self) -> &Gate {
        match self.page() {
            None => &self.without_page,
            // SAFETY: `find_page` mapped the page for ever; it holds nothing but this gate, and all zero is a shut gate.
            Some(page) => unsafe { &*(page as *const Gate) },
        }
    }

    /// Where there is no page: shuts the gate if this is a child. Whoever finds that no thread is forking also finds the gate shut.
    #[cold]
    fn look_for_fork(&self) {
        let may_be = self.forking.load(Ordering::Acquire) > 0 || !self.is_told.load(Ordering::Relaxed);
        if may_be && self.without_page.shut_inherited() {
            self.forking.store(0, Ordering::Release);
        }
    }

    /// Returns whether this process may share its parent's memory (`vfork`): it is not the one that the gate was opened in, and yet the gate is open.
    pub fn may_be_shared(&self) -> bool {
        self.gate_as_it_is().is_inherited()
    }

    /// Returns whether this process certainly shares its parent's memory.
    pub fn is_shared(&self) -> bool {
        self.page().is_some() && self.may_be_shared()
    }

    /// Announces that handlers will tell of each fork from now on.
    pub fn will_be_told(&self) {
        self.is_told.store(true, Ordering::Relaxed);
    }

    /// Called in a handler before the fork.
    pub fn will_fork(&self) {
        self.forking.fetch_add(1, Ordering::Relaxed);
    }

    /// Called in a handler in the parent.
    pub fn has_forked(&self) {
        self.forking.fetch_sub(1, Ordering::Relaxed);
    }

    /// Called in a handler in the child, which has this thread only: shuts the gate if nobody has passed it yet.
    pub fn is_forked(&self) {
        let (gate, was_forking) = (self.gate_as_it_is(), self.forking.load(Ordering::Relaxed) > 0);
        if was_forking && self.page().is_none() || gate.is_inherited() {
            gate.shut();
        }
        self.forking.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::time::Duration;

    /// What a child of process 1 finds where no page is wiped.
    fn inherited() -> Family {
        let family = Family::new();
        family.without_page.open(1);
        family
    }

    #[test]
    fn of_two_threads_of_a_child_one_repairs_where_no_page_is_wiped() {
        let (family, repairs) = (inherited(), AtomicUsize::new(0));
        let repair = || {
            repairs.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(50));
            true
        };
        let come = || assert!(family.gate().is_open() || family.gate().open_with(repair));
        std::thread::scope(|scope| {
            scope.spawn(come);
            std::thread::sleep(Duration::from_millis(20));
            come();
        });
        assert_eq!(repairs.into_inner(), 1);
    }
}
