//! `depot`'s lock-free part.

#[path = "../../../allocator/src/depot/inbox.rs"]
pub mod inbox;
