//! C++'s operator new and operator delete.
//!
//! ```text
//! new     the eight forms of operator new: hit, or on to the tail
//! delete  the twelve forms of operator delete
//! failed  what the tail asks: is there a new-handler, try again, who throws
//! ```
//!
//! The tails themselves are assembly (`arch`): a C++ exception flies through them, and Rust built with `panic = "abort"`
//! would stop it at the first call that may unwind. The fast forms reach them by a jump as their last act. Where the
//! optimiser is off this is a call, and the exception also passes a Rust frame: one with unwind tables (Linux targets
//! always have them) and without a landing pad.

mod delete;
mod failed;
mod new;

pub(crate) use failed::{again, new_handler, thrower};
