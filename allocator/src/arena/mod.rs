//! # arena: the pages of one node
//!
//! Which pages are free is kept in two ways that always agree:
//!
//! - as **runs**: a binary buddy (Knowlton 1965; Linux `mm/page_alloc.c`): 2^order pages in one list per order and kind, split on demand, merged with
//!   their buddy when freed. From them come slabs, and what is purged;
//! - as **stretches**: the region's map of free pages, in which the lowest stretch of a length is found whatever runs it is made of. Runs of more
//!   than 8 pages are laid there (see [`first_fit`]): large objects of a hundred lengths would never fit each other's runs.
//!
//! There are two kinds of runs, because pages differ in what reuse costs:
//!
//! - **warm** runs were used: their pages are probably resident and hold old contents;
//! - **zero** runs were never touched or were purged: they cost a page fault, and read zero.
//!
//! A run merges with a buddy of its own kind only, so each count of pages is exact. Slabs take warm runs first, the most recently freed first; the oldest
//! are purged (see [`purge`] and [`watermarks`]). Zero ones are laid apart for each CPU (see [`plots`]). Large runs that are freed first lie
//! whole in a short list of their own (see [`quick`]), then
//! **loose**: as a stretch, and in no run until somebody needs one (see [`loose`]).
//!
//! Invariants: a run is in list (order, kind) iff the pagemap says `free(order, kind)` of its first page; a page is in the map of free
//! pages iff it is in such a run or loose; two buddies of one order and kind are never both free; the gauges are the sums of the lists.
//!
//! Locks: one per arena. Fork: a child rebuilds the lists and the map from the pagemap and what is loose ([`Arena::rebuild`]); a run that
//! was in a dead thread's hands is lost to the child.

mod buddy;
mod deferred;
mod first_fit;
mod full;
mod held;
mod hollow;
mod huge_pages;
mod large;
mod lists;
mod loose;
mod plots;
mod purge;
mod quick;
mod state;
mod watermarks;

pub use buddy::Arena;
pub use huge_pages::ThpPolicy;
pub use purge::{PurgePolicy, Reason};
