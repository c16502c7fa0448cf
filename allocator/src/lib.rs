//! larder: a drop-in memory allocator for Linux.
//!
//! A plugin (`cdylib`) with larder as its global allocator must not be unmapped: have its `build.rs` print
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
pub use stats::{
    ClassStats, GivenBack, Migration, Mode, NodeStats, NumaCounts, NumaError, NumaPolicy, OrderStats, PageStats,
    Refusal, Residence, Stats, StatsForm,
};
/// Writes all of a message to a descriptor, without SIGPIPE and without touching errno.
#[doc(hidden)]
pub use sys::message::write_to as write_message;
pub use sys::options;
/// The bare system call, made without libc: a program may define a function named `syscall` itself.
#[doc(hidden)]
pub use sys::system_call;
