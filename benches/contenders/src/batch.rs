//! Many blocks allocated, then all freed in a given order.

use crate::{Block, Contender};
use std::alloc::Layout;

/// Steps through its pool of requests from turn to turn, since no program repeats a batch to the byte.
pub struct Batch {
    pool: Vec<Layout>,
    order: Vec<usize>,
    live: Vec<Option<Block>>,
    start: usize,
}

/// Prime to the pools' lengths, so that turns begin everywhere.
const STEP: usize = 151;

impl Batch {
    /// A batch that frees in `order`, asking for as many layouts of `pool`, which is longer.
    pub fn new(pool: Vec<Layout>, order: Vec<usize>) -> Self {
        let live = Vec::with_capacity(order.len());
        Self { pool, order, live, start: 0 }
    }

    /// Blocks of one turn.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether a turn does nothing.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Allocates all, frees all; allocates nothing for itself.
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
