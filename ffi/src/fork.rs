//! Tells the core when the process is a forked child.
//!
//! Only the child's side has a handler. One that took locks before the fork would deadlock with stdio, whose own lock libc takes
//! after the handlers ran and before malloc's.

use larder_core::Larder;

/// Registered when the library is loaded and never from inside malloc: `pthread_atfork` allocates with a lock of libc's held.
/// Calls of malloc that come earlier are none the worse, for a child finds out by itself at its first slow path.
#[used]
#[unsafe(link_section = ".init_array")]
static REGISTER: extern "C" fn() = register;

extern "C" fn register() {
    // SAFETY: the handler is a function of this library, which is never unloaded.
    let _no_memory_is_no_harm = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

unsafe extern "C" fn in_child() {
    Larder.after_fork_in_child();
}
