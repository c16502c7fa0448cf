//! x86-64.
#![allow(unsafe_code, reason = "what is no function of anybody's is assembly")]

use core::arch::{asm, naked_asm};

/// The bare system call; the result is negative errno on failure.
///
/// # Safety
/// The call with these arguments must be sound.
#[inline(always)]
pub unsafe fn syscall(number: i64, args: [usize; 6]) -> isize {
    let result;
    // SAFETY: the instruction clobbers only rcx, r11 and rax; the caller vouches for what the kernel does.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            in("r9") args[5],
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result
}

/// Returns the address of the thread's control block: unique among live threads, and known without a call.
#[inline(always)]
pub fn thread_pointer() -> usize {
    let pointer;
    // SAFETY: the x86-64 ABI keeps the control block's own address in its first word, at fs:0.
    unsafe { asm!("mov {}, fs:[0]", out(reg) pointer, options(nostack, preserves_flags, readonly)) };
    pointer
}

/// Fetches the line at `address` into the cache, to be written to. An address that is not mapped does no harm but costs a walk of the page tables.
#[inline(always)]
pub fn fetch(address: usize) {
    // SAFETY: only a hint; it never faults and changes no memory.
    unsafe { asm!("prefetchw [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

/// Makes a thread that shares everything with its maker and runs `entry`, which never returns, on the stack that ends at `stack_end` (a multiple of
/// 16), with `control_block` as its thread pointer. libc does not know of the thread. Negative errno on failure.
///
/// # Safety
/// The stack and the control block (whose first word is its own address) belong to the thread for ever, and `entry` uses nothing of libc that depends
/// on the thread: no errno, no locks, no thread-local storage.
#[unsafe(naked)]
pub unsafe extern "C" fn clone_thread(stack_end: usize, control_block: usize, entry: extern "C" fn() -> !) -> isize {
    naked_asm!(
        ".cfi_startproc",
        "mov r9, rdx",
        "mov r8, rsi",
        "mov rsi, rdi",
        "mov edi, {flags}",
        "xor edx, edx",
        "xor r10d, r10d",
        "mov eax, {clone}",
        "syscall",
        "test rax, rax",
        "jz 2f",
        "ret",
        "2:",
        // Here the new thread begins: unwinders find nothing above.
        ".cfi_undefined rip",
        "xor ebp, ebp",
        "call r9",
        "ud2",
        ".cfi_endproc",
        clone = const libc::SYS_clone,
        flags = const libc::CLONE_VM
            | libc::CLONE_FS
            | libc::CLONE_FILES
            | libc::CLONE_SIGHAND
            | libc::CLONE_THREAD
            | libc::CLONE_SYSVSEM
            | libc::CLONE_SETTLS,
    )
}

/// Returns the address of a byte that libc keeps non-zero while the program has one thread only; null if libc has no such byte.
pub fn libc_single_threaded_flag() -> *const u8 {
    let flag: *const u8;
    // SAFETY: reads a word of the global offset table, which is null where the symbol does not exist.
    unsafe {
        asm!(
            ".weak __libc_single_threaded",
            "mov {0}, [rip + __libc_single_threaded@GOTPCREL]",
            out(reg) flag,
            options(nostack, preserves_flags, pure, readonly),
        );
    }
    flag
}

/// Returns whether libc says that the program has one thread only; `None` if it does not say.
pub fn libc_single_threaded() -> Option<bool> {
    let flag = libc_single_threaded_flag();
    if flag.is_null() {
        return None;
    }
    // SAFETY: not null, hence glibc's variable, a char.
    Some(unsafe { flag.read_volatile() } != 0)
}
