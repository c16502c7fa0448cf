//! Plugins that are loaded with `RTLD_DEEPBIND`.
//!
//! Such a library looks up names in itself and in its dependencies before it looks in the program. So it finds the C library's `free` where
//! everybody else finds larder's, and passes it objects that larder made: PHP, which loads its extensions this way, crashes at its start under
//! every preloaded allocator. The hooks that once helped (`__malloc_hook`) are gone since glibc 2.34. Therefore larder has its own `dlopen`. It
//! clears that flag (unless `deepbind:keep` is set) and continues in the next `dlopen` by a jump: this way the dynamic linker sees the
//! return address of the original caller, from which it derives where to look for the file.
//!
//! A static program has no next `dlopen`: there larder's finds nothing.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::arch::weak_symbol;

type Dlopen = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;

/// The mask of flags that are passed on.
pub(crate) static PASSED: AtomicU32 = AtomicU32::new(!(libc::RTLD_DEEPBIND as u32));
/// The next `dlopen`; null until it has been looked up.
pub(crate) static NEXT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Passes on all flags from now on.
pub(crate) fn keep() {
    PASSED.store(u32::MAX, Ordering::Relaxed);
}

/// The symbol `name` in `library`, or with `RTLD_NEXT` in the libraries behind larder; null if it is not there or there is no dynamic linker.
fn symbol(library: *mut c_void, name: &CStr) -> *mut c_void {
    // Weak, because a static program has no dynamic linker, and a strong reference would link one in.
    let dlsym = weak_symbol!("dlsym");
    // SAFETY: the address is that of the C library's function of this name, whose type this is, or null, which is `None`.
    let dlsym: Option<Dlsym> = unsafe { transmute(dlsym) };
    let Some(dlsym) = dlsym else { return ptr::null_mut() };
    // SAFETY: `library` is an open library or `RTLD_NEXT`; `name` is a C string.
    unsafe { dlsym(library, name.as_ptr()) }
}

/// Looks up the next `dlopen` and stores it in [`NEXT`].
pub(crate) extern "C" fn find_next() -> *mut c_void {
    let found = symbol(libc::RTLD_NEXT, c"dlopen");
    let found = if found.is_null() { nothing as *mut c_void } else { found };
    NEXT.store(found, Ordering::Relaxed);
    found
}

extern "C" fn nothing(_file: *const c_char, _flags: c_int) -> *mut c_void {
    ptr::null_mut()
}

/// The symbol `name` of the shared library `file` if that is loaded, else null. The library then stays loaded, so that the address stays
/// valid.
pub(crate) fn loaded_symbol(file: &CStr, name: &CStr) -> *const c_void {
    // SAFETY: `find_next` returns the next `dlopen` or `nothing`; both have this type.
    let dlopen: Dlopen = unsafe { transmute(find_next()) };
    // SAFETY: `file` is a C string; with RTLD_NOLOAD nothing new is loaded and no constructor runs.
    let library = unsafe { dlopen(file.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
    if library.is_null() { ptr::null() } else { symbol(library, name) }
}
