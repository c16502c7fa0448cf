//! The steps of operator new's tails when there is no memory. Nothing here unwinds.
//!
//! The C++ runtime is found in two ways. If the program is linked with one, its symbols are there when larder is loaded,
//! and a weak reference suffices. A C program may load C++ code later (an interpreter's extension module): then the
//! runtime is in the process, but in no scope that a weak reference sees, and it is looked up by its file name.

use core::ffi::{CStr, c_void};
use core::mem::transmute;
use core::ptr;

use super::default::attempt;
use crate::arch::{caught, weak_symbol};
use crate::deepbind::loaded_symbol;
use crate::stderr;

/// A new-handler, or the function that throws `std::bad_alloc`: takes no arguments and may unwind.
pub(crate) type Thrower = unsafe extern "C-unwind" fn();

/// Tries again after a new-handler has run.
pub(crate) extern "C" fn again(align: usize, size: usize) -> *mut c_void {
    attempt(align, size)
}

/// The tail of the nothrow forms: like that of the throwing forms, but returns null if there is no new-handler or the handler throws.
#[cold]
pub(super) extern "C" fn nothrow_tail(align: usize, size: usize) -> *mut c_void {
    while let Some(handler) = new_handler() {
        if caught(handler as *const c_void, 0, 0).threw {
            break;
        }
        let object = attempt(align, size);
        if !object.is_null() {
            return object;
        }
    }
    ptr::null_mut()
}

/// The program's new-handler: `std::get_new_handler()`.
pub(crate) extern "C" fn new_handler() -> Option<Thrower> {
    let getter = runtime_symbol(weak_symbol!("_ZSt15get_new_handlerv"), c"_ZSt15get_new_handlerv");
    // SAFETY: the address is null, which is `None`, or that of the C++ runtime's function of this name, which takes no arguments and returns a
    // pointer to a function or null.
    let getter: Option<extern "C" fn() -> Option<Thrower>> = unsafe { transmute(getter) };
    getter.and_then(|get| get())
}

/// The function that throws `std::bad_alloc`: `std::__throw_bad_alloc`, which libstdc++ and libc++ both have. Aborts if there is none.
pub(crate) extern "C" fn thrower() -> Thrower {
    let found = runtime_symbol(weak_symbol!("_ZSt17__throw_bad_allocv"), c"_ZSt17__throw_bad_allocv");
    // SAFETY: the address is null, which is `None`, or that of the C++ runtime's function of this name, which takes no arguments.
    let thrower: Option<Thrower> = unsafe { transmute(found) };
    thrower.unwrap_or_else(|| give_up())
}

fn give_up() -> ! {
    stderr::write(b"larder: operator new: out of memory, and no C++ runtime to throw std::bad_alloc with, aborting\n");
    // SAFETY: `abort` takes no arguments and ends the process.
    unsafe { libc::abort() }
}

/// Returns `linked`, or if that is null, the symbol `name` of a C++ runtime that was loaded later; null if there is none.
fn runtime_symbol(linked: *const c_void, name: &CStr) -> *const c_void {
    if !linked.is_null() {
        return linked;
    }
    [c"libstdc++.so.6", c"libc++.so.1"]
        .into_iter()
        .map(|file| loaded_symbol(file, name))
        .find(|found| !found.is_null())
        .unwrap_or(ptr::null())
}
