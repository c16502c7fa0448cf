//! # slab: objects of one class on one node
//!
//! A slab (Bonwick 1994; Linux `kmem_cache`) is a run cut into objects of one class. Which of them are free is a bitmap in the
//! descriptor, out of the run: the slab layer neither reads nor writes object memory. Objects leave as whole magazines ([`fill`])
//! and come back as whole magazines ([`take_back`]).
//!
//! States of a slab: *full* iff no bit is set: on no list; *partial* iff some are: in one of four lists by how many; *empty* iff all
//! are: kept for the next fill if it is the class's only one and small, else its run goes back to the buddy.
//! A fill takes from the fullest partial slabs first, so that sparse ones drain and empty; of classes whose objects share cache lines from those
//! that the CPU itself began, whole lines first, unless much lies free (decision 0021). Very small ones are linked so that two in a row do not lie
//! on one line (decision 0022). The free pages inside slabs that stay sparse go back to the system ([`sparse`]).
//!
//! Colour: what a class leaves over of its run is used to shift the objects of successive slabs by a cache line each.
//!
//! Invariants: bit i of a slab is set iff object i is in the slab (not with the program, in a magazine, or in somebody's hands);
//! `free` is the number of set bits; every page of a slab names its number in the region's links and its class in the pagemap.
//!
//! What every magazine's way asks about a class, how many slabs and how many free objects, is told without its lock, as it was a moment ago.
//!
//! Locks: one per class and node, then the table's (slab numbers), then the buddy's. Fork: lists and counts are rebuilt from the
//! descriptors; objects in a dead thread's hands are lost to the child.

mod cache;
mod descriptor;
mod lists;
mod sparse;
mod table;

pub use sparse::Which;
pub use table::Slabs;
