//! # base: pure vocabulary
//!
//! Units, size classes and the sync facade. Nothing here touches memory or the operating system, and nothing has state.

pub mod classes;
pub mod sync;
pub mod units;
