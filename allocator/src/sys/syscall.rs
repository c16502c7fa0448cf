//! The system calls that larder makes, each under its own name.
#![allow(unsafe_code, reason = "system calls")]

use super::{Errno, arch, observed};
use crate::base::units::PAGE;

/// Makes a system call that cannot break memory safety by itself: no argument lets the kernel write to memory that we do not hand over.
fn call(number: i64, args: [usize; 6]) -> Result<usize, Errno> {
    // SAFETY: only the functions of this file call it, each with arguments that are sound as the function's own text says.
    let result = unsafe { arch::syscall(number, args) };
    if result < 0 { Err(Errno(-result as i32)) } else { Ok(result as usize) }
}

/// Maps new private anonymous memory of `len` bytes with `protection`; `flags` are added to `MAP_PRIVATE | MAP_ANONYMOUS`. Never replaces a mapping.
pub(super) fn map_anonymous(len: usize, protection: i32, flags: i32) -> Result<usize, Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags;
    call(libc::SYS_mmap, [0, len, protection as usize, flags as usize, usize::MAX, 0])
}

/// Reserves a range of addresses, if nobody has any of them.
pub(super) fn reserve_at(addr: usize, len: usize) -> Result<(), Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let base = call(libc::SYS_mmap, [addr, len, libc::PROT_NONE as usize, flags as usize, usize::MAX, 0])?;
    if base == addr {
        return Ok(());
    }
    // Kernels before Linux 4.17 ignore the flag.
    // SAFETY: it was just mapped, and nobody knows it.
    let _unmapped = unsafe { unmap(base, len) };
    Err(Errno(libc::EEXIST))
}

/// # Safety
/// The range is ours and nothing refers to it.
pub(super) unsafe fn unmap(addr: usize, len: usize) -> Result<(), Errno> {
    call(libc::SYS_munmap, [addr, len, 0, 0, 0, 0]).map(drop)
}

/// # Safety
/// The range is ours; nobody relies on a protection that is taken away.
pub(super) unsafe fn protect(addr: usize, len: usize, protection: i32) -> Result<(), Errno> {
    call(libc::SYS_mprotect, [addr, len, protection as usize, 0, 0, 0]).map(drop)
}

/// # Safety
/// The range is ours; if the advice discards contents, nobody needs them.
pub(super) unsafe fn advise(addr: usize, len: usize, advice: i32) -> Result<(), Errno> {
    call(libc::SYS_madvise, [addr, len, advice as usize, 0, 0, 0]).map(drop)
}

/// # Safety
/// The range is ours and, unless `MREMAP_DONTUNMAP` is among `flags`, nothing refers to the old addresses afterwards.
pub(super) unsafe fn remap(addr: usize, len: usize, new_len: usize, flags: i32) -> Result<usize, Errno> {
    call(libc::SYS_mremap, [addr, len, new_len, flags as usize, 0, 0])
}

/// Moves a mapping to `to`, replacing what is there; it has `new_len` bytes afterwards.
///
/// # Safety
/// Both ranges are ours; nothing refers to what was at `to`.
pub(super) unsafe fn remap_to(addr: usize, len: usize, new_len: usize, to: usize) -> Result<(), Errno> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    call(libc::SYS_mremap, [addr, len, new_len, flags as usize, to, 0]).map(drop)
}

/// Waits while `*word == expected`, possibly for ever; returns at once if it differs, and when a signal comes.
pub fn futex_wait(word: *const u32, expected: u32) {
    let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    let _woken_or_changed = call(libc::SYS_futex, [word as usize, op as usize, expected as usize, 0, 0, 0]);
}

/// Wakes one waiter.
#[cold]
#[inline(never)]
pub fn futex_wake_one(word: *const u32) {
    futex_wake(word, 1);
}

/// Wakes every waiter.
pub fn futex_wake_all(word: *const u32) {
    futex_wake(word, i32::MAX as usize);
}

fn futex_wake(word: *const u32, most: usize) {
    let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    let _count = call(libc::SYS_futex, [word as usize, op as usize, most, 0, 0, 0]);
}

/// Writes some of `bytes`; returns how many.
pub(super) fn write(descriptor: i32, bytes: &[u8]) -> Result<usize, Errno> {
    call(libc::SYS_write, [descriptor as usize, bytes.as_ptr() as usize, bytes.len(), 0, 0, 0])
}

/// Runs `body` with the standard error of the process's first thread, as a descriptor of the calling thread.
pub(super) fn with_stderr_of_process<R>(body: impl FnOnce(i32) -> R) -> Result<R, Errno> {
    let borrowed = call(libc::SYS_pidfd_open, [process_id(), 0, 0, 0, 0, 0]).and_then(|process| {
        let borrowed = call(libc::SYS_pidfd_getfd, [process, 2, 0, 0, 0, 0]);
        close(process as u32);
        borrowed
    });
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_NOCTTY | libc::O_CLOEXEC;
    let descriptor = borrowed.or_else(|_| {
        let path = c"/proc/self/fd/2".as_ptr() as usize;
        call(libc::SYS_openat, [libc::AT_FDCWD as usize, path, flags as usize, 0, 0, 0])
    })?;
    let result = body(descriptor as i32);
    close(descriptor as u32);
    Ok(result)
}

/// Gives the calling thread a table of descriptors of its own, which is empty; the descriptors of the other threads stay open.
pub(super) fn leave_descriptors() -> Result<(), Errno> {
    let flags = libc::CLOSE_RANGE_UNSHARE as usize;
    call(libc::SYS_close_range, [0, u32::MAX as usize, flags, 0, 0, 0]).map(drop)
}

/// Opens the file at `path` for reading.
pub fn open(path: &core::ffi::CStr) -> Result<u32, Errno> {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    call(libc::SYS_openat, [libc::AT_FDCWD as usize, path.as_ptr() as usize, flags as usize, 0, 0, 0])
        .map(|fd| fd as u32)
}

/// Reads the beginning of an open file into `buffer`.
pub fn read_from_start(descriptor: u32, buffer: &mut [u8]) -> Result<&[u8], Errno> {
    let args = [descriptor as usize, buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0];
    let filled = call(libc::SYS_pread64, args)?;
    Ok(buffer.get(..filled).unwrap_or_default())
}

/// Reads the beginning of the file at `path` into `buffer`. A read of less than a page, if there is room for one, is taken for the last: files of the
/// kernel's (sysfs) give no more than a page at once, but no less while there is more, and being told that there is no more costs one more call.
pub fn read_file<'a>(path: &core::ffi::CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let descriptor = open(path)?;
    let mut filled = 0;
    let outcome = loop {
        let rest = buffer.get_mut(filled..).unwrap_or_default();
        match read(descriptor, rest) {
            Ok(count) => {
                filled += count;
                if count < rest.len().min(PAGE) || count == 0 {
                    break Ok(());
                }
            }
            Err(error) => break Err(error),
        }
    };
    close(descriptor);
    outcome.map(|()| buffer.get(..filled).unwrap_or_default())
}

/// Reads what comes next in an open file into `buffer`; returns how many bytes.
pub(super) fn read(descriptor: u32, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        let args = [descriptor as usize, buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0];
        match call(libc::SYS_read, args) {
            Err(Errno(libc::EINTR)) => {}
            outcome => return outcome,
        }
    }
}

/// Closes a descriptor of ours.
pub(super) fn close(descriptor: u32) {
    let _closed = call(libc::SYS_close, [descriptor as usize, 0, 0, 0, 0, 0]);
}

/// Sets the thread's signal mask to `set` (bit n-1 for signal n) and returns the old one.
pub fn set_signal_mask(set: u64) -> Result<u64, Errno> {
    change_signal_mask(libc::SIG_SETMASK, set)
}

/// Adds `set` to the thread's signal mask and returns the old one.
pub(super) fn block_signals(set: u64) -> Result<u64, Errno> {
    change_signal_mask(libc::SIG_BLOCK, set)
}

fn change_signal_mask(how: i32, set: u64) -> Result<u64, Errno> {
    let mut old = 0_u64;
    let args = [how as usize, &raw const set as usize, &raw mut old as usize, 8, 0, 0];
    call(libc::SYS_rt_sigprocmask, args).map(|_| old)
}

/// Returns the blocked signals that are pending for this thread or the process.
pub(super) fn pending_signals() -> Result<u64, Errno> {
    let mut set = 0_u64;
    call(libc::SYS_rt_sigpending, [&raw mut set as usize, 8, 0, 0, 0, 0]).map(|_| set)
}

/// Takes away a pending signal of `set`, the thread's own first.
pub(super) fn take_signal(set: u64) {
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let args = [&raw const set as usize, 0, &raw const at_once as usize, 8, 0, 0];
    let _signal = call(libc::SYS_rt_sigtimedwait, args);
}

/// Returns what a clock shows (0 if the kernel does not say).
pub(super) fn clock_gettime(clock: libc::clockid_t) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let _known = call(libc::SYS_clock_gettime, [clock as usize, &raw mut now as usize, 0, 0, 0, 0]);
    now
}

/// Returns the soft limit of address space in bytes (`usize::MAX`: none).
pub fn address_space_limit() -> usize {
    let mut limit = [usize::MAX; 2];
    let args = [0, libc::RLIMIT_AS as usize, 0, limit.as_mut_ptr() as usize, 0, 0];
    match call(libc::SYS_prlimit64, args) {
        Ok(_) => limit[0],
        Err(_) => usize::MAX,
    }
}

/// Reads and sets a limit of a process (0: this one).
///
/// # Safety
/// `new` is null or points to a limit; `old` is null or points to memory for one.
pub unsafe fn prlimit(
    process: i32,
    resource: u32,
    new: *const libc::rlimit,
    old: *mut libc::rlimit,
) -> Result<(), Errno> {
    call(libc::SYS_prlimit64, [process as usize, resource as usize, new as usize, old as usize, 0, 0]).map(drop)
}

/// Returns the bytes of physical memory, or 0 if the kernel does not say.
pub fn physical_memory() -> usize {
    // SAFETY: sysinfo consists of plain numbers, for which all zero is a value.
    let mut info: libc::sysinfo = unsafe { core::mem::zeroed() };
    match call(libc::SYS_sysinfo, [&raw mut info as usize, 0, 0, 0, 0, 0]) {
        Ok(_) => info.totalram as usize * info.mem_unit as usize,
        Err(_) => 0,
    }
}

/// Sets the memory policy of a range of ours: where its pages are to lie when they are first touched. Moves none.
pub(super) fn bind(addr: usize, len: usize, mode: i32, nodes: &[u64; 16]) -> Result<(), Errno> {
    call(libc::SYS_mbind, [addr, len, mode as usize, nodes.as_ptr() as usize, MASK_BITS, 0]).map(drop)
}

/// Names the node of a bound range from which the others are tried by distance (Linux 5.17).
pub(super) fn set_home_node(addr: usize, len: usize, node: usize) -> Result<(), Errno> {
    call(libc::SYS_set_mempolicy_home_node, [addr, len, node, 0, 0, 0]).map(drop)
}

/// Returns the calling thread's memory policy: its mode and nodes; with `MPOL_F_MEMS_ALLOWED`, the nodes that it may use at all.
pub(super) fn memory_policy(flags: usize) -> Result<(i32, [u64; 16]), Errno> {
    let (mut mode, mut nodes) = (0_i32, [0; 16]);
    let args = [&raw mut mode as usize, nodes.as_mut_ptr() as usize, MASK_BITS, 0, flags, 0];
    call(libc::SYS_get_mempolicy, args).map(|_| (mode, nodes))
}

/// Asks where pages of the process whose memory this one reads lie, or moves them to `nodes` if these are given. `status` gets for each page the node where it lies then, or a negative errno.
/// Returns the number of pages that the kernel did not get to, for which it sets nothing.
pub(super) fn move_pages(pages: &[usize], nodes: Option<&[i32]>, status: &mut [i32]) -> Result<usize, Errno> {
    let count = pages.len().min(status.len()).min(nodes.map_or(usize::MAX, <[i32]>::len));
    let nodes = nodes.map_or(0, |nodes| nodes.as_ptr() as usize);
    let (process, flags) = (observed::other().unwrap_or(0), MPOL_MF_MOVE);
    call(libc::SYS_move_pages, [process, count, pages.as_ptr() as usize, nodes, status.as_mut_ptr() as usize, flags])
}

/// Only pages that no other process maps.
const MPOL_MF_MOVE: usize = 1 << 1;

/// The kernel reads one bit less than it is told.
const MASK_BITS: usize = 16 * 64 + 1;

/// Returns the CPU that this thread runs on, and that CPU's node.
pub fn cpu_and_node() -> Result<(usize, usize), Errno> {
    let (mut cpu, mut node) = (0_u32, 0_u32);
    let args = [&raw mut cpu as usize, &raw mut node as usize, 0, 0, 0, 0];
    call(libc::SYS_getcpu, args).map(|_| (cpu as usize, node as usize))
}

/// Returns the number of bits in the kernel's masks of CPUs, a multiple of 64: no number that the kernel may ever give a CPU, or a thread in place of
/// one, is as large. `None` if it refuses, or if there are more than 8192.
pub fn cpu_mask_bits() -> Option<usize> {
    cpus_of_thread(0).ok().map(|(_, bytes)| bytes * 8)
}

/// Returns the CPUs that a thread may run on (0: the calling one), and the bytes of the kernel's mask.
fn cpus_of_thread(thread: usize) -> Result<([u64; 128], usize), Errno> {
    let mut mask = [0; 128];
    let args = [thread, size_of_val(&mask), mask.as_mut_ptr() as usize, 0, 0, 0];
    call(libc::SYS_sched_getaffinity, args).map(|bytes| (mask, bytes))
}

/// Lets the calling thread run where the process's first thread may: its maker may be bound to a CPU that is to be left alone. Sets nothing if the
/// CPUs are the same: sandboxes that permit asking often kill for setting.
pub fn run_where_first_thread_may() {
    let Ok(first) = cpus_of_thread(process_id()) else { return };
    if cpus_of_thread(0) != Ok(first) {
        let (mask, bytes) = first;
        let _harmless = call(libc::SYS_sched_setaffinity, [0, bytes, mask.as_ptr() as usize, 0, 0, 0]);
    }
}

/// Keeps the calling thread on the first 64 CPUs, if it may run on one of them.
#[doc(hidden)]
pub fn stay_on_first_cpus() {
    let first = u64::MAX;
    let _some_of_them =
        call(libc::SYS_sched_setaffinity, [0, size_of_val(&first), (&raw const first) as usize, 0, 0, 0]);
}

/// Returns the process's number.
pub fn process_id() -> usize {
    call(libc::SYS_getpid, [0; 6]).unwrap_or(0)
}

/// Returns whether the calling thread is the first of its process: in a forked child, the one that forked. If that cannot be told, returns true.
pub fn is_first_thread() -> bool {
    !call(libc::SYS_gettid, [0; 6]).is_ok_and(|thread| thread != process_id())
}

/// Ends the process with SIGABRT, even if the program blocks that signal.
pub fn abort() -> ! {
    // SAFETY: abort has no preconditions and allocates nothing.
    unsafe { libc::abort() }
}

/// The signal of `abort`, in a set.
pub(super) const SIGABRT: u64 = 1 << (libc::SIGABRT - 1);

/// Returns whether the program has a handler for SIGABRT.
pub(super) fn abort_is_handled() -> bool {
    // As the kernel lays it out: handler, flags, restorer, mask.
    let mut action = [0_usize; 4];
    let args = [libc::SIGABRT as usize, 0, action.as_mut_ptr() as usize, 8, 0, 0];
    call(libc::SYS_rt_sigaction, args).is_ok() && ![libc::SIG_DFL, libc::SIG_IGN].contains(&action[0])
}

/// Sends SIGABRT to the process: a thread that does not block it takes it.
pub(super) fn send_abort() {
    let _sent = call(libc::SYS_kill, [process_id(), libc::SIGABRT as usize, 0, 0, 0, 0]);
}

/// Ends the process with SIGABRT without running a handler of the program's, if the signal may be sent at all.
pub(super) fn abort_by_default() {
    let default = [0_usize; 4];
    let _set = call(libc::SYS_rt_sigaction, [libc::SIGABRT as usize, default.as_ptr() as usize, 0, 8, 0, 0]);
    let _held_back_no_more = change_signal_mask(libc::SIG_UNBLOCK, SIGABRT);
    send_abort();
}

/// Waits while `*word == expected`, at most `ms` milliseconds.
pub fn futex_wait_for(word: *const u32, expected: u32, ms: u64) {
    let _woken_or_over = futex_try_wait(word, expected, ms);
}

/// Returns whether a word can be read: the kernel tries, as for a waiter that has no time to wait.
pub fn is_readable(word: *const u32) -> bool {
    futex_try_wait(word, u32::MAX, 0) != Err(Errno(libc::EFAULT))
}

fn futex_try_wait(word: *const u32, expected: u32, ms: u64) -> Result<usize, Errno> {
    let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    let most = libc::timespec { tv_sec: (ms / 1000) as i64, tv_nsec: (ms % 1000 * 1_000_000) as i64 };
    let args = [word as usize, op as usize, expected as usize, &raw const most as usize, 0, 0];
    call(libc::SYS_futex, args)
}

/// Names the calling thread.
pub fn name_thread(name: &core::ffi::CStr) {
    let _nameless_is_harmless = call(libc::SYS_prctl, [libc::PR_SET_NAME as usize, name.as_ptr() as usize, 0, 0, 0, 0]);
}

/// Takes every capability from the calling thread alone, if it has any: sandboxes that permit asking for them often kill for setting them.
pub fn drop_capabilities() {
    const VERSION_3: u32 = 0x2008_0522;
    let (header, mut sets, none) = ([VERSION_3, 0], [0_u32; 6], [0_u32; 6]);
    let known = call(libc::SYS_capget, [&raw const header as usize, &raw mut sets as usize, 0, 0, 0, 0]);
    if known.is_err() || sets != none {
        let args = [&raw const header as usize, &raw const none as usize, 0, 0, 0, 0];
        let _harmless = call(libc::SYS_capset, args);
    }
}

/// Gives the calling thread the ordinary scheduling class if its maker had a real-time one.
pub fn schedule_ordinarily() {
    let policy = call(libc::SYS_sched_getscheduler, [0; 6]).map(|policy| policy as i32 & !libc::SCHED_RESET_ON_FORK);
    if !matches!(policy, Ok(libc::SCHED_OTHER | libc::SCHED_BATCH | libc::SCHED_IDLE)) {
        let priority = 0_i32;
        let args = [0, libc::SCHED_OTHER as usize, &raw const priority as usize, 0, 0, 0];
        let _harmless = call(libc::SYS_sched_setscheduler, args);
    }
}

/// Commands of `membarrier` that the libc crate lacks.
const REGISTER_PRIVATE_EXPEDITED_RSEQ: usize = 1 << 8;
const PRIVATE_EXPEDITED_RSEQ: usize = 1 << 7;

/// Allows this process [`restart_sequences`].
pub fn register_for_restarts() -> Result<(), Errno> {
    call(libc::SYS_membarrier, [REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0, 0, 0, 0]).map(drop)
}

/// Restarts every restartable sequence that a thread of this process is in: when this returns, every sequence that is running began later.
pub fn restart_sequences() -> Result<(), Errno> {
    call(libc::SYS_membarrier, [PRIVATE_EXPEDITED_RSEQ, 0, 0, 0, 0, 0]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::io::Write;
    use std::os::fd::AsRawFd;

    #[test]
    fn what_comes_by_the_page_is_read_to_its_end() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        // SAFETY: the arguments are plain numbers.
        let room = unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, PAGE as i32) };
        assert_eq!(room, PAGE as i32, "a pipe that gives no more than a page at once, as sysfs does");
        let path = std::ffi::CString::new(std::format!("/proc/self/fd/{}", reader.as_raw_fd())).unwrap();
        let text = [b'7'; PAGE + 100];
        let writing = std::thread::spawn(move || writer.write_all(&text).unwrap());
        let mut buffer = [0; 2 * PAGE];
        assert_eq!(read_file(&path, &mut buffer).unwrap(), &text[..]);
        writing.join().unwrap();
    }
}
