//! The environment, read by hand: `getenv` may not be callable yet, and `__environ` may be null. It is read by that name because `environ` may be a
//! variable of the program's own.
#![allow(unsafe_code, reason = "the C environment")]

use super::thread::preserving_errno;
use core::ffi::{CStr, c_char};

unsafe extern "C" {
    static __environ: *const *const c_char;
}

/// Returns the value of a variable; `None` in a setuid program, before libc has an environment, or if there is no such variable.
#[inline]
pub fn variable(name: &str) -> Option<&'static [u8]> {
    if is_privileged() {
        return None;
    }
    let value = |entry: &'static [u8]| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=");
    entries().find_map(value)
}

/// Returns whether the program has more rights than its user: setuid, setgid, or with capabilities of its own.
pub fn is_privileged() -> bool {
    // SAFETY: getauxval only reads the vector the kernel left on the stack.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Returns 16 random bytes that the kernel left for this process (0 if it did not).
pub fn kernel_random() -> [u64; 2] {
    // SAFETY: getauxval only reads the vector the kernel left on the stack.
    let address = unsafe { libc::getauxval(libc::AT_RANDOM) } as *const [u64; 2];
    if address.is_null() {
        return [0; 2];
    }
    // SAFETY: AT_RANDOM is the address of 16 bytes that live as long as the process.
    unsafe { address.read_unaligned() }
}

/// Returns a word of the auxiliary vector; 0 if it is absent.
pub fn auxiliary(kind: u64) -> u64 {
    // SAFETY: getauxval only reads the vector the kernel left on the stack. If the word is absent, it sets errno, which is put back.
    preserving_errno(|| unsafe { libc::getauxval(kind) })
}

/// In the auxiliary vector, since Linux 6.3: how much of the rseq area the kernel knows.
pub(super) const AT_RSEQ_FEATURE_SIZE: u64 = 27;

/// Returns whether the process may run in an emulator, such as qemu-user or valgrind: those put no functions into it and know nothing of rseq.
pub fn may_be_emulated() -> bool {
    !has_vdso() && auxiliary(AT_RSEQ_FEATURE_SIZE) == 0
}

/// Returns whether the kernel put functions of its own into the process; emulators do not, nor does a kernel that was started with `vdso=0`.
#[inline(always)]
pub fn has_vdso() -> bool {
    auxiliary(libc::AT_SYSINFO_EHDR) != 0
}

fn entries() -> impl Iterator<Item = &'static [u8]> {
    // SAFETY: libc's own variable; a plain read, as getenv does.
    let mut next = unsafe { __environ };
    core::iter::from_fn(move || {
        if next.is_null() {
            return None;
        }
        // SAFETY: the array ends with a null, which we have not passed.
        let entry = unsafe { *next };
        if entry.is_null() {
            return None;
        }
        // SAFETY: the entry before the null is followed by another.
        next = unsafe { next.add(1) };
        // SAFETY: entries are nul-terminated strings; they are read before the program can change them.
        Some(unsafe { CStr::from_ptr(entry) }.to_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::io::{Error, ErrorKind};

    #[test]
    fn what_is_absent_is_0_and_no_error() {
        let _known = std::fs::create_dir("/").unwrap_err();
        assert_eq!(auxiliary(12_345), 0);
        assert_eq!(Error::last_os_error().kind(), ErrorKind::AlreadyExists);
    }
}
