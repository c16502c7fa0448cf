//! # arena: the pages of one node
//!
//! A binary buddy (Knowlton 1965; Linux `mm/page_alloc.c`): free runs of 2^order pages in one list per order, split on demand, merged
//! with their buddy when freed. Two systems of lists live side by side, because pages differ in what reuse costs:
//!
//! - **warm** runs were used: their pages are probably resident and hold old contents;
//! - **zero** runs were never touched or were purged: they cost a page fault, and read zero.
//!
//! A zero run is zero; a run of both kinds counts as warm. Runs of 2 MiB and more merge only with a buddy of their own kind, so that large
//! ones stay known to be zero; smaller ones merge with any. Warm runs are used
//! first, the most recently freed first; the oldest are purged (see [`purge`] and [`watermarks`]). Large runs first lie whole in a short list of their own
//! (see [`quick`]).
//!
//! Invariants: a run is in list (order, kind) iff the pagemap says `free(order, kind)` of its first page; two buddies of one order
//! are never both free where they may merge; the gauges are the sums of the lists.
//!
//! Locks: one per arena. Fork: a child rebuilds the lists from the pagemap ([`Arena::rebuild`]); a run that was in a dead thread's
//! hands is lost to the child.

mod buddy;
mod deferred;
mod held;
mod huge_pages;
mod large;
mod lists;
mod purge;
mod quick;
mod state;
mod stretch;
mod watermarks;

pub use buddy::Arena;
pub use huge_pages::ThpPolicy;
pub use purge::{PurgePolicy, Reason};
