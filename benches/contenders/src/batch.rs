//! Allocates many objects, then frees all of them in a given order.

use crate::{Block, Contender};
use std::alloc::Layout;

/// A batch of requests. Each turn begins at another place of the pool, because no program repeats exactly the same batch.
pub struct Batch {
    pool: Vec<Layout>,
    order: Vec<usize>,
    live: Vec<Option<Block>>,
    start: usize,
}

/// Coprime to the pools' lengths, so that turns begin everywhere.
const STEP: usize = 151;

impl Batch {
    /// A batch that allocates as many layouts of `pool`, which is longer, as `order` has places, and frees in that order.
    pub fn new(pool: Vec<Layout>, order: Vec<usize>) -> Self {
        let live = Vec::with_capacity(order.len());
        Self { pool, order, live, start: 0 }
    }

    /// The number of objects in one turn.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether a turn does nothing.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Allocates all objects, then frees them. Makes no other allocations.
    pub fn turn(&mut self, contender: &Contender) {
        let layouts = &self.pool[self.start..][..self.order.len()];
        self.live.extend(layouts.iter().map(|layout| Some(contender.alloc(*layout))));
        for &at in &self.order {
            if let Some(block) = self.live[at].take() {
                contender.free(block, layouts[at]);
            }
        }
        self.live.clear();
        self.start = (self.start + STEP) % (self.pool.len() - self.order.len());
    }
}
