//! What differs by architecture: the system call instruction and the thread pointer. (The rseq sections are in `sys::rseq`.)

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::{clone_thread, libc_single_threaded, syscall, thread_pointer};

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("larder runs on Linux on x86-64");
