//! The lock-free part of `arena`.

#[path = "../../../allocator/src/arena/deferred.rs"]
mod deferred;

use crate::region::{Region, Run};

/// The stack of deferred runs, which is private to the arena.
#[derive(Debug, Default)]
pub struct DeferredRuns(deferred::Deferred);

impl DeferredRuns {
    /// Leaves a run.
    pub fn push(&self, region: &Region, run: Run) {
        assert_eq!(self.0.offer(region, run), Ok(()), "fewer than many lie there");
    }

    /// Takes a run. Only one thread at a time may do so.
    pub fn pop(&self, region: &Region) -> Option<Run> {
        self.0.pop(region)
    }
}
