//! Interleaving over nodes other than those that the interleaved arena is spread over: a magazine or a large object at a time.
//!
//! A thread under such a policy is served from the node that has given it the fewest bytes so far; among several, from the next in turn.
//! Turns alone would not do: a node whose slabs are nearly full gives a magazine of one object, another node's depot a whole one.
//!
//! The bytes are counted in a **hand**, which the thread pointer selects. It belongs to the last thread that was dealt to, under one
//! policy; another thread with the same hand, or another policy, begins it anew. Two threads that fight for one hand are served in turns.
//! Counts are written without exchanges: those of a thread that loses its hand meanwhile are lost.

use crate::base::sync::{AtomicU64, Ordering};
use crate::base::units::NodeId;
use crate::region::Table;
use crate::sys::topology::MAX_NODES;
use crate::sys::vm::Span;

const HANDS: usize = 64;
/// Words of a hand: its owner, the policy, and the bytes that each node gave.
const OWNER: usize = 0;
const POLICY: usize = 1;
const GIVEN: usize = 2;
const WORDS: usize = GIVEN + MAX_NODES;

/// See the module. All zero has dealt to nobody.
#[derive(Debug)]
pub(super) struct Dealer(Table<AtomicU64>);

impl Dealer {
    pub(super) const fn new() -> Dealer {
        Dealer(Table::new())
    }

    pub(super) fn metadata_len() -> usize {
        Table::<AtomicU64>::bytes_for(HANDS * WORDS)
    }

    /// Takes its memory from `metadata`. Returns the rest, and whether there is any memory to use.
    pub(super) fn settle(&self, metadata: Span) -> (Span, bool) {
        let rest = self.0.settle(metadata, HANDS * WORDS);
        (rest, self.0.extend_exactly(HANDS * WORDS).is_ok())
    }

    pub(super) fn metadata_committed(&self) -> usize {
        self.0.committed()
    }

    /// The node, of those given in turn, from which a thread under a policy should be served.
    pub(super) fn next(&self, thread: usize, policy: u64, nodes: impl Iterator<Item = NodeId>) -> Option<NodeId> {
        let word = |index| self.word(thread, index);
        if word(OWNER).load(Ordering::Relaxed) != thread as u64 || word(POLICY).load(Ordering::Relaxed) != policy {
            (GIVEN..WORDS).for_each(|index| word(index).store(0, Ordering::Relaxed));
            word(POLICY).store(policy, Ordering::Relaxed);
            word(OWNER).store(thread as u64, Ordering::Relaxed);
        }
        nodes.min_by_key(|node| word(GIVEN + node.index()).load(Ordering::Relaxed))
    }

    /// Notes that an arena gave bytes to a thread. Arenas that belong to no node are not dealt from.
    pub(super) fn note_given(&self, thread: usize, node: NodeId, bytes: usize) {
        if node.index() >= MAX_NODES || self.word(thread, OWNER).load(Ordering::Relaxed) != thread as u64 {
            return;
        }
        let given = self.word(thread, GIVEN + node.index());
        given.store(given.load(Ordering::Relaxed) + bytes as u64, Ordering::Relaxed);
    }

    /// Notes that a thread is under another policy now.
    pub(super) fn leave(&self, thread: usize) {
        if self.word(thread, OWNER).load(Ordering::Relaxed) == thread as u64 {
            self.word(thread, OWNER).store(0, Ordering::Relaxed);
        }
    }

    fn word(&self, thread: usize, index: usize) -> &AtomicU64 {
        // Thread pointers differ in the bits above a stack's size or above a page.
        let hand = (thread >> 12 ^ thread >> 18) % HANDS;
        self.0.get(hand * WORDS + index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::PAGE;

    const NODES: [NodeId; 3] = [NodeId(0), NodeId(2), NodeId(63)];

    fn dealer() -> Dealer {
        let dealer = Dealer::new();
        assert!(dealer.settle(Span::reserve(Dealer::metadata_len(), PAGE).unwrap()).1);
        dealer
    }

    fn next(dealer: &Dealer, thread: usize, policy: u64) -> NodeId {
        dealer.next(thread, policy, NODES.into_iter()).unwrap()
    }

    #[test]
    fn nodes_give_the_same_whatever_each_gives_at_once() {
        let (dealer, thread, mut given) = (dealer(), 1 << 20, [0; MAX_NODES]);
        for _ in 0..3000 {
            let node = next(&dealer, thread, 7);
            let bytes = [7, 0, 1][NODES.iter().position(|it| *it == node).unwrap()] * 5000 + 100;
            dealer.note_given(thread, node, bytes);
            given[node.index()] += bytes;
        }
        let given = NODES.map(|node| given[node.index()]);
        assert!(given.iter().max().unwrap() - given.iter().min().unwrap() <= 35_100, "{given:?}");
    }

    #[test]
    fn a_hand_has_one_owner_under_one_policy() {
        let (dealer, thread) = (dealer(), 1 << 20);
        let other = thread + (HANDS << 18);
        assert_eq!(next(&dealer, thread, 7), NODES[0]);
        dealer.note_given(other, NODES[1], 1);
        dealer.note_given(thread, NODES[0], 1);
        assert_eq!(next(&dealer, thread, 7), NODES[1], "the other's bytes do not count");
        assert_eq!(next(&dealer, thread, 8), NODES[0]);
        dealer.note_given(thread, NODES[0], 1);
        assert_eq!(next(&dealer, other, 8), NODES[0]);
        assert_eq!(next(&dealer, thread, 8), NODES[0]);
        dealer.leave(thread);
        dealer.note_given(thread, NODES[0], 1);
        assert_eq!(next(&dealer, thread, 8), NODES[0]);
    }
}
