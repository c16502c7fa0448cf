//! What differs by architecture: the system call instruction, the thread pointer, and how a thread is made and a line is fetched. (The rseq sections
//! are in `sys::rseq`.)

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::{clone_thread, fetch, libc_single_threaded, libc_single_threaded_flag, syscall, thread_pointer};

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("larder runs on Linux on x86-64");
