//! Tells the core when the process is a forked child, where it cannot be sure to find out by itself.
//!
//! Only the child's side does anything. One that took locks before the fork would deadlock with stdio, whose own lock libc takes
//! after the handlers ran and before malloc's. The others count, where that is needed.

use core::ffi::{c_int, c_void};

use larder_core::Larder;

type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    /// What `pthread_atfork` calls, which is no function of libc's own but one that it adds to each library: a page of text more, wherever it lies.
    fn __register_atfork(
        prepare: Option<Handler>,
        parent: Option<Handler>,
        child: Option<Handler>,
        library: *const c_void,
    ) -> c_int;
}

/// Registered when the library is loaded and never from inside malloc: it allocates with a lock of libc's held. Not at all where there is no need: it
/// costs some 60 KiB of libc's text.
/// Calls of malloc that come earlier are none the worse, for a child finds out by itself at its first slow path.
#[used]
#[unsafe(link_section = ".init_array")]
static REGISTER: extern "C" fn() = register;

#[unsafe(link_section = ".text.startup")]
extern "C" fn register() {
    if Larder.sees_forks() {
        return;
    }
    // SAFETY: the handlers are functions of this library, which is never unloaded: they need no name to be removed by.
    let error = unsafe { __register_atfork(Some(before), Some(in_parent), Some(in_child), core::ptr::null()) };
    if error == 0 {
        Larder.will_be_told_of_forks();
    }
}

unsafe extern "C" fn before() {
    Larder.before_fork();
}

unsafe extern "C" fn in_parent() {
    Larder.after_fork_in_parent();
}

unsafe extern "C" fn in_child() {
    Larder.after_fork_in_child();
}
