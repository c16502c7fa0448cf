//! C++'s operator new and operator delete.
//!
//! ```text
//! new      the eight forms of operator new: a hit, or a jump to the tail
//! delete   the twelve forms of operator delete
//! default  what they call where the program has replaced some of them, or malloc
//! failed   what the tail needs to know: the new-handler, and the function that throws
//! ```
//!
//! Functions that an exception passes through are assembly (`arch`): Rust built with `panic = "abort"` would stop it at the first call that may
//! unwind. The forms reach the throwing tail, and other functions that may throw, by a jump as their last step. With the optimiser off this is a
//! call, and the exception also passes a Rust frame, which has unwind tables (Linux targets always have them) and no landing pad.

mod default;
mod delete;
mod failed;
mod new;

pub(crate) use failed::{again, new_handler, thrower};
