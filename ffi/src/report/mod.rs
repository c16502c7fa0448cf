//! Reports on the heap, in glibc's four forms and one more.
//!
//! ```text
//! mallinfo      two structs: mallinfo's fields are ints and saturate, mallinfo2's are size_t
//! malloc_stats  a table on standard error
//! malloc_info   XML on a stdio stream
//! stats_json    one JSON object, passed to a function of the caller
//! ```
//!
//! In an observer (`observe`) all of them tell of another process's heap.

mod json;
mod mallinfo;
mod malloc_info;
mod malloc_stats;
mod numa;
mod observe;
mod stream;

pub(crate) use malloc_stats::write_table;
