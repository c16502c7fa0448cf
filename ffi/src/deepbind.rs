//! Plugins that are loaded with `RTLD_DEEPBIND`.
//!
//! Such a library looks names up in itself and what it needs before the program, so it finds the C library's `free` where all others find larder's, and gives it
//! what larder made: PHP, which loads its extensions so, dies at its start under every allocator that is preloaded. Hooks that once helped (`__malloc_hook`) are
//! gone from glibc 2.34. So `dlopen` is larder's, which takes that flag away (`deepbind:keep` leaves it) and goes on to the next one by a jump: the dynamic linker
//! sees the caller's own return address, by which it tells where to look for the file.
//!
//! A static program has no next one: there `dlopen` finds nothing.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::arch::weak_symbol;

type Dlopen = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;

/// The flags that are passed on.
pub(crate) static PASSED: AtomicU32 = AtomicU32::new(!(libc::RTLD_DEEPBIND as u32));
/// The next `dlopen`, once it was looked for.
pub(crate) static NEXT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Takes nothing away any more.
pub(crate) fn keep() {
    PASSED.store(u32::MAX, Ordering::Relaxed);
}

/// The symbol `name` in what comes behind larder, or in `library`; null if there is none, or no dynamic linker.
fn symbol(library: *mut c_void, name: &CStr) -> *mut c_void {
    // Weak, because a static program has no dynamic linker, and a strong reference would put one in.
    let dlsym = weak_symbol!("dlsym");
    // SAFETY: the C library's function of this name, or null.
    let dlsym: Option<Dlsym> = unsafe { transmute(dlsym) };
    let Some(dlsym) = dlsym else { return ptr::null_mut() };
    // SAFETY: an open library, or a name for those behind this one, and a C string.
    unsafe { dlsym(library, name.as_ptr()) }
}

/// The next `dlopen`.
pub(crate) extern "C" fn find_next() -> *mut c_void {
    let found = symbol(libc::RTLD_NEXT, c"dlopen");
    let found = if found.is_null() { nothing as *mut c_void } else { found };
    NEXT.store(found, Ordering::Relaxed);
    found
}

extern "C" fn nothing(_file: *const c_char, _flags: c_int) -> *mut c_void {
    ptr::null_mut()
}

/// The symbol `name` of the shared library `file`, if it is loaded; it then stays loaded, or the address would dangle.
pub(crate) fn loaded_symbol(file: &CStr, name: &CStr) -> *const c_void {
    // SAFETY: a function of this type.
    let dlopen: Dlopen = unsafe { transmute(find_next()) };
    // SAFETY: a C string; with RTLD_NOLOAD nothing new is loaded and no constructor runs.
    let library = unsafe { dlopen(file.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
    if library.is_null() { ptr::null() } else { symbol(library, name) }
}
