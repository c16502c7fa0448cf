//! larder: a drop-in memory allocator for Linux.
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

pub use global::{Larder, mode, stats, validate};
pub use stats::{ClassStats, Mode, OrderStats, Stats};
pub use sys::options;
