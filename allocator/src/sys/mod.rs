//! # sys: the operating system
//!
//! Each service once, named by purpose. System calls are made by our own instruction, not through libc, for three reasons: errno is
//! never touched (a successful `malloc` must leave it alone), none is a cancellation point, and nothing needs to be relocated
//! yet. Errors are bare errno numbers.
//!
//! What fork does: nothing here has state but `options` and `boot`-time facts, which a child inherits unchanged.

pub mod arch;
pub mod cgroup;
pub mod clock;
pub mod cpus;
pub mod die;
pub mod environment;
pub mod file;
pub mod helper;
pub mod limit;
pub mod lock;
pub mod message;
pub mod nodeset;
pub mod numa;
pub mod once;
pub mod options;
pub mod rseq;
pub mod shown;
pub mod stall;
pub mod syscall;
pub mod thread;
pub mod topology;
pub mod vdso;
pub mod vm;
pub mod watch;

pub use arch::syscall as system_call;

/// An errno number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);
