//! larder: a drop-in memory allocator for Linux on x86-64 with glibc.
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: larder::Larder = larder::Larder;
//!
//! fn main() {
//!     let words: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
//!     let stats = larder::stats();
//!     println!("{}: {} words, {} bytes in small objects", larder::mode(), words.len(), stats.small_in_use);
//! }
//! ```
//!
//! [`stats`] and [`write_json`] say what the heap holds, [`trim`] gives back what is free, [`Larder::on_node`] allocates on a NUMA node, and
//! [`migrate`] moves memory to another one. The user of a program sets options in the environment variable `LARDER_CONF`
//! (`key:value,key:value`; `larder options` lists them), which is read at the first allocation.
//!
//! **Words.** Objects up to 32 KiB are *small*, up to 256 KiB *medium* (figures count them with the small ones), up to 32 MiB *large*; *huge* ones,
//! and some that grew beyond 1 MiB, have a mapping of their own. Free objects lie in *windows*, the caches of the CPUs, in *depots* behind them, and in *slabs*, runs of pages that are cut
//! into objects of one size. An *arena* has the pages of a node; where there are several nodes, one more arena is *interleaved*: its pages are spread
//! over all of them. Free pages are *warm* if they have memory, and *zero* if they have none: they were never touched, or were given back.
//!
//! **Units.** Sizes, alignments and figures are in bytes where nothing else is said. A node is named by the kernel's number, but by its place in
//! [`nodes`] where a function says so.
//!
//! **Errors.** What cannot be allocated is null. Nothing here panics, unwinds or touches errno. If the heap cannot begin because there are no
//! addresses for it, every allocation fails and all figures are 0. Misuse, such as a double free, ends the process with a message on standard error.
//!
//! **Signal handlers and forks.** Every function may be called in a signal handler, even in one that interrupted an allocation; there, what the
//! interrupted call has locked is not given back by [`trim`] and missing in figures, [`Larder::heed_address_limit`] may do nothing, and [`validate`]
//! says nothing. The writer that [`write_json`] is given must be fit for a handler, too. Every function may also be called in a forked child,
//! however many threads its parent had. But if the child was forked in a handler that interrupted an allocation, the thread that forked must be the
//! first to call larder there ([`mode`] will do). A child that shares its parent's memory (`vfork`) must not call larder.
//!
//! **Plugins.** A plugin (`cdylib`) with larder as its global allocator must not be unmapped: have its `build.rs` print
//! `cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete`.
#![no_std]
#![deny(unsafe_code)]

mod arena;
mod base;
mod cpu;
mod depot;
mod global;
#[doc(hidden)]
pub mod heap;
mod region;
mod slab;
mod stats;
mod sys;

/// The table of options, for the tool, which lists them.
#[doc(hidden)]
pub mod options {
    pub use crate::sys::options::{OPTIONS, Spec};
}

/// Items that the macros [`define_malloc`] and [`define_free`] refer to.
#[doc(hidden)]
pub mod hit {
    pub use crate::base::classes::STEP_SHIFT;
    pub use crate::cpu::hit::at;
    pub use crate::global::{HEAP, free_by_row, malloc_by_row, odd_link};
    pub use crate::region::STARTS;
    pub use crate::sys::rseq::{MIX, SLOT_SHIFT};
}

pub use global::{
    Larder, Placed, follow_policy, migrate, mode, node_of, nodes, numa_policy, numa_refusals, observe, page_stats,
    read_stats, residence, resident_in_huge_pages, stats, trim, validate, write_json,
};
/// For the C face, which prints statistics at exit.
#[doc(hidden)]
pub use stats::StatsForm;
pub use stats::{
    ClassStats, GivenBack, Migration, Mode, NodeStats, NumaCounts, NumaError, NumaPolicy, OrderStats, PageStats,
    Refusal, Residence, Stats,
};
/// Writes all of a message to a descriptor, without SIGPIPE and without touching errno.
#[doc(hidden)]
pub use sys::message::write_to as write_message;
/// The bare system call, made without libc: a program may define a function named `syscall` itself.
#[doc(hidden)]
pub use sys::system_call;
