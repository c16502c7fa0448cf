//! # cpu: each CPU's own windows
//!
//! A **window** is the magazine that this CPU pops from and pushes to for one class: its head and its room. Beside it lies the **previous** magazine
//! (Bonwick & Adams 2001): a burst that crosses either end of the window swaps the two, and only every second crossing goes to the depot. Both lie in
//! the CPU's slot. There is one row of slots per node, so a window only ever holds objects of its node.
//!
//! ```text
//! row of node n:   slot 0               slot 1               …        one slot per CPU number (mm_cid, else cpu_id)
//!                  [head room previous] [head room previous] …        one such for each class
//! ```
//!
//! Windows are reached by restartable sequences (`sys::rseq`), or, where those are missing, behind a latch for each slot ([`locked`]); the two ways
//! never share a slot. There is a slot for each CPU number that the kernel may give, committed at the start, and two dead ones before the first.
//!
//! Invariant: at any instant a window's head is a chain of free objects of its class and row (every change to it is one store). Its room is right to
//! within the few times that a sequence was restarted. All zero is an empty magazine without room, so untouched memory is a valid window, which the
//! first push fills in.
//!
//! All windows can be drained from outside ([`drain`]): there is a second bank of rows to switch to. Where slots are indexed by `cpu_id`, a program
//! of one thread takes its windows along ([`follow`]).
//!
//! Fork: nothing to do, because a chain is always whole. Magazines in the hands of a thread that no longer exists are lost to the child.

mod drain;
mod follow;
pub mod hit;
mod locked;
mod rows;
mod window;

pub(crate) use rows::{at as rows_at, define_by_row};
pub use window::{Cpus, Place, Wanted};
