//! The allocator that serves `malloc`: the file that it was loaded from.
#![allow(unsafe_code, reason = "asks the dynamic linker")]

use std::ffi::CStr;

/// The path of the object that holds the `malloc` this program calls.
pub(crate) fn allocator() -> String {
    // SAFETY: a `Dl_info` of all zeros is valid: an empty answer.
    let mut answer: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: RTLD_DEFAULT is a valid handle and the name is a C string.
    let malloc = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) };
    // SAFETY: dladdr accepts any address, and `answer` is writable.
    let known = unsafe { libc::dladdr(malloc, &raw mut answer) };
    if known == 0 || answer.dli_fname.is_null() {
        return "unknown".to_owned();
    }
    // SAFETY: this is a C string of the dynamic linker, which lives as long as the file is loaded.
    unsafe { CStr::from_ptr(answer.dli_fname) }.to_string_lossy().into_owned()
}
