//! The helper thread: gives memory back while the program does not call larder.
//!
//! ```text
//! none ── enough lies idle, and the program has threads ──▶ starting ──▶ awake ◀── enough lies idle ── asleep
//!                                                             │            └── nothing left to do ──────▶
//!                                                             └── the system refuses ──▶ never
//! ```
//!
//! It is started by a thread that frees, once [`START_BYTES`] lie idle; by one that takes as much from slabs to windows, if the windows of
//! all CPUs could hide it; or by one that takes memory near the bound of its control group. In each case the program must have more than
//! one thread already: a program of one thread may be about to enter a sandbox that kills processes which create threads, or namespaces
//! that only single-threaded programs may enter (`idle:always` starts it there too, `idle:off` nowhere; setuid programs never get one).
//! Awake it looks twenty times in a purge delay (see [`tend`](super::tend)); asleep it waits for ever and costs nothing.
//!
//! Fork: a child has none; the first thread that frees enough there starts one, once the child is repaired. Exit: it ends with the process. It holds no lock while it
//! waits.

use super::Heap;
use crate::base::sync::{AtomicU32, AtomicU64, Ordering};
use crate::base::units::PAGE;
use crate::sys::helper::{self, Helper};
use crate::sys::lock::{Guard, Lock};
use crate::sys::options::Key;
use crate::sys::thread::SignalsBlocked;
use crate::sys::{arch, environment, syscall};

const NONE: u32 = 0;
const STARTING: u32 = 1;
const AWAKE: u32 = 2;
const ASLEEP: u32 = 3;
const NEVER: u32 = 4;

/// Idle memory worth a thread.
const START_BYTES: u64 = 16 << 20;
/// Idle memory worth waking it.
const WAKE_BYTES: u64 = 1 << 20;
/// Free bytes of a node that the windows of a CPU may well come to hold. A `free` that hits tells nobody.
const HIDDEN_BY_A_CPU: u64 = 3 << 20;

/// See the module. All zero has no thread.
#[derive(Debug)]
pub(super) struct Idle {
    state: AtomicU32,
    thread: Helper,
    /// Bytes of objects that went back to their slabs since the helper last slept.
    returned: AtomicU64,
    /// Bytes of objects that went from their slabs to windows since then.
    dealt: AtomicU64,
    /// Bytes that lay idle when it went to sleep: it need not be woken for what it did not give back then.
    left: AtomicU64,
    looks: AtomicU64,
    /// Held while it works, so that `validate` can keep it from working.
    work: Lock<()>,
}

impl Idle {
    pub(super) const fn new() -> Idle {
        Idle {
            state: AtomicU32::new(NONE),
            thread: Helper::new(),
            returned: AtomicU64::new(0),
            dealt: AtomicU64::new(0),
            left: AtomicU64::new(0),
            looks: AtomicU64::new(0),
            work: Lock::new(()),
        }
    }

    /// Returns whether a helper thread takes care of idle memory.
    pub(super) fn has_thread(&self) -> bool {
        matches!(self.state.load(Ordering::Relaxed), AWAKE | ASLEEP)
    }

    /// Keeps the helper from its work while the returned guard lives.
    pub(super) fn pause(&self) -> Option<Guard<'_, ()>> {
        self.work.lock().ok()
    }

    /// The number of this look, from 1 on.
    pub(super) fn count_look(&self) -> u64 {
        self.looks.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// In a forked child: forgets the parent's helper.
    pub(super) fn forked(&self) {
        drop(self.work.inherit());
        self.left.store(0, Ordering::Relaxed);
        if self.state.load(Ordering::Relaxed) != NEVER {
            self.state.store(NONE, Ordering::Relaxed);
        }
    }

    fn futex(&self) -> *const u32 {
        (&raw const self.state).cast()
    }
}

impl Heap {
    /// Called after objects of so many bytes went to a depot or back to their slabs, or a run to the arena: starts or wakes the helper if
    /// enough lies idle.
    pub(super) fn nudge(&self, returned: u64) {
        let state = self.idle.state.load(Ordering::Relaxed);
        if state == AWAKE || state == NEVER {
            return;
        }
        if returned > 0 {
            // An update lost to another thread's is made up for by the next.
            self.idle.returned.store(self.idle.returned.load(Ordering::Relaxed) + returned, Ordering::Relaxed);
        }
        if state == ASLEEP && self.lies_idle(WAKE_BYTES) {
            self.wake();
        } else if state == NONE && self.lies_idle(START_BYTES) {
            self.start_helper();
        }
    }

    /// Called after objects of so many bytes went from their slabs to a window. If they are freed to the windows of many CPUs, there is no
    /// other moment to start or wake the helper. It takes [`START_BYTES`] for either: a window that was drained and is filled again is no
    /// news.
    pub(super) fn nudge_dealt(&self, bytes: u64) {
        let state = self.idle.state.load(Ordering::Relaxed);
        if !(state == NONE || state == ASLEEP) || !self.may_hide_much() {
            return;
        }
        let dealt = self.idle.dealt.load(Ordering::Relaxed) + bytes;
        self.idle.dealt.store(dealt, Ordering::Relaxed);
        if dealt >= START_BYTES {
            self.rouse();
        }
    }

    /// Called when memory becomes scarce: the helper must watch what others leave of it.
    pub(super) fn rouse(&self) {
        match self.idle.state.load(Ordering::Relaxed) {
            ASLEEP => self.wake(),
            NONE => self.start_helper(),
            _ => {}
        }
    }

    /// Returns whether the windows of all CPUs may come to hold enough to be worth a thread. A CPU has windows for each node that gave memory.
    fn may_hide_much(&self) -> bool {
        let giving = self.regular_nodes().filter(|id| self.node(*id).arena.region().pages() > 0).count();
        (self.cpus.in_use() * giving) as u64 * HIDDEN_BY_A_CPU >= START_BYTES
    }

    fn lies_idle(&self, least: u64) -> bool {
        self.idle.returned.load(Ordering::Relaxed) >= least
            || self.idle_bytes() >= self.idle.left.load(Ordering::Relaxed) + least
    }

    fn idle_bytes(&self) -> u64 {
        let pages: u64 = self.all_nodes().map(|id| self.idle_pages(id) as u64).sum();
        pages * PAGE as u64 + self.huge.warm_bytes() as u64
    }

    fn wake(&self) {
        if self.idle.state.compare_exchange(ASLEEP, AWAKE, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            syscall::futex_wake_one(self.idle.futex());
        }
    }

    #[cold]
    fn start_helper(&self) {
        let Some(entry) = self.hooks.helper else { return };
        let wanted = match self.settings.get(Key::Idle) {
            0 => arch::libc_single_threaded() == Some(false),
            1 => true,
            _ => false,
        };
        if !wanted {
            return;
        }
        // A signal handler may have forked since this call passed the gate, and the child's repair must not meet a helper: it would take the
        // helper's locks for orphaned. So the gate comes again, and no handler runs between it and the start.
        let _signals = SignalsBlocked::new();
        let is_first = || self.idle.state.compare_exchange(NONE, STARTING, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if !self.enter() || !is_first() {
            return;
        }
        // Stored before the thread runs, because the thread itself may change it.
        self.idle.state.store(AWAKE, Ordering::Release);
        if environment::is_privileged() || self.idle.thread.start(entry).is_err() {
            self.idle.state.store(NEVER, Ordering::Release);
        }
    }

    /// The helper thread's life.
    pub fn serve(&self) -> ! {
        helper::settle_in();
        // If this is refused, windows are left to their CPUs.
        let _may_drain = syscall::register_for_restarts();
        let mut watch = self.begin_watch();
        loop {
            let has_more = self.tend();
            self.heed(&mut watch);
            if has_more {
                syscall::futex_wait_for(self.idle.futex(), AWAKE, self.look_every_ms());
            } else {
                self.sleep();
            }
        }
    }

    /// Falls asleep, unless the program has been at work since the last look began: what was freed meanwhile woke nobody.
    fn fall_asleep(&self) {
        self.idle.returned.store(0, Ordering::Relaxed);
        self.idle.dealt.store(0, Ordering::Relaxed);
        self.idle.left.store(self.idle_bytes(), Ordering::Relaxed);
        self.idle.state.store(ASLEEP, Ordering::SeqCst);
        if self.lies_idle(WAKE_BYTES) || self.has_been_busy() {
            self.idle.state.store(AWAKE, Ordering::Relaxed);
        }
    }

    fn sleep(&self) {
        self.fall_asleep();
        while self.idle.state.load(Ordering::Acquire) == ASLEEP {
            syscall::futex_wait(self.idle.futex(), ASLEEP);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::super::place::tests::tree;
    use super::*;
    use crate::base::units::Class;
    use crate::region::Object;
    use crate::sys::topology::Topology;
    extern crate std;
    use std::time::Duration;
    use std::vec::Vec;

    const SIZE: usize = 64;
    const OBJECTS: usize = 5000;

    /// A heap whose objects lie in windows, depots and inboxes, and that believes it has a helper.
    fn heap_with_much_free(topology: Topology<'_>) -> Heap {
        let heap = Heap::new();
        heap.settings().read("purge_delay_ms:0");
        assert!(heap.boot_as(&Shape { topology, region_len: 64 << 20 }));
        heap.idle.state.store(AWAKE, Ordering::Relaxed);
        let class = Class::for_layout(SIZE, 16).unwrap();
        let objects: Vec<_> = (0..2 * OBJECTS).map(|_| heap.alloc(SIZE, 16)).collect();
        let (freed, left) = objects.split_at(OBJECTS);
        freed.iter().for_each(|object| heap.free(*object));
        for &object in left {
            let home = heap.home_of(object as usize).unwrap();
            heap.node(home).depots.inbox(class).push(heap.cpus.links(home.index()), Object::mint(object as usize));
        }
        heap
    }

    /// The helper has no area in which to find a CPU number, nor may it ask libc. If it did, this test would not end well.
    #[test]
    fn what_the_helper_does_never_asks_for_its_cpu() {
        let root = tree("helper");
        let may_drain = syscall::register_for_restarts().is_ok();
        for topology in [Topology::single(), Topology::read(root.to_str().unwrap())] {
            let heap = heap_with_much_free(topology);
            heap.cpus.forbid();
            while heap.tend() {
                std::thread::sleep(Duration::from_millis(10));
            }
            heap.gather_everywhere();
            let class = Class::for_layout(SIZE, 16).unwrap();
            let left: u32 = heap.all_nodes().map(|id| heap.node(id).slabs.figures(class).slabs).sum();
            assert!(left == 0 || !may_drain, "{left} slabs");
        }
        std::fs::remove_dir_all(&root).unwrap();
    }

    const LARGE: usize = 30 << 10;

    /// A heap whose helper sleeps.
    fn asleep(topology: Topology<'_>) -> Heap {
        let heap = Heap::new();
        assert!(heap.boot_as(&Shape { topology, region_len: 128 << 20 }));
        heap.idle.state.store(ASLEEP, Ordering::Relaxed);
        heap
    }

    /// The helper's state after so many bytes of a node were dealt.
    fn state_after(heap: &Heap, node: usize, bytes: u64) -> u32 {
        (0..bytes / LARGE as u64).for_each(|_| assert!(!heap.alloc_on(node, LARGE, 16).is_null()));
        heap.idle.state.load(Ordering::Relaxed)
    }

    /// Objects dealt to the windows of many CPUs will be freed there, and then nobody is told.
    #[test]
    fn what_many_cpus_hide_wakes_it() {
        let [few, many] = [(); 2].map(|()| asleep(Topology::single()));
        assert!(state_after(&few, 0, 2 * START_BYTES) == ASLEEP || few.may_hide_much());
        many.cpus.pretend_in_use(START_BYTES.div_ceil(HIDDEN_BY_A_CPU) as usize);
        assert_eq!(state_after(&many, 0, START_BYTES / 2), ASLEEP);
        if many.may_hide_much() {
            assert_eq!(state_after(&many, 0, START_BYTES), AWAKE);
        }
    }

    /// A CPU has windows for each node, so half as many CPUs hide as much of two nodes.
    #[test]
    fn what_cpus_hide_of_many_nodes_wakes_it() {
        let root = tree("hidden");
        let heap = asleep(Topology::read(root.to_str().unwrap()));
        let cpus = START_BYTES.div_ceil(2 * HIDDEN_BY_A_CPU) as usize;
        heap.cpus.pretend_in_use(cpus);
        // Behind locks as many CPUs are in use as the number of this one says.
        let are_so_many = || heap.cpus.in_use() == cpus;
        assert!(state_after(&heap, 0, 2 * START_BYTES) == ASLEEP || !are_so_many());
        assert!(state_after(&heap, 1, 2 * START_BYTES) == AWAKE || !are_so_many());
        std::fs::remove_dir_all(&root).unwrap();
    }

    /// What the program frees during the helper's last look wakes nobody: the helper looks again instead of falling asleep.
    #[test]
    fn what_is_freed_during_the_last_look_is_no_secret() {
        const LARGE: usize = 1 << 20;
        let heap = Heap::new();
        heap.settings().read("purge_delay_ms:100");
        assert!(heap.boot_as(&Shape { topology: Topology::single(), region_len: 256 << 20 }));
        heap.idle.state.store(AWAKE, Ordering::Relaxed);
        let tend = || {
            while heap.tend() {
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        let objects: Vec<_> = (0..20).map(|_| heap.alloc(LARGE, 16)).collect();
        tend();
        objects.into_iter().for_each(|object| heap.free(object));
        heap.fall_asleep();
        assert_eq!(heap.idle.state.load(Ordering::Relaxed), AWAKE);
        tend();
        assert!(heap.idle_bytes() < LARGE as u64, "{} bytes lie idle", heap.idle_bytes());
        heap.fall_asleep();
        assert_eq!(heap.idle.state.load(Ordering::Relaxed), ASLEEP);
    }
}
