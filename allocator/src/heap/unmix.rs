//! Objects of several CPUs' slabs that have met in one window are sent home.
//!
//! A thread that is moved to another CPU frees there what it took before, and two threads that shared a CPU for a moment part with
//! neighbouring objects. From then on two CPUs have objects of the same cache lines and write to them in turn, for ever, because a freed
//! object stays with the CPU that freed it. So every [`LOOK_EVERY`]th magazine that overflows is looked at. If its first rounds are partly
//! of this CPU's slabs and partly of others', all its rounds go back to their slabs, from which only their own CPU fills
//! ([`slab`](crate::slab)). A magazine that came as a whole was passed on by another thread, or a thread took it along: it may stay.

use super::Heap;
use crate::base::units::{Class, NodeId};
use crate::cpu::Place;
use crate::region::{Magazine, Object};

const LOOK_EVERY: u32 = 16;
/// Rounds that are looked at.
const SAMPLE: usize = 8;
/// How many of them are other CPUs' in a mixed magazine.
const MIXED: core::ops::Range<usize> = 2..SAMPLE - 1;

impl Heap {
    /// Called after a window has overflowed: looks at the magazine that became the previous one, if it is its turn.
    pub(super) fn unmix(&self, home: NodeId, class: Class) {
        let depots = &self.node(home).depots;
        let is_due = || depots.count_overflow(self.cpus.present_slot(), class).is_multiple_of(LOOK_EVERY);
        if class.info().group == 1 || !self.is_home(home) || !is_due() {
            return;
        }
        let Some(mut full) = self.cpus.take(home.index(), class, Place::Previous) else { return };
        if self.is_mixed(home, class, &mut full) {
            return self.take_back(home, class, full);
        }
        let (Ok(left) | Err(left)) = self.cpus.exchange(home.index(), class, Place::Previous, full);
        if !left.is_empty() {
            self.stow(home, class, left);
        }
    }

    fn is_mixed(&self, home: NodeId, class: Class, magazine: &mut Magazine) -> bool {
        let (node, cpu, links) = (self.node(home), self.cpus.present_slot(), self.cpus.links(home.index()));
        let sample: [Option<Object>; SAMPLE] = core::array::from_fn(|_| magazine.pop(links, class));
        let is_other = |object: &&Object| node.slabs.is_of_other(&node.arena, object.address(), cpu);
        let others = sample.iter().flatten().filter(is_other).count();
        for object in sample.into_iter().rev().flatten() {
            let _fits = magazine.push(links, object);
        }
        MIXED.contains(&others)
    }
}
