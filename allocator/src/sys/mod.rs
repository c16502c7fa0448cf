//! # sys: the operating system
//!
//! Each service is here once, named by its purpose. System calls are made by larder's own instruction, not through libc, for three reasons: errno is
//! never touched (a successful `malloc` must leave it alone), none is a cancellation point, and nothing needs to be relocated yet. Errors are bare
//! errno numbers.
//!
//! Fork: a child inherits `options` and what was found out at boot unchanged. The locks, the gates, the account of `limit`, and the helper thread
//! with its watch need more; each of those modules says what.

pub mod arch;
pub mod cgroup;
pub mod clock;
pub mod cpus;
pub mod die;
pub mod environment;
pub mod file;
pub mod helper;
pub mod latch;
pub mod limit;
pub mod lock;
pub mod message;
pub mod nodeset;
pub mod numa;
pub mod observed;
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
