//! The lock-free part of `depot`.

#[path = "../../../allocator/src/depot/inbox.rs"]
pub mod inbox;
