//! # arena: the pages of one node
//!
//! Two structures record which pages are free, and they always agree:
//!
//! - **runs**: a binary buddy (Knowlton 1965; Linux `mm/page_alloc.c`): runs of 2^order pages in one list per order and kind, split on demand, merged with
//!   their buddy when freed. Slabs come from them, and purging takes from them;
//! - **stretches**: the region's map of free pages, which finds the lowest stretch of a given length, whatever runs it is made of. Runs of more
//!   than 8 pages are laid there (see [`first_fit`]): large objects have a hundred lengths and would never fit each other's runs.
//!
//! There are two kinds of runs, because pages differ in what reuse costs:
//!
//! - **warm** runs were used: their pages are probably resident and hold old contents;
//! - **zero** runs were never touched or were purged: their pages read zero, and the first touch of each costs a page fault.
//!
//! A run merges only with a buddy of its own kind, so the page count of each kind is exact. Slabs take warm runs first, the most recently freed first; the
//! oldest are purged (see [`purge`] and [`watermarks`]). Slabs of zero pages are laid apart for each CPU (see [`plots`]). A freed large run first lies
//! whole in a short list of its own (see [`quick`]), then
//! **loose**: as a stretch that is in no run until somebody needs runs (see [`loose`]).
//!
//! Invariants: a run is in list (order, kind) iff the pagemap says `free(order, kind)` of its first page; a page is in the map of free
//! pages iff it is in such a run or loose; two buddies of one order and kind are never both free; the gauges are the sums of the lists.
//!
//! Locks: one per arena. Fork: a child rebuilds the lists and the map from the pagemap and the map of loose pages ([`Arena::rebuild`]); a run that
//! a dead thread had in its hands is lost to the child.

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
