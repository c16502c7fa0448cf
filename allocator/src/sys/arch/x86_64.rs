//! x86-64.
#![allow(unsafe_code, reason = "three instructions are assembly")]

use core::arch::asm;

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

/// The address of the thread's control block: unique among live threads, known without a call.
#[inline(always)]
pub fn thread_pointer() -> usize {
    let pointer;
    // SAFETY: the x86-64 ABI keeps the control block's own address in its first word, at fs:0.
    unsafe { asm!("mov {}, fs:[0]", out(reg) pointer, options(nostack, preserves_flags, readonly)) };
    pointer
}

/// Asks for the cache line at an address, to write to it. Any address will do.
#[inline(always)]
pub fn prefetch_to_write(address: usize) {
    // SAFETY: a prefetch faults on no address and changes nothing that a program can see.
    unsafe { asm!("prefetchw [{}]", in(reg) address, options(nostack, preserves_flags, readonly)) };
}
