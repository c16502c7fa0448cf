//! `base` with loom's atomics.

/// Replaces the atomics of `core`.
pub mod sync {
    pub use loom::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
}

#[path = "../../../allocator/src/base/units.rs"]
pub mod units;
