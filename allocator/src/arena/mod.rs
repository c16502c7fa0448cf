//! # arena: the pages of one node
//!
//! A binary buddy (Knowlton 1965; Linux `mm/page_alloc.c`): free runs of 2^order pages in one list per order, split on demand, merged
//! with their buddy when freed. Two systems of lists live side by side, because pages differ in what reuse costs:
//!
//! - **warm** runs were used: their pages are probably resident and hold old contents;
//! - **zero** runs were never touched or were purged: they cost a page fault, and read zero.
//!
//! Runs merge only with a buddy of their own kind, so the count of warm pages is exact and a zero run is zero. Warm runs are used
//! first, the most recently freed first; the oldest are purged (see [`purge`]).
//!
//! Invariants: a run is in list (order, kind) iff the pagemap says `free(order, kind)` of its first page; two buddies of one order
//! and kind are never both free; the gauges are the sums of the lists.
//!
//! Locks: one per arena. Fork: a child rebuilds the lists from the pagemap ([`Arena::rebuild`]); a run that was in a dead thread's
//! hands is lost to the child.

mod buddy;
mod deferred;
mod lists;
mod purge;

pub use buddy::Arena;
pub use purge::PurgePolicy;
