//! # cpu: each CPU's own windows
//!
//! A **window** is the magazine that this CPU pops from and pushes to for one class: its head and its room. Beside it lies the **previous**
//! magazine (Bonwick & Adams 2001): a burst that crosses the window's end or beginning trades the two, and only every second crossing
//! goes to the depot. Both lie in the CPU's slot; one row of slots per node, so a window only ever holds objects of its node.
//!
//! ```text
//! row of node n:   slot 0               slot 1               …        one slot per CPU number (mm_cid, else cpu_id)
//!                  [head room previous] [head room previous] …        one such for each class
//! ```
//!
//! Windows are reached by restartable sequences (`sys::rseq`), or where those are missing behind a lock per slot ([`locked`]): the two
//! never share a slot. There is a slot for each CPU number that the kernel may give, committed at the start,
//! and two dead ones before them.
//!
//! Invariant: a window's head is a chain of free objects of its class and row at any instant (every change of it is one store); its room
//! is right to within the few times a sequence was restarted. All zero is an empty magazine without room, so untouched memory is
//! a valid window that the first push fills in.
//!
//! All windows can be drained from outside ([`drain`]): there is a second bank of rows to change to. Where slots are those of `cpu_id` a program of one
//! thread takes its windows along ([`follow`]).
//!
//! Fork: nothing to do; a chain is always whole. Magazines in a dead thread's hands are lost to the child.

mod drain;
mod follow;
pub mod hit;
mod locked;
mod rows;
mod window;

pub(crate) use rows::{at as rows_at, define_by_row};
pub use window::{Cpus, Place, Wanted};
