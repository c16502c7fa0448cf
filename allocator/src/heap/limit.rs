//! What the heap does about the process's bounds: options and control groups set them, the arenas charge, and this module makes room.
//!
//! There are three answers, in order of cost. Near the ceiling fewer free pages may stay warm ([`Heap::purge_policy`] asks), and the excess
//! goes back when memory is taken, too, not only when it is freed. Just below the ceiling and above it, whatever lies idle in windows,
//! depots and slabs is gathered, once per step of growth. A refused charge gathers everything and is tried once more.
//!
//! A group has other members, files, and bounds that change. While the helper thread is awake, and a process near the ceiling wakes it, it
//! [watches](crate::sys::watch) the groups: what they have left moves the ceiling, and when the kernel has to reclaim, everything free goes
//! back before.

use super::Heap;
use crate::arena::Reason;
use crate::base::sync::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::base::units::NodeId;
use crate::sys::cgroup;
use crate::sys::clock::coarse_ms;
use crate::sys::limit::{LIMIT, NONE};
use crate::sys::options::Key;
use crate::sys::watch::Watch;

/// Choices of the option `cgroup`.
const CGROUP_START: u64 = 1;
const CGROUP_POLL: u64 = 2;
const CGROUP_OFF: u64 = 3;
/// This part of a control group's bound is left to what the program has beside the heap: its code, stacks, files.
const OTHERS_SHARE: usize = 16;
/// With `cgroup:poll`, one slow call in so many checks whether the groups should be asked again.
const LOOK_EVERY: u32 = 64;
/// They are asked after so many milliseconds (by the helper thread, too), or when this part of what they had left was taken.
const ASK_AFTER_MS: u64 = 250;
const ASK_SHARE: usize = 4;
/// Growth by less than this is no reason to ask by itself.
const SMALL_GROWTH: usize = 1 << 20;

/// When to ask the control groups again.
#[derive(Debug)]
pub(super) struct Poll {
    calls: AtomicU32,
    due_ms: AtomicU64,
    /// With so many bytes held, asking is due at once; with [`NONE`] it never is.
    due_held: AtomicUsize,
    /// Incidents that the groups had counted when they were last asked.
    trouble: AtomicU64,
    /// Whether the helper thread should watch the groups.
    is_watched: AtomicBool,
}

impl Poll {
    pub(super) const fn new() -> Poll {
        Poll {
            calls: AtomicU32::new(0),
            due_ms: AtomicU64::new(0),
            due_held: AtomicUsize::new(NONE),
            trouble: AtomicU64::new(0),
            is_watched: AtomicBool::new(false),
        }
    }

    /// Returns whether this slow call should ask.
    fn is_due(&self) -> bool {
        let due_held = self.due_held.load(Ordering::Relaxed);
        if due_held == NONE {
            return false;
        }
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let due_ms = self.due_ms.load(Ordering::Relaxed);
        (LIMIT.held() >= due_held || (calls.is_multiple_of(LOOK_EVERY) && coarse_ms() >= due_ms))
            && self.due_held.compare_exchange(due_held, NONE - 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Notes that the groups were just asked and had `left` bytes. If that is [`NONE`], only the time makes asking due.
    fn asked(&self, left: usize) {
        let growth = (left / ASK_SHARE).max(SMALL_GROWTH);
        self.due_ms.store(coarse_ms() + ASK_AFTER_MS, Ordering::Relaxed);
        self.due_held.store(LIMIT.held().saturating_add(growth).min(NONE - 1), Ordering::Relaxed);
    }
}

impl Heap {
    /// Takes over the bounds, before anything is committed.
    #[inline(never)]
    pub(super) fn set_limits(&self) {
        let choice = self.settings.get(Key::Cgroup);
        let group = if choice == CGROUP_OFF { None } else { cgroup::bound("") };
        let (most, soft) = (self.asked_for(Key::Limit), self.asked_for(Key::SoftLimit));
        LIMIT.set(most, soft.min(group.map_or(NONE, |bytes| bytes - bytes / OTHERS_SHARE)));
        self.poll.is_watched.store(group.is_some() && choice != CGROUP_START, Ordering::Relaxed);
        if group.is_some() && choice == CGROUP_POLL {
            self.poll.trouble.store(cgroup::trouble(""), Ordering::Relaxed);
            self.poll.asked(0);
        }
    }

    /// An option's bound in bytes.
    fn asked_for(&self, key: Key) -> usize {
        match self.settings.get(key) {
            0 => NONE,
            mib => (mib as usize) << 20,
        }
    }

    /// Sets the ceiling by what the groups have left now, because others may use them too. If they had trouble since, gathers what is free.
    #[cold]
    fn ask_groups(&self) {
        let left = cgroup::headroom("").ok();
        self.heed_left(left);
        let trouble = cgroup::trouble("");
        if trouble > self.poll.trouble.swap(trouble, Ordering::Relaxed) && cgroup::is_tight("") {
            self.gather_all();
        }
        // If that is not known, or no group has a bound any more, only the time makes asking due again.
        self.poll.asked(left.unwrap_or(NONE));
    }

    /// Moves the ceiling by what the groups have left, if that is known.
    fn heed_left(&self, left: Option<usize>) {
        if let Some(left) = left {
            LIMIT.set_ceiling(ceiling(LIMIT.held(), left, self.asked_for(Key::SoftLimit)));
        }
    }

    /// What the helper thread watches: nothing if no group is bounded or nobody wants it.
    pub(super) fn begin_watch(&self) -> Watch {
        if self.poll.is_watched.load(Ordering::Relaxed) { Watch::begin(coarse_ms()) } else { Watch::default() }
    }

    /// The helper thread's part: looks at the groups when it is time to.
    pub(super) fn heed(&self, watch: &mut Watch) {
        let now = coarse_ms();
        if !watch.sees() || watch.age_ms(now) < ASK_AFTER_MS {
            return;
        }
        let Some(_work) = self.idle.pause() else { return };
        let look = watch.look(now);
        self.heed_left(look.left);
        if look.is_short {
            self.gather_everywhere();
        }
        for id in self.all_nodes() {
            let arena = &self.node(id).arena;
            if look.is_short {
                self.thin_all(id, Reason::Limit);
            }
            let keep = if look.is_short { 0 } else { arena.marks(self.purge_policy()).high };
            arena.reclaim(u32::MAX, keep, Reason::Limit);
            self.disregard_own_work(id);
        }
    }

    /// Called after a node has given memory: near the ceiling, gives back the excess, a bounded amount.
    #[inline]
    pub(super) fn relieve(&self, id: NodeId) {
        if self.poll.is_due() {
            self.ask_groups();
        }
        if LIMIT.is_near() {
            self.relieve_now(id);
        }
    }

    #[cold]
    fn relieve_now(&self, id: NodeId) {
        if self.poll.is_watched.load(Ordering::Relaxed) {
            self.rouse();
        }
        let policy = self.purge_policy();
        if LIMIT.is_time_to_gather() && self.gather_idle() {
            // Threads may have left the others for good.
            for other in self.regular_nodes().filter(|other| *other != id) {
                let arena = &self.node(other).arena;
                arena.reclaim(u32::MAX, arena.marks(policy).high, Reason::Limit);
            }
        }
        self.node(id).arena.keep_within(policy);
    }

    /// Gathers everything that is free, and gives it back to the system where memory is counted. Returns false in a signal handler that
    /// must not gather.
    pub(super) fn gather_all(&self) -> bool {
        let gathered = self.gather_idle();
        if gathered && LIMIT.is_watched() {
            self.regular_nodes().for_each(|id| {
                self.thin_all(id, Reason::Limit);
                self.node(id).arena.reclaim(u32::MAX, 0, Reason::Limit);
            });
        }
        gathered
    }

    /// Gathers what lies idle in windows, depots and slabs, and gives freed mappings back. Returns false in a signal handler that must not.
    fn gather_idle(&self) -> bool {
        // A signal handler that interrupted a holder has already tried the spare node; to gather, it would have to wait.
        if self.holds_any() {
            return false;
        }
        // The spare node is not gathered from either: a handler may be waiting there, and must not wait for this thread.
        self.drain(self.regular_nodes());
        self.huge.release();
        true
    }
}

/// The ceiling of a process that holds so much and may take what its groups have left, except for the part left to what is not larder's,
/// but no more than was asked for.
fn ceiling(held: usize, left: usize, soft: usize) -> usize {
    if left == NONE { soft } else { held.saturating_add(left - left / OTHERS_SHARE).min(soft) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_bound_the_ceiling_is_what_the_option_says() {
        assert_eq!(ceiling(1000, 1600, NONE), 2500);
        assert_eq!((ceiling(1000, 1600, 2000), ceiling(1000, 0, NONE)), (2000, 1000));
        assert_eq!((ceiling(1000, NONE, NONE), ceiling(1000, NONE, 2000)), (NONE, 2000));
    }

    #[test]
    fn without_a_bound_growth_is_no_reason_to_ask() {
        let poll = Poll::new();
        poll.asked(1 << 30);
        assert!((1 << 28..1 << 60).contains(&poll.due_held.load(Ordering::Relaxed)));
        poll.asked(NONE);
        assert!(poll.due_held.load(Ordering::Relaxed) > 1 << 60);
    }
}
