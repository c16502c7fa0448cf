//! `arena`'s lock-free part.

#[path = "../../../allocator/src/arena/deferred.rs"]
mod deferred;

use crate::region::{Region, Run};

/// The stack of deferred runs, which the arena keeps to itself.
#[derive(Debug, Default)]
pub struct DeferredRuns(deferred::Deferred);

impl DeferredRuns {
    /// Leaves a run.
    pub fn push(&self, region: &Region, run: Run) {
        assert_eq!(self.0.offer(region, run), Ok(()), "fewer than many lie there");
    }

    /// Takes a run; by one thread at a time.
    pub fn pop(&self, region: &Region) -> Option<Run> {
        self.0.pop(region)
    }
}
