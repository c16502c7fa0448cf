//! C++'s operator new and operator delete.
//!
//! ```text
//! new      the eight forms of operator new: hit, or on to the tail
//! delete   the twelve forms of operator delete
//! default  what they are made of where the program has replaced some, or malloc
//! failed   what the tail asks: is there a new-handler, who throws
//! ```
//!
//! What an exception flies through is assembly (`arch`): Rust built with `panic = "abort"` would stop it at the first call that may unwind.
//! The forms reach the tail that throws, and what else may throw, by a jump as their last act. Where the optimiser is off this is a call, and the
//! exception also passes a Rust frame: one with unwind tables (Linux targets always have them) and without a landing pad.

mod default;
mod delete;
mod failed;
mod new;

pub(crate) use failed::{again, new_handler, thrower};
