//! Threads with a memory policy of their own (`set_mempolicy` after the start): their objects come from where the policy says.
//!
//! Nobody tells larder when a thread sets a policy, so slow paths ask (`get_mempolicy`, 150 ns): one refill in eight; where there are no
//! sequences, one call in 64; each request for a large object of 256 KiB or more; and eight times as often for a thread that is known to
//! have a policy. A thread whose policy differs from the process's at the start has an **entry**: its thread pointer and the node from
//! which it should be served. As long as there are entries, the rows are not *plain* ([`rows`](super::rows)): a hit then looks for an entry
//! first. Without entries, a hit costs what it did.
//!
//! Slow paths ask only where several nodes have arenas, where the process's own policy holds (`LARDER_CONF` names none), and in programs of
//! more than one thread: a program of one thread may be about to enter a sandbox that kills for calls it does not know. The kernel's
//! refusal is remembered ([`numa`](crate::sys::numa)).
//!
//! An entry lies in a set of eight, which the thread pointer selects. All changes are single exchanges. An entry belongs to its thread, but
//! any thread may push it out of a full set; then it is found out again. Entries of ended threads are taken over by the threads that get
//! their thread pointers, at their first slow path. Fork: entries of threads that are gone are treated in the same way.

use super::Heap;
use super::dealer::Dealer;
use crate::base::sync::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::base::units::NodeId;
use crate::region::Table;
use crate::sys::nodeset::NodeSet;
use crate::sys::numa::{self, MemoryPolicy, NumaCall};
use crate::sys::vm::Span;
use crate::sys::{arch, thread};

/// Slow paths ask when their weights add up to this. A page of a large object weighs 1, and so does a call that could not be a hit.
const ASK_AFTER: u32 = 64;
/// Its multiples have high bits that are spread evenly: 2^32 by the golden ratio.
const SCATTER: u32 = 0x9E37_79B9;
/// The weight of a call that could be a hit and missed.
const MISS_WEIGHT: u32 = 8;
/// The slow paths of a thread with an entry weigh so many times as much.
const KNOWN_WEIGHT: u32 = 8;
const SETS: usize = 512;
const WAYS: usize = 8;
/// Thread pointers are below 2 to this; the node's number lies above.
const NODE_SHIFT: u32 = 48;
/// In an entry: the node where the thread runs.
const HERE: NodeId = NodeId(u8::MAX);

/// See the module. All zero has no entry and follows nobody.
#[derive(Debug)]
pub(super) struct Threads {
    /// The process's policy at the start, as a number that is never 0. If 0, threads are not followed.
    common: AtomicU64,
    entries: Table<AtomicU64>,
    count: AtomicUsize,
    dealer: Dealer,
}

impl Threads {
    pub(super) const fn new() -> Threads {
        Threads { common: AtomicU64::new(0), entries: Table::new(), count: AtomicUsize::new(0), dealer: Dealer::new() }
    }

    pub(super) fn metadata_len() -> usize {
        Table::<AtomicU64>::bytes_for(SETS * WAYS) + Dealer::metadata_len()
    }

    /// Takes its memory from `metadata`. Returns the rest. With one node there is nobody to follow, and no memory for it.
    pub(super) fn settle(&self, metadata: Span, nodes: usize) -> Span {
        if nodes == 1 {
            self.common.store(0, Ordering::Relaxed);
            return metadata;
        }
        let rest = self.entries.settle(metadata, SETS * WAYS);
        let (rest, can_deal) = self.dealer.settle(rest);
        if !can_deal || self.entries.extend_exactly(SETS * WAYS).is_err() {
            self.common.store(0, Ordering::Relaxed);
        }
        rest
    }

    pub(super) fn metadata_committed(&self) -> usize {
        self.entries.committed() + self.dealer.metadata_committed()
    }

    /// Makes the heap follow threads whose policy differs from this one.
    pub(super) fn differ_from(&self, policy: &MemoryPolicy) {
        self.common.store(policy.digest(), Ordering::Relaxed);
    }

    /// Notes that an arena gave bytes to this thread.
    pub(super) fn note_given(&self, node: NodeId, bytes: usize) {
        if self.count.load(Ordering::Relaxed) > 0 {
            self.dealer.note_given(thread::id(), node, bytes);
        }
    }

    fn set_of(&self, thread: usize) -> impl Iterator<Item = &AtomicU64> + Clone {
        let set = (thread as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - SETS.trailing_zeros());
        (0..WAYS).map(move |way| self.entries.get(set as usize * WAYS + way))
    }

    /// The thread's entry: its place and its word.
    fn find(&self, thread: usize) -> Option<(&AtomicU64, u64)> {
        let mut words = self.set_of(thread).map(|place| (place, place.load(Ordering::Relaxed)));
        words.find(|(_, word)| *word != 0 && (*word ^ thread as u64) << (u64::BITS - NODE_SHIFT) == 0)
    }

    /// The node from which this thread should be served, or [`HERE`], if it has an entry.
    fn node(&self) -> Option<NodeId> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.find(thread::id()).map(|(_, word)| NodeId((word >> NODE_SHIFT) as u8))
    }

    /// Makes, changes or ends this thread's entry. Returns whether any entry is left then.
    fn note(&self, node: Option<NodeId>) -> bool {
        let thread = thread::id();
        let word = node.map_or(0, |node| u64::from(node.0) << NODE_SHIFT | thread as u64);
        match self.find(thread) {
            Some((place, before)) => {
                let done = place.compare_exchange(before, word, Ordering::Relaxed, Ordering::Relaxed).is_ok();
                if done && word == 0 {
                    self.count.fetch_sub(1, Ordering::Relaxed);
                }
            }
            None if word != 0 => self.insert(thread, word),
            None => {}
        }
        self.count.load(Ordering::Relaxed) > 0
    }

    fn insert(&self, thread: usize, word: u64) {
        let mut places = self.set_of(thread);
        let is_free =
            |place: &&AtomicU64| place.compare_exchange(0, word, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if places.clone().any(|place| is_free(&place)) {
            self.count.fetch_add(1, Ordering::Relaxed);
        } else if let Some(victim) = places.nth(word as usize / 64 % WAYS) {
            // The victim may just have ended its entry; then there is one more.
            let grew = victim.swap(word, Ordering::Relaxed) == 0;
            self.count.fetch_add(usize::from(grew), Ordering::Relaxed);
        }
    }
}

/// When to ask, counted for each node.
#[derive(Debug, Default)]
pub(super) struct Asking(AtomicU32);

impl Asking {
    /// Returns whether this slow path should ask. Of two at the same time one may go uncounted.
    fn is_due(&self, weight: u32) -> bool {
        let before = self.0.load(Ordering::Relaxed);
        let now = before.wrapping_add(weight);
        self.0.store(now, Ordering::Relaxed);
        weight >= ASK_AFTER || asked_by(before) != asked_by(now)
    }
}

/// How often threads ask until the weights add up to `sum`: once in each [`ASK_AFTER`], but each time elsewhere in it. Otherwise, of threads that refill
/// in turn it would always be the same one's turn to ask.
fn asked_by(sum: u32) -> u32 {
    let (times, rest) = (sum / ASK_AFTER, sum % ASK_AFTER);
    let place = times.wrapping_mul(SCATTER) >> (u32::BITS - ASK_AFTER.ilog2());
    times + u32::from(rest > place)
}

impl Heap {
    /// The node that should serve this thread, on a slow path for an object of so many pages (0: a small one).
    pub(super) fn wanted_node(&self, pages: u32) -> NodeId {
        let present = self.present_node();
        if self.threads.common.load(Ordering::Relaxed) == 0 {
            return present;
        }
        let known = self.node_of_thread();
        let weight = pages.max(if self.cpus.has_open_rows() { MISS_WEIGHT } else { 1 });
        let weight = if known.is_some() { weight * KNOWN_WEIGHT } else { weight };
        let is_due = self.node(present).counters.asking.is_due(weight.min(ASK_AFTER));
        if !(is_due && arch::libc_single_threaded() == Some(false)) {
            return known.unwrap_or(present);
        }
        self.ask_policy();
        self.node_of_thread().unwrap_or(present)
    }

    /// Finds out at once what policy this thread has. Returns false where threads are not followed.
    pub fn follow_policy(&self) -> bool {
        self.enter() && self.threads.common.load(Ordering::Relaxed) != 0 && self.ask_policy()
    }

    #[cold]
    fn ask_policy(&self) -> bool {
        let Ok(policy) = self.refusals.attempt(NumaCall::GetMempolicy, numa::own_policy) else { return false };
        if !matches!(policy, MemoryPolicy::Interleave(_)) {
            self.threads.dealer.leave(thread::id());
        }
        let differs = policy.digest() != self.threads.common.load(Ordering::Relaxed);
        let node = if differs { self.node_under(&policy) } else { None };
        // Another thread that ends the last entry meanwhile may write last; this thread's next slow path puts it right.
        self.cpus.keep_rows_plain(!self.threads.note(node));
        true
    }

    /// The node that should serve a thread under this policy. `None` if no node of the policy has an arena.
    fn node_under(&self, policy: &MemoryPolicy) -> Option<NodeId> {
        let is_among = |nodes: &NodeSet, id: &NodeId| nodes.contains(self.system_id(*id));
        match policy {
            MemoryPolicy::Local => Some(HERE),
            MemoryPolicy::Preferred(nodes) | MemoryPolicy::Bind(nodes) => {
                self.nodes_from(self.own_node()).find(|id| is_among(nodes, id))
            }
            MemoryPolicy::Interleave(nodes) if self.is_the_spread(nodes) => Some(NodeId(self.node_count() as u8)),
            // Other nodes than those the interleaved arena is spread over: dealt out.
            MemoryPolicy::Interleave(nodes) => {
                let last = self.node_of_thread().map_or(0, |node| node.0 + 1);
                let count = self.node_count() as u8;
                let turn = (last..count).chain(0..last.min(count)).map(NodeId).filter(|id| is_among(nodes, id));
                self.threads.dealer.next(thread::id(), policy.digest(), turn)
            }
        }
    }

    /// The node that should serve this thread now, if it has an entry.
    pub(super) fn node_of_thread(&self) -> Option<NodeId> {
        self.threads.node().map(|node| if node == HERE { self.own_node() } else { node })
    }

    fn own_node(&self) -> NodeId {
        self.whereabout().own.unwrap_or(NodeId(0))
    }

    fn is_the_spread(&self, nodes: &NodeSet) -> bool {
        let among = |id: &NodeId| nodes.contains(self.system_id(*id));
        (0..self.node_count() as u8).map(NodeId).all(|id| among(&id) == self.is_spread_over(id))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::super::place::tests::tree;
    use super::super::whereabouts::Whereabout;
    use super::*;
    use crate::base::units::PAGE;
    extern crate std;

    fn threads() -> Threads {
        let threads = Threads::new();
        threads.settle(Span::reserve(Threads::metadata_len(), PAGE).unwrap(), 2);
        threads
    }

    #[test]
    fn an_entry_comes_changes_and_goes() {
        let threads = threads();
        assert_eq!(threads.node(), None);
        assert!(!threads.note(None));
        for node in [NodeId(0), NodeId(65), NodeId(1)] {
            assert!(threads.note(Some(node)));
            assert_eq!(threads.node(), Some(node));
        }
        assert!(!threads.note(None));
        assert_eq!((threads.node(), threads.count.load(Ordering::Relaxed)), (None, 0));
    }

    #[test]
    fn a_full_set_loses_one_and_counts_right() {
        let threads = threads();
        let mine = thread::id();
        threads.set_of(mine).enumerate().for_each(|(way, place)| place.store(way as u64 + 1, Ordering::Relaxed));
        threads.count.store(WAYS, Ordering::Relaxed);
        assert_eq!(threads.node(), None);
        assert!(threads.note(Some(NodeId(3))));
        assert_eq!((threads.node(), threads.count.load(Ordering::Relaxed)), (Some(NodeId(3)), WAYS));
        assert!(threads.note(None));
        assert_eq!(threads.count.load(Ordering::Relaxed), WAYS - 1);
    }

    #[test]
    fn whoever_is_to_be_served_where_it_runs_is_so_wherever_it_runs() {
        let (heap, root) = (Heap::new(), tree("here"));
        heap.settings().read("numa:interleave");
        heap.threads.differ_from(&MemoryPolicy::Interleave(NodeSet::of(0)));
        assert!(heap.boot_as(&Shape::read(root.to_str().unwrap(), 64 << 20)));
        let run_on = |node| {
            let place = Whereabout { home: heap.spare(), own: Some(node) };
            (0..64).for_each(|cpu| heap.note_whereabout(cpu, place));
        };
        // This thread's policy is the default one. Where that cannot be asked for, there is nothing to check.
        run_on(NodeId(1));
        if heap.follow_policy() {
            assert_eq!(heap.node_of_thread(), Some(NodeId(1)));
            run_on(NodeId(0));
            assert_eq!(heap.node_of_thread(), Some(NodeId(0)));
            assert_eq!(heap.wanted_node(0), NodeId(0));
        }
        std::fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn asking_is_due_by_weight() {
        let asking = Asking::default();
        let due = (0..10 * ASK_AFTER).filter(|_| asking.is_due(1)).count();
        assert_eq!(due, 10);
        assert!((0..10).all(|_| asking.is_due(ASK_AFTER)));
    }

    #[test]
    fn threads_that_refill_in_turn_all_ask() {
        const ROUNDS: usize = 100;
        for threads in 2..=16 {
            let (asking, mut asked) = (Asking::default(), [0; 16]);
            (0..ROUNDS * threads).for_each(|turn| asked[turn % threads] += usize::from(asking.is_due(MISS_WEIGHT)));
            let expected = ROUNDS * MISS_WEIGHT as usize / ASK_AFTER as usize;
            let few_or_many = asked[..threads].iter().filter(|asked| !(expected / 3..=expected * 3).contains(asked));
            assert_eq!(few_or_many.count(), 0, "{threads} threads: {asked:?}");
        }
    }
}
