//! Who answers `malloc`: the file it was loaded from.
#![allow(unsafe_code, reason = "asks the dynamic linker")]

use std::ffi::CStr;

/// The path of the object that holds the `malloc` this program calls.
pub(crate) fn allocator() -> String {
    // SAFETY: all zeroes is an empty answer.
    let mut answer: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: both are valid names and places.
    let malloc = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) };
    // SAFETY: any address may be asked for.
    let known = unsafe { libc::dladdr(malloc, &raw mut answer) };
    if known == 0 || answer.dli_fname.is_null() {
        return "unknown".to_owned();
    }
    // SAFETY: the linker's string, which lives as long as the object is loaded.
    unsafe { CStr::from_ptr(answer.dli_fname) }.to_string_lossy().into_owned()
}
