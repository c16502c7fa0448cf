//! x86-64: symbols that need not exist or that others may replace, the trap, Rust's missing personality routine, and the functions that C++
//! exceptions pass through.

use core::arch::{asm, global_asm, naked_asm};
use core::ffi::{c_char, c_int, c_void};

use crate::cxx::{again, new_handler, thrower};

/// The address of a symbol that need not exist; null if it does not.
///
/// The address of a Rust `extern static` cannot be null: the compiler removes the test. The word in the global offset table can.
macro_rules! weak_symbol {
    ($name:literal) => {{
        let address: *const ::core::ffi::c_void;
        // SAFETY: reads one word of the global offset table, which the linker made.
        unsafe {
            ::core::arch::asm!(
                concat!(".weak ", $name),
                concat!("mov {}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                out(reg) address,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        address
    }};
}
pub(crate) use weak_symbol;

/// A second name, which nobody can replace, for the function at whose beginning it stands. By that of `malloc`, `larder run` finds out whether
/// larder is linked into a program.
macro_rules! own_name {
    ($name:literal) => {
        concat!(".globl larder_own_", $name, "\n.hidden larder_own_", $name, "\nlarder_own_", $name, ":")
    };
}
pub(crate) use own_name;

/// Whether an exported name is bound to larder's own function and not to one of the program or of a library before larder.
macro_rules! is_own {
    ($name:literal) => {{
        let (own, bound): (usize, usize);
        // SAFETY: computes an address and reads one word of the global offset table, which the linker made.
        unsafe {
            ::core::arch::asm!(
                concat!("lea {}, [rip + larder_own_", $name, "]"),
                concat!("mov {}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                out(reg) own,
                out(reg) bound,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        own == bound
    }};
}
pub(crate) use is_own;

/// Defines a function that jumps to another one: by a string, to whichever function has that exported name in this process; by `sym`, to a
/// function of this crate. `$head` is assembly before the jump.
macro_rules! forward {
    ($(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?, sym $to:path $(, $head:expr)?) => {
        $(#[$meta])*
        #[unsafe(naked)]
        unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
            ::core::arch::naked_asm!(".cfi_startproc", $($head,)? "jmp {}", ".cfi_endproc", sym $to)
        }
    };
    ($(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?, $to:literal $(, $head:expr)?) => {
        $(#[$meta])*
        #[unsafe(naked)]
        unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
            ::core::arch::naked_asm!(
                ".cfi_startproc",
                $($head,)?
                concat!("jmp qword ptr [rip + ", $to, "@GOTPCREL]"),
                ".cfi_endproc",
            )
        }
    };
}
pub(crate) use forward;

/// Used before a jump from a sized to an unsized form of aligned delete: removes the second of three arguments.
macro_rules! without_size {
    () => {
        "mov rsi, rdx"
    };
}
pub(crate) use without_size;

/// Ends the process by an illegal instruction: the shortest way out, which runs no code of larder's or of libc's.
pub(crate) fn trap() -> ! {
    // SAFETY: raises SIGILL, touches neither memory nor stack, and does not return.
    unsafe { asm!("ud2", options(noreturn, nomem, nostack)) }
}

// The unwind tables of the precompiled `core` name a personality routine, which only `std` defines; an unoptimised build keeps the
// reference. Nothing unwinds through these frames. If the routine is called all the same, it answers "no landing pad here" (8).
// The symbol is hidden because nobody else needs it, and weak because a program that links `liblarder.a` and Rust's `std` has the real one.
global_asm!(
    ".pushsection .text.rust_eh_personality, \"ax\", @progbits",
    ".weak rust_eh_personality",
    ".hidden rust_eh_personality",
    ".type rust_eh_personality, @function",
    "rust_eh_personality:",
    "mov eax, 8",
    "ret",
    ".size rust_eh_personality, . - rust_eh_personality",
    ".popsection",
);

/// Keeps the request (rdi, rsi) in registers that survive calls, and aligns the stack; describes both to the unwinder.
macro_rules! enter {
    () => {
        "push rbx
        .cfi_def_cfa_offset 16
        .cfi_offset rbx, -16
        push r12
        .cfi_def_cfa_offset 24
        .cfi_offset r12, -24
        push rax
        .cfi_def_cfa_offset 32
        mov rbx, rdi
        mov r12, rsi"
    };
}

/// Undoes `enter` and returns rax. For the unwinder, the code after it is inside the frame again.
macro_rules! leave {
    () => {
        ".cfi_remember_state
        pop rcx
        .cfi_def_cfa_offset 24
        pop r12
        .cfi_def_cfa_offset 16
        pop rbx
        .cfi_def_cfa_offset 8
        ret
        .cfi_restore_state"
    };
}

/// The C++ exception table of a function that reads as `try { call(); } catch (...) { pad }`, and the address of the
/// personality routine that reads it.
macro_rules! catch_all {
    ($function:literal, $call:literal, $after:literal, $pad:literal) => {
        concat!(
            ".pushsection .data.rel.ro, \"aw\", @progbits\n",
            ".balign 8\n",
            ".Llarder_personality:\n",
            ".weak __gxx_personality_v0\n",
            ".quad __gxx_personality_v0\n",
            ".popsection\n",
            ".pushsection .gcc_except_table, \"a\", @progbits\n",
            ".balign 4\n",
            ".Llarder_catch_all:\n",
            ".byte 0xff\n",         // landing pads are relative to the function
            ".byte 0x9b\n",         // how a type is written
            ".uleb128 95f - 92f\n", // where the types end
            "92: .byte 1\n",        // call sites are written as uleb128
            ".uleb128 94f - 93f\n", // and end here; there is one:
            concat!("93: .uleb128 ", $call, " - ", $function, "\n"),
            concat!(".uleb128 ", $after, " - ", $call, "\n"),
            concat!(".uleb128 ", $pad, " - ", $function, "\n"),
            ".uleb128 1\n",     // its first action:
            "94: .byte 1, 0\n", // catch type 1; there is no second action
            ".balign 4\n",
            ".long 0\n", // type 1 is anything
            "95:\n",
            ".popsection",
        )
    };
}

/// operator new when there is no memory: as long as there is a new-handler, calls it and tries again; else throws `std::bad_alloc`.
///
/// The handler may throw, too. Either exception leaves through this frame, which has nothing to clean up.
#[unsafe(naked)]
pub(crate) extern "C" fn throwing_tail(align: usize, size: usize) -> *mut c_void {
    naked_asm!(
        ".cfi_startproc",
        enter!(),
        "2:",
        "call {new_handler}",
        "test rax, rax",
        "jz 3f",
        "call rax",
        "mov rdi, rbx",
        "mov rsi, r12",
        "call {again}",
        "test rax, rax",
        "jz 2b",
        leave!(),
        "3:",
        "call {thrower}",
        "call rax",
        "ud2",
        ".cfi_endproc",
        new_handler = sym new_handler,
        again = sym again,
        thrower = sym thrower,
    )
}

/// operator new when no new-handler can help: throws `std::bad_alloc`. It never returns; its return type is that of the forms that end with it.
#[unsafe(naked)]
pub(crate) extern "C" fn throw() -> *mut c_void {
    naked_asm!(
        ".cfi_startproc",
        "push rax",
        ".cfi_def_cfa_offset 16",
        "call {thrower}",
        "call rax",
        "ud2",
        ".cfi_endproc",
        thrower = sym thrower,
    )
}

/// The outcome of a call that may throw.
#[repr(C)]
pub(crate) struct Caught {
    /// The result of the call; null if it threw.
    pub(crate) result: *mut c_void,
    pub(crate) threw: bool,
}

/// Calls a function that may throw, with two arguments: `try { return f(a, b); } catch (...) { return nullptr; }`.
///
/// The C++ personality routine reads the table at the end. The reference to the routine is weak: it is 0 in a program without C++, where nothing
/// throws. It is also 0 if C++ was loaded after larder: then the exception passes this frame and reaches operator new's caller, for which
/// operator new is `noexcept`, and `std::terminate` is called.
#[unsafe(naked)]
pub(crate) extern "C" fn caught(function: *const c_void, first: usize, second: usize) -> Caught {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_personality 0x9b, .Llarder_personality", // 0x9b: 4 bytes relative to here, to a word with the address
        ".cfi_lsda 0x1b, .Llarder_catch_all",          // 0x1b: 4 bytes relative to here
        "12:",
        "push rax",
        ".cfi_def_cfa_offset 16",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "20:",
        "call rax",
        "21:",
        "xor edx, edx",
        "2:",
        "pop rcx",
        ".cfi_remember_state",
        ".cfi_def_cfa_offset 8",
        "ret",
        ".cfi_restore_state",
        "30:", // the landing pad: rax is the exception
        ".weak __cxa_begin_catch",
        ".weak __cxa_end_catch",
        "mov rdi, rax",
        "call qword ptr [rip + __cxa_begin_catch@GOTPCREL]",
        "call qword ptr [rip + __cxa_end_catch@GOTPCREL]",
        "xor eax, eax",
        "mov edx, 1",
        "jmp 2b",
        ".cfi_endproc",
        catch_all!("12b", "20b", "21b", "30b"),
    )
}

/// `dlopen(file, flags)`: clears the flags that are not passed on and jumps to the next `dlopen`.
///
/// # Safety
/// As for the C library's `dlopen`.
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void {
    naked_asm!(
        ".cfi_startproc",
        "and esi, [rip + {passed}]",
        "mov rax, [rip + {next}]",
        "test rax, rax",
        "jz 2f",
        "jmp rax",
        "2:",
        "push rdi",
        ".cfi_adjust_cfa_offset 8",
        "push rsi",
        ".cfi_adjust_cfa_offset 8",
        "sub rsp, 8",
        ".cfi_adjust_cfa_offset 8",
        "call {find_next}",
        "add rsp, 8",
        ".cfi_adjust_cfa_offset -8",
        "pop rsi",
        ".cfi_adjust_cfa_offset -8",
        "pop rdi",
        ".cfi_adjust_cfa_offset -8",
        "jmp rax",
        ".cfi_endproc",
        passed = sym crate::deepbind::PASSED,
        next = sym crate::deepbind::NEXT,
        find_next = sym crate::deepbind::find_next,
    )
}
