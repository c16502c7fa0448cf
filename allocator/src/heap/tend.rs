//! What the helper thread does when it looks at the nodes.
//!
//! A node is **quiet** while next to no magazines are traded and pages taken or freed. While it is not, what was not needed lately goes back:
//! magazines that lay in a depot for half a purge delay go to their slabs, and warm pages above the low watermark to the system. Now
//! and then the windows of all CPUs are drained into the depots, so that those of CPUs that went quiet are among them. A hand goes round the
//! slabs: those that are sparse and rest give back the free pages inside them.
//! After a quarter of a delay of quiet all that lies in windows, depots and empty slabs is gathered; until six tenths of it warm pages
//! fade evenly down to the min watermark; then there is nothing left to do until somebody frees again.

use super::Heap;
use crate::arena::Reason;
use crate::base::classes::CLASSES;
use crate::base::sync::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::base::units::{Class, NodeId, PAGE};
use crate::region::{Magazine, read_ahead};
use crate::slab::Which;
use crate::sys::clock::coarse_ms;
use crate::sys::options::Key;
use core::array;
use core::iter::from_fn;

/// Looks in a purge delay.
const LOOKS: u64 = 20;
/// Looks between judgements of the depots.
const JUDGE_EVERY: u64 = LOOKS / 2;
/// Looks between drains of busy CPUs' windows.
const DRAIN_EVERY: u64 = LOOKS * 4;
/// Magazines stowed between judgements that need no helper,
const JUDGE_EVERY_STOWS: u32 = 512;
/// and how many of a class are taken back at one stow.
const REAPED_AT_A_STOW: usize = 4;
/// Slabs looked at at a stow that needs no helper.
const THINNED_AT_A_STOW: usize = 64;
/// Magazines whose links are read at once before their rounds go back.
const READ_AHEAD: usize = 8;
/// So many free bytes are much.
pub(super) const MUCH_ALONE: usize = 8 << 20;
/// And so many of one class, if they are half of what its slabs hold.
const MUCH_OF_A_CLASS: usize = 256 << 10;
/// Between looks, in milliseconds.
const LEAST_PAUSE: u64 = 10;
const LONGEST_PAUSE: u64 = 500;

/// A shorter delay does not make the helper gather more often.
const SHORTEST_QUIET: u64 = 50;

/// So many pages (512 KiB) may change hands between two looks at a quiet node: a timer's work, a line of a log.
const QUIET_PAGES: u32 = 128;
/// Most pages a magazine is worth.
const MAGAZINE_PAGES: u32 = 8;

/// How long a node must be quiet, in milliseconds.
struct Patience {
    /// Until all is gathered.
    gather: u64,
    /// Until all has faded.
    faded: u64,
}

/// What the helper knows of a node. All zero is "never looked".
#[derive(Debug, Default)]
pub(super) struct Calm {
    activity: AtomicU32,
    /// When it was last seen to change.
    since_ms: AtomicU64,
    /// Milliseconds of quiet at the last look, and at the one before.
    quiet_ms: AtomicU64,
    before_ms: AtomicU64,
    /// Everything was gathered since.
    gathered: AtomicBool,
    /// Magazines that were stowed.
    stows: AtomicU32,
    /// The next slab to look at for free pages inside, and when the round began.
    hand: AtomicUsize,
    round_ms: AtomicU64,
}

impl Calm {
    /// Whether so much has changed hands since the last look that it is not quiet.
    fn is_busy(&self, activity: u32) -> bool {
        activity.wrapping_sub(self.activity.load(Ordering::Relaxed)) > QUIET_PAGES
    }

    fn look(&self, activity: u32, now_ms: u64) {
        let busy = self.is_busy(activity);
        self.activity.store(activity, Ordering::Relaxed);
        if busy || self.since_ms.load(Ordering::Relaxed) == 0 {
            self.since_ms.store(now_ms, Ordering::Relaxed);
            self.gathered.store(false, Ordering::Relaxed);
        }
        let quiet = now_ms.saturating_sub(self.since_ms.load(Ordering::Relaxed));
        self.before_ms.store(self.quiet_ms.swap(quiet, Ordering::Relaxed).min(quiet), Ordering::Relaxed);
    }

    /// The helper's own work is no activity.
    fn disregard(&self, activity: u32) {
        self.activity.store(activity, Ordering::Relaxed);
    }

    fn quiet_ms(&self) -> u64 {
        self.quiet_ms.load(Ordering::Relaxed)
    }

    fn is_gathered(&self) -> bool {
        self.gathered.load(Ordering::Relaxed)
    }

    /// How much of what is left is due to fade now, as (part, whole), so that it goes evenly.
    fn fading(&self, patience: &Patience) -> (u64, u64) {
        let from = self.before_ms.load(Ordering::Relaxed).max(patience.gather);
        let to = self.quiet_ms().clamp(from, patience.faded.max(from));
        (to - from, patience.faded.saturating_sub(from))
    }
}

impl Heap {
    /// How long the helper waits between looks.
    pub(super) fn look_every_ms(&self) -> u64 {
        (self.settings.get(Key::PurgeDelay) / LOOKS).clamp(LEAST_PAUSE, LONGEST_PAUSE)
    }

    /// Free pages of a node that could go back.
    pub(super) fn idle_pages(&self, id: NodeId) -> u32 {
        let arena = &self.node(id).arena;
        if arena.is_refused() { 0 } else { arena.warm_now() }
    }

    fn patience(&self) -> Patience {
        let delay = self.settings.get(Key::PurgeDelay);
        let gather = (delay / 4).max(SHORTEST_QUIET);
        Patience { gather, faded: (delay * 6 / 10).max(gather) }
    }

    /// One look at every node; whether there will be something to do at the next.
    pub(super) fn tend(&self) -> bool {
        let Some(_work) = self.idle.pause() else { return false };
        let (look, now, patience) = (self.idle.count_look(), coarse_ms(), self.patience());
        for id in self.all_nodes() {
            self.node(id).calm.look(self.activity(id), now);
        }
        let newly_quiet = |id| self.node(id).calm.quiet_ms() >= patience.gather && !self.node(id).calm.is_gathered();
        if self.all_nodes().any(newly_quiet) || look.is_multiple_of(DRAIN_EVERY) {
            self.drain_all_windows(&patience);
        }
        let more = self.all_nodes().map(|id| self.tend_node(id, look, &patience)).max().unwrap_or(false);
        if !more {
            self.huge.release_addresses();
        }
        let keeps_mappings = self.huge.release_unused(now, patience.faded);
        more || keeps_mappings
    }

    /// Whether a node has not been quiet since the last look at it began.
    pub(super) fn has_been_busy(&self) -> bool {
        self.all_nodes().any(|id| self.node(id).calm.is_busy(self.activity(id)))
    }

    /// Pages that have changed hands so far.
    fn activity(&self, id: NodeId) -> u32 {
        let node = self.node(id);
        node.arena.activity().wrapping_add(node.depots.activity().wrapping_mul(MAGAZINE_PAGES))
    }

    fn tend_node(&self, id: NodeId, look: u64, patience: &Patience) -> bool {
        let (node, policy) = (self.node(id), self.purge_policy());
        let quiet = node.calm.quiet_ms();
        if quiet < patience.gather {
            self.reap_depots(id, look.is_multiple_of(JUDGE_EVERY));
            self.thin_some(id, node.slabs.numbers().div_ceil(LOOKS as usize));
            node.arena.decay(policy);
            self.disregard_own_work(id);
            return true;
        }
        let is_last = quiet >= patience.faded;
        // At last once more: what was freed while it gathered may have passed for its own work.
        if !node.calm.gathered.swap(true, Ordering::Relaxed) || is_last {
            self.gather(id);
            self.disregard_own_work(id);
        }
        let (part, whole) = node.calm.fading(patience);
        node.arena.fade(policy, part, whole);
        if is_last {
            self.thin_all(id, Reason::Idle);
        }
        !is_last
    }

    /// What the helper itself has moved is no activity of the program.
    pub(super) fn disregard_own_work(&self, id: NodeId) {
        self.node(id).calm.disregard(self.activity(id));
    }

    /// Gathers what every CPU's windows and every depot and slab hold free.
    pub(super) fn gather_everywhere(&self) {
        let _left_to_their_cpus_if_refused = self.cpus.drain(|row, _, class, magazine| {
            self.take_back(NodeId(row as u8), class, magazine);
        });
        self.all_nodes().for_each(|id| self.gather(id));
    }

    /// What CPUs hold goes to their own shards of the depots of nodes at work and to the slabs of quiet ones.
    fn drain_all_windows(&self, patience: &Patience) {
        let _left_to_their_cpus_if_refused = self.cpus.drain(|row, cpu, class, magazine| {
            let id = NodeId(row as u8);
            if self.node(id).calm.quiet_ms() >= patience.gather {
                self.take_back(id, class, magazine);
            } else {
                self.stow_for(self.cpus.stand_in(cpu), id, class, magazine);
            }
        });
    }

    fn reap_depots(&self, id: NodeId, judge: bool) {
        let depots = &self.node(id).depots;
        if judge {
            depots.judge();
        }
        for class in Class::all() {
            self.take_back_all(id, class, from_fn(|| depots.any_surplus(class)));
        }
    }

    /// Returns what the depots and inboxes of a node hold to the slabs, and the empty slabs to the arena.
    pub(super) fn gather(&self, id: NodeId) {
        let to_slabs = |class| move |full| self.take_back(id, class, full);
        for class in Class::all() {
            self.take_back_all(id, class, from_fn(|| self.node(id).depots.get_any(class)));
            // Once: what the slabs do not take now, for this thread was interrupted as a holder of their lock, lies in the inbox again.
            self.take_back_all(id, class, self.open_inbox(id, class, to_slabs(class)).into_iter());
        }
        self.node(id).slabs.release_empty(&self.node(id).arena);
    }

    /// A magazine was stowed where no helper thread reaps: takes back a few of those that one class after another did not need lately. A class
    /// that the program has left would keep them for ever, for its own trades are its clock.
    pub(super) fn reap_a_little(&self, id: NodeId) {
        let node = self.node(id);
        // A stow that is lost to another thread's does no harm.
        let stows = node.calm.stows.load(Ordering::Relaxed);
        node.calm.stows.store(stows.wrapping_add(1), Ordering::Relaxed);
        if stows.is_multiple_of(JUDGE_EVERY_STOWS) {
            node.depots.judge();
        }
        let class = Class((1 + stows % (CLASSES as u32 - 1)) as u8);
        let shrinking = self.is_shrinking_alone(id, class);
        let next = || if shrinking { node.depots.get_any(class) } else { node.depots.any_surplus(class) };
        self.take_back_all(id, class, from_fn(next).take(REAPED_AT_A_STOW));
        self.thin_some(id, THINNED_AT_A_STOW);
    }

    /// Whether much lies free, or much of this class, and no helper thread sees to it: then depots keep nothing, for each object there keeps a
    /// whole slab from going back, and nobody will come for it once the program is idle.
    pub(super) fn is_shrinking_alone(&self, id: NodeId, class: Class) -> bool {
        let node = self.node(id);
        let has_much = || node.arena.warm_now() as usize * PAGE >= MUCH_ALONE;
        let has_much_of_it = || {
            let (figures, info) = (node.slabs.outline(class), class.info());
            u64::from(figures.free) * 2 >= u64::from(figures.slabs) * u64::from(info.slab_objects)
                && figures.free as usize * class.size() >= MUCH_OF_A_CLASS
        };
        !self.idle.has_thread() && (has_much() || has_much_of_it())
    }

    /// Looks at the next slabs whether those at rest have free pages inside: once round in a purge delay, so that what rested was not used for
    /// that long.
    fn thin_some(&self, id: NodeId, most: usize) {
        let node = self.node(id);
        let from = node.calm.hand.load(Ordering::Relaxed);
        if from < node.slabs.numbers() {
            node.calm.hand.store(from + most, Ordering::Relaxed);
            node.slabs.thin(&node.arena, from..from + most, Which::Resting, Reason::Decay);
            return;
        }
        let now = coarse_ms();
        if now.saturating_sub(node.calm.round_ms.load(Ordering::Relaxed)) >= self.settings.get(Key::PurgeDelay) / 4 {
            node.calm.round_ms.store(now, Ordering::Relaxed);
            node.calm.hand.store(0, Ordering::Relaxed);
        }
    }

    /// Gives back every free page inside a slab.
    pub(super) fn thin_all(&self, id: NodeId, reason: Reason) {
        let node = self.node(id);
        node.slabs.thin(&node.arena, 0..usize::MAX, Which::All, reason);
    }

    /// All that come, several at a time.
    fn take_back_all(&self, id: NodeId, class: Class, magazines: impl Iterator<Item = Magazine>) {
        let mut magazines = magazines.fuse();
        loop {
            let few: [Option<Magazine>; READ_AHEAD] = array::from_fn(|_| magazines.next());
            if few[0].is_none() {
                return;
            }
            read_ahead(&few, self.cpus.links(id.index()), class);
            few.into_iter().flatten().for_each(|magazine| self.take_back(id, class, magazine));
        }
    }
}
