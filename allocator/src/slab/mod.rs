//! # slab: objects of one class on one node
//!
//! A slab (Bonwick 1994; Linux `kmem_cache`) is a run cut into objects of one class. A bitmap in the descriptor, which lies outside the run, tells which
//! of them are free: the slab layer touches the memory of objects only for the links of magazines. Objects leave as whole magazines
//! ([`Slabs::fill`]) and come back as whole magazines ([`Slabs::take_back`]).
//!
//! States of a slab: *full* iff no bit is set: it is on no list; *partial* iff some are: it is on one of four lists, by how many; *empty* iff all
//! are: it is kept for the next fill if it is small and the class's only empty one, else its run goes back to the buddy.
//! A fill takes from the fullest partial slabs first, so that sparse ones drain and become empty. For classes whose objects share cache lines it takes
//! from slabs that the CPU itself began, whole lines first, unless much lies free (decision 0021). Very small objects are linked so that two in a row do
//! not lie on one line (decision 0022). The free pages inside slabs that stay sparse go back to the system ([`sparse`]).
//!
//! Colour: the bytes of its run that a class does not need shift the objects of successive slabs by a cache line each.
//!
//! Invariants: bit i of a slab is set iff object i is in the slab (not with the program, in a magazine, or in somebody's hands);
//! `free` is the number of set bits; every page of a slab names the slab's number in the region's links and its class in the pagemap.
//!
//! The number of slabs and free objects of a class, which every magazine that passes asks for, is told without the class's lock, as it was a moment ago.
//!
//! Locks: one per class and node, then the table's (slab numbers), then the buddy's. Fork: lists and counts are rebuilt from the
//! descriptors; objects that a dead thread had in its hands are lost to the child.

mod cache;
mod descriptor;
mod lists;
mod returns;
mod sparse;
mod table;

pub use sparse::Which;
pub use table::Slabs;
