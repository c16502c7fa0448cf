//! One pattern per file. Each file says where the pattern is described and what decides its result.

pub(crate) mod batches;
pub(crate) mod burst;
pub(crate) mod compiler;
pub(crate) mod drawn;
pub(crate) mod false_sharing;
pub(crate) mod growth;
pub(crate) mod idle_threads;
pub(crate) mod large_blocks;
pub(crate) mod larson;
pub(crate) mod live;
pub(crate) mod mixed_lifetimes;
pub(crate) mod page_cache;
pub(crate) mod pairs;
pub(crate) mod process_start;
pub(crate) mod producer_consumer;
pub(crate) mod short_threads;
pub(crate) mod strings;
pub(crate) mod symbolic;
pub(crate) mod zeroed;
