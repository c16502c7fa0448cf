//! A thousand objects of mixed sizes are allocated, then all are freed: the oldest first, the youngest first, or at random. A request to a
//! service looks like this: it builds something up and then frees all of it.
//!
//! Decided by the cost of the fast path when it does not reuse the same object, and by how often a batch exceeds the cache of a thread or CPU.

use crate::block::Block;
use crate::calls::Calls;
use crate::random::Random;
use crate::run::Run;
use crate::sizes;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};

/// The orders of [`run`].
pub(crate) const IN_ORDER: u8 = 0;
pub(crate) const IN_REVERSE: u8 = 1;
pub(crate) const AT_RANDOM: u8 = 2;

const BATCH: usize = 1_000;
/// The number of different batches, so that no branch predictor learns them.
const BATCHES: usize = 16;

struct Plan {
    sizes: Slots<usize>,
    order: Slots<usize>,
}

impl Plan {
    fn new(random: &mut Random, order: u8) -> Self {
        let mut plan = Self { sizes: Slots::new(BATCH * BATCHES), order: Slots::new(BATCH * BATCHES) };
        plan.sizes.fill_with(|| sizes::mixed(random));
        for part in plan.order.chunks_exact_mut(BATCH) {
            part.iter_mut().enumerate().for_each(|(turn, place)| *place = turn);
            match order {
                IN_REVERSE => part.reverse(),
                AT_RANDOM => random.shuffle(part),
                _ => {}
            }
        }
        plan
    }
}

pub(crate) fn run<C: Calls, const ORDER: u8>(run: &Run) -> Outcome {
    let batches = run.turns(run.pick(2, 8_000, 80_000));
    team::<C>(run, |member| {
        let plan = Plan::new(&mut member.random, ORDER);
        let mut live = Slots::new(BATCH);
        member.measured(|member| (0..batches).for_each(|turn| batch(member, &plan, turn % BATCHES, &mut live)));
        (batches * BATCH) as u64
    })
}

fn batch<C: Calls>(member: &mut Member<C>, plan: &Plan, which: usize, live: &mut [Option<Block>]) {
    let part = which * BATCH..(which + 1) * BATCH;
    for (place, &size) in live.iter_mut().zip(&plan.sizes[part.clone()]) {
        *place = Some(Block::new(&mut member.calls, size));
    }
    for &place in &plan.order[part] {
        if let Some(block) = live[place].take() {
            block.free(&mut member.calls);
        }
    }
}
