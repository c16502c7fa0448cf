//! What the helper thread does when it looks at the nodes.
//!
//! A node is **quiet** while next to no magazines are traded and next to no pages are taken or freed. While a node is not quiet, what was
//! not needed lately goes back: magazines that lay in a depot for half a purge delay go to their slabs, and warm pages above the low
//! watermark to the system. Now and then the windows of all CPUs are drained into the depots, so that the magazines of CPUs that went quiet
//! are among those. A hand goes round the slabs: sparse ones that rest give back the free pages inside them. After a quarter of a purge
//! delay of quiet, all that lies in windows, depots and empty slabs is gathered. Until six tenths of a delay, warm pages fade evenly down
//! to the min watermark. Then there is nothing left to do until somebody frees again.

use super::Heap;
use crate::arena::Reason;
use crate::base::classes::CLASSES;
use crate::base::sync::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::base::units::{Class, NodeId, PAGE};
use crate::region::{Magazine, read_ahead};
use crate::slab::Which;
use crate::sys::clock::coarse_ms;
use crate::sys::options::Key;
use crate::sys::{arch, syscall};
use core::array;
use core::iter::from_fn;

/// Looks per purge delay.
const LOOKS: u64 = 20;
/// Looks between judgements of the depots.
const JUDGE_EVERY: u64 = LOOKS / 2;
/// Looks between drains of busy CPUs' windows.
const DRAIN_EVERY: u64 = LOOKS * 4;
/// Where there is no helper: magazines stowed between judgements,
const JUDGE_EVERY_STOWS: u32 = 512;
/// how many of a class are taken back at one stow,
const REAPED_AT_A_STOW: usize = 4;
/// and how many slabs are looked at.
const THINNED_AT_A_STOW: usize = 64;
/// Where the program has one thread: stows between visits to the nodes where it does not run,
const VISIT_EVERY_STOWS: u32 = 2;
/// and how many pages a visit gives back (2 MiB).
const DECAYED_AT_A_VISIT: u32 = 512;
/// Magazines whose links are read side by side before their rounds go back.
const READ_AHEAD: usize = 8;
/// This many free bytes are much.
pub(super) const MUCH_ALONE: usize = 8 << 20;
/// So are this many of one class, if they are half of what its slabs hold.
const MUCH_OF_A_CLASS: usize = 256 << 10;
/// The pause between looks, in milliseconds.
const LEAST_PAUSE: u64 = 10;
const LONGEST_PAUSE: u64 = 500;

/// In milliseconds; a shorter delay does not make the helper gather more often.
const SHORTEST_QUIET: u64 = 50;

/// So many pages (512 KiB) may change hands between two looks at a node that is still quiet: a timer's work, a line of a log.
const QUIET_PAGES: u32 = 128;
/// Pages that a traded magazine counts as.
const MAGAZINE_PAGES: u32 = 8;

/// How long a node must be quiet, in milliseconds.
struct Patience {
    /// Until everything is gathered.
    gather: u64,
    /// Until everything has faded.
    faded: u64,
}

/// What the helper knows of a node. All zero is "never looked".
#[derive(Debug, Default)]
pub(super) struct Calm {
    activity: AtomicU32,
    /// When it was last seen to change: the start of the present quiet.
    since_ms: AtomicU64,
    /// Milliseconds of quiet at the last look, and at the one before.
    quiet_ms: AtomicU64,
    before_ms: AtomicU64,
    /// Everything was gathered since then.
    gathered: AtomicBool,
    /// Magazines that were stowed so far.
    stows: AtomicU32,
    /// The next slab to look at for free pages inside, and when the round began.
    hand: AtomicUsize,
    round_ms: AtomicU64,
}

impl Calm {
    /// Returns whether so much has changed hands since the last look that the node is not quiet.
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

    /// Notes the helper's own work, which is no activity.
    fn disregard(&self, activity: u32) {
        self.activity.store(activity, Ordering::Relaxed);
    }

    fn quiet_ms(&self) -> u64 {
        self.quiet_ms.load(Ordering::Relaxed)
    }

    fn is_gathered(&self) -> bool {
        self.gathered.load(Ordering::Relaxed)
    }

    /// How much of what is left should fade now, as (part, whole), so that it fades evenly.
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

    /// Free pages of a node that could go back to the system.
    pub(super) fn idle_pages(&self, id: NodeId) -> u32 {
        let arena = &self.node(id).arena;
        if arena.is_refused() { 0 } else { arena.warm_now() }
    }

    fn patience(&self) -> Patience {
        let delay = self.settings.get(Key::PurgeDelay);
        let gather = (delay / 4).max(SHORTEST_QUIET);
        Patience { gather, faded: (delay * 6 / 10).max(gather) }
    }

    /// Looks once at every node. Returns whether there will be something to do at the next look.
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

    /// Returns whether a node has not been quiet since the last look at it began.
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
            node.arena.decay(policy, u32::MAX);
            self.disregard_own_work(id);
            return true;
        }
        let is_last = quiet >= patience.faded;
        // The last time once more: what was freed while the helper gathered may have passed for its own work.
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

    /// Gathers everything that is free in every CPU's windows and every depot and slab.
    pub(super) fn gather_everywhere(&self) {
        self.empty_all_windows();
        self.all_nodes().for_each(|id| self.gather(id));
    }

    /// Returns what all windows hold to the slabs.
    fn empty_all_windows(&self) {
        let _left_to_their_cpus_if_refused = self.cpus.drain(|row, _, class, magazine| {
            self.take_back(NodeId(row as u8), class, magazine);
        });
    }

    /// The same for a thread of the program, which can empty its own CPU's by itself. Not where it is in a signal handler that interrupted the holder of a
    /// lock: whoever is at this work already may be waiting for that lock.
    pub(super) fn empty_windows_of_others(&self) {
        if arch::libc_single_threaded() == Some(true) || self.holds_any() {
            return;
        }
        let Some(_work) = self.idle.pause() else { return };
        // Without it the windows are left to their CPUs.
        let _may_drain = syscall::register_for_restarts();
        self.empty_all_windows();
    }

    /// Drains all windows: to the CPUs' own shards of the depots on nodes at work, to the slabs on quiet ones.
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
            // Only once: what the slabs do not take now, because this thread was interrupted as a holder of their lock, lies in the inbox
            // again.
            self.take_back_all(id, class, self.open_inbox(id, class, to_slabs(class)).into_iter());
        }
        self.node(id).slabs.release_empty(&self.node(id).arena);
    }

    /// Called when a magazine was stowed where no helper thread reaps: takes back a few magazines that were not needed lately, of one class
    /// after another. A class that the program no longer uses would keep them for ever, because its own trades are its clock.
    pub(super) fn reap_a_little(&self, id: NodeId) {
        let node = self.node(id);
        // A count lost to another thread's does no harm.
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

    /// Called after that: does the same for one of the nodes that the program's only thread has left, because nobody else will.
    pub(super) fn visit_another(&self, home: NodeId) {
        let stows = self.node(home).calm.stows.load(Ordering::Relaxed);
        let is_due = self.node_count() > 1 && stows.is_multiple_of(VISIT_EVERY_STOWS);
        if !is_due || arch::libc_single_threaded() != Some(true) {
            return;
        }
        let others = || self.regular_nodes().filter(|id| *id != home && self.node(*id).arena.region().pages() > 0);
        let turn = (stows / VISIT_EVERY_STOWS) as usize;
        if let Some(other) = turn.checked_rem(others().count()).and_then(|turn| others().nth(turn)) {
            self.reap_a_little(other);
            self.node(other).arena.decay(self.purge_policy_of(other), DECAYED_AT_A_VISIT);
        }
    }

    /// Returns whether much is free, or much of this class, and no helper thread takes care of it. Then depots keep nothing, because each
    /// object there keeps a whole slab from going back, and nobody will come for it once the program is idle.
    pub(super) fn is_shrinking_alone(&self, id: NodeId, class: Class) -> bool {
        let node = self.node(id);
        let has_much = || node.arena.warm_now() as usize * PAGE >= MUCH_ALONE;
        let has_much_of_it = || {
            let (figures, info) = (node.slabs.outline(class), class.info());
            figures.free * 2 >= u64::from(figures.slabs) * u64::from(info.slab_objects)
                && figures.free as usize * class.size() >= MUCH_OF_A_CLASS
        };
        !self.idle.has_thread() && (has_much() || has_much_of_it())
    }

    /// Looks whether the next slabs are at rest and have free pages inside: one round per purge delay, so that a slab at rest was not used
    /// for that long.
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

    /// Takes back all magazines that come, several at a time.
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
