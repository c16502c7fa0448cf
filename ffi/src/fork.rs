//! Tells the core that the process is a forked child, on systems where the core cannot be sure to find out by itself.
//!
//! Only the child's handler repairs anything. A handler that took locks before the fork would deadlock with stdio, whose own lock libc
//! takes after the handlers ran and before malloc's. The handlers before the fork and in the parent only count the forks that are under
//! way, for kernels that do not wipe pages at fork.

use core::ffi::{c_int, c_void};

use larder_core::Larder;

type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    /// The function that `pthread_atfork` calls. `pthread_atfork` itself is linked statically into each library and would cost a page of text.
    fn __register_atfork(
        prepare: Option<Handler>,
        parent: Option<Handler>,
        child: Option<Handler>,
        library: *const c_void,
    ) -> c_int;
}

/// The handlers are registered when the library is loaded and never from inside malloc, because `__register_atfork` allocates while it holds
/// a lock of libc's. Where they are not needed they are not registered: that would cost some 60 KiB of libc's text. Whether they are needed, the
/// page that is wiped at fork tells, which is mapped now if no call of malloc came earlier. Such earlier calls are safe: until handlers are announced,
/// a child finds out by itself at its first slow path.
#[used]
#[unsafe(link_section = ".init_array")]
static REGISTER: extern "C" fn() = register;

#[unsafe(link_section = ".text.startup")]
extern "C" fn register() {
    if Larder.sees_forks() {
        return;
    }
    // SAFETY: the handlers are functions of this library, which is never unloaded, so a null library handle, by which they cannot be
    // removed again, is fine.
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
