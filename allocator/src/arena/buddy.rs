//! Allocating and freeing runs.

use super::deferred::Deferred;
use super::full::Full;
use super::held::Held;
use super::hollow::Hollow;
use super::huge_pages::{HugePages, growth_end};
use super::large::InUse;
use super::lists::{Kind, Lists};
use super::plots::Plots;
use super::purge::Purge;
use super::quick::Quick;
use super::watermarks::Watermarks;
use crate::base::sync::{AtomicU32, Ordering};
use crate::base::units::{ORDERS, Order, PAGE, Page};
use crate::region::{Region, Run};
use crate::sys::limit::Account;
use crate::sys::lock::{Guard, Lock, Reentered};
use crate::sys::vm::Span;
use crossbeam_utils::CachePadded;

/// Addresses are given up only where at least this many bytes of them are unused.
const LEAST_GIVEN_UP: usize = 4 << 20;
/// The region grows by at least this many pages at a time (256 KiB), so that a small process commits little.
const MIN_GROWTH: u32 = 64;
/// It grows to twice its length, but by no more than this many pages (1 MiB); a region of four times as many or more grows by a quarter of its length,
const DOUBLED_GROWTH: u32 = 256;
/// but by no more than this many pages (32 MiB), unless more are asked for.
const MAX_GROWTH: u32 = 8192;

/// Longer runs are laid by address, and are loose when they are freed.
const LONGEST_FROM_BUDDY: u32 = 8;

/// Where a run may lie.
#[derive(Clone, Copy, Debug)]
pub(super) enum Site {
    /// At a multiple of this many pages (a power of two).
    MultipleOf(u32),
    /// Anywhere; new pages for a run of at most [`LONGEST_FROM_BUDDY`] are laid in the CPU's plot.
    PlotOf(u8),
}

impl Site {
    fn align(self) -> u32 {
        if let Site::MultipleOf(pages) = self { pages } else { 1 }
    }
}

/// See the module's head. All zero is an arena without a region. The fields that every call changes lie together in memory, behind the region, whose own
/// last words are of that kind, too: each of these cache lines comes from another CPU.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Arena {
    pub(super) region: Region,
    /// Warm pages after the last change, for threads that do not hold the lock.
    warm: AtomicU32,
    /// The page (+1) behind the slab that was last cut to its length.
    pub(super) tail: AtomicU32,
    /// Pages in use or warm, as far as the process's account knows.
    pub(super) account: Account,
    pub(super) quick: Quick,
    pub(super) large: InUse,
    pub(super) purge: Purge,
    pub(super) deferred: Deferred,
    /// Counts the pages that are taken and freed.
    activity: AtomicU32,
    pub(super) watermarks: Watermarks,
    pub(super) huge_pages: HugePages,
    pub(super) hollow: Hollow,
    pub(super) full: Full,
    pub(super) plots: Plots,
    /// Padded: waiting threads look at the lock's word all the time.
    pub(super) free: Lock<CachePadded<Lists>>,
}

impl Arena {
    /// Takes over the address range; returns the metadata that is left.
    pub fn settle(&self, space: Span, metadata: Span) -> Span {
        self.region.settle(space, metadata)
    }

    /// The addresses and the pagemap.
    #[inline(always)]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Returns whether the arena's lock is the one at `address`.
    pub fn has_lock_at(&self, address: usize) -> bool {
        self.free.is_at(address)
    }

    /// Returns whether this thread holds the lock.
    pub fn is_held(&self) -> bool {
        self.free.is_mine()
    }

    /// Takes the lock, and frees the runs that other threads left meanwhile.
    pub(super) fn lists(&self) -> Result<Held<'_>, Reentered> {
        Ok(self.hold(self.free.lock()?))
    }

    /// Frees the runs that lay on the deferred stack when the lock was taken; no more, so that threads that leave runs faster cannot keep the holder here.
    fn hold<'a>(&'a self, lists: Guard<'a, CachePadded<Lists>>) -> Held<'a> {
        let mut lists = Held::new(self, lists);
        for _ in 0..self.deferred.count() {
            let Some(run) = self.deferred.pop(&self.region) else { break };
            self.quick.put(run, |run| self.free_locked(&mut lists, run));
        }
        lists
    }

    /// Allocates `pages` pages for a slab of a CPU; `None` if there are none, or if this thread already holds the lock. Leaves it to the caller, who holds
    /// a lock, to call [`Arena::watch_first_touch`].
    pub fn alloc_slab(&self, pages: u32, cpu: u8) -> Option<Run> {
        self.alloc_locked(&mut *self.lists().ok()?, pages, Site::PlotOf(cpu))
    }

    /// Takes a run from the quick list, the free pages, or new pages: in order of cost.
    pub(super) fn alloc_locked(&self, lists: &mut Lists, pages: u32, site: Site) -> Option<Run> {
        let quick = if site.align() == 1 { self.quick.take(pages) } else { None };
        if quick.is_none() && self.quick.is_too_full() {
            self.flush_quick(lists);
        }
        let run = quick.or_else(|| self.take_free(lists, pages, site))?;
        self.watermarks.note(self.in_use(lists));
        self.note_activity(run.pages);
        Some(run)
    }

    fn take_free(&self, lists: &mut Lists, pages: u32, site: Site) -> Option<Run> {
        let (held, align) = (self.held_pages(lists), site.align());
        let run = if !self.may_take(pages) {
            // The process may hold no more, or the node has no memory: only warm pages, which count already.
            self.with_quick_pages(lists, |lists| self.take_only_warm(lists, pages, align))
        } else if pages <= LONGEST_FROM_BUDDY && align == 1 {
            self.take_small(lists, pages, site)
        } else {
            self.take_first_fit(lists, pages, align)
        }?;
        self.note_taken(lists, run.page, run.pages, held);
        Some(run)
    }

    fn take_only_warm(&self, lists: &mut Lists, pages: u32, align: u32) -> Option<Run> {
        self.tidy(lists);
        let stretch = self.take_warm_stretch(lists, pages, align);
        stretch.or_else(|| self.take_warm(lists, Order::holding(pages.max(align)), pages))
    }

    /// For slabs: a warm run if there is any, the smallest that fits; else pages in the CPU's plot; else the lowest free pages.
    fn take_small(&self, lists: &mut Lists, pages: u32, site: Site) -> Option<Run> {
        let order = Order::holding(pages);
        self.take_tail(lists, pages)
            .or_else(|| self.take_warm(lists, order, pages))
            .or_else(|| self.take_tidied(lists, order, pages))
            .or_else(|| if let Site::PlotOf(cpu) = site { self.take_from_plot(lists, pages, cpu) } else { None })
            .or_else(|| self.take_first_fit(lists, pages, 1))
    }

    /// Notes that pages have left the lists; `held` is what [`Arena::held_pages`] was before.
    pub(super) fn note_taken(&self, lists: &Lists, page: Page, pages: u32, held: u32) {
        self.region.free().mark_used(page, pages);
        let fresh = self.held_pages(lists) - held;
        if fresh > 0 {
            self.note_fresh(fresh);
            self.watermarks.regret(self.purge.note_zero_taken(fresh));
            self.ask_again_if_dense(lists);
        }
    }

    /// Pages that are in use or not known to be zero.
    pub(super) fn held_pages(&self, lists: &Lists) -> u32 {
        self.region.pages() - lists.pages(Kind::Zero)
    }

    /// Free pages that are warm: in the lists, in the quick list, or loose.
    pub(super) fn warm_pages(&self, lists: &Lists) -> u32 {
        lists.pages(Kind::Warm) + self.quick.pages() + self.region.loose().count()
    }

    /// Pages that are not free.
    pub(super) fn in_use(&self, lists: &Lists) -> u32 {
        self.region.pages().saturating_sub(self.warm_pages(lists) + lists.pages(Kind::Zero))
    }

    /// Warm pages, approximately now.
    pub fn warm_now(&self) -> u32 {
        self.warm.load(Ordering::Relaxed)
    }

    /// Pages taken and freed so far.
    pub fn activity(&self) -> u32 {
        self.activity.load(Ordering::Relaxed)
    }

    /// After a change, with the lock held: publishes what [`Arena::warm_now`] returns.
    pub(super) fn show_warm(&self, lists: &Lists) {
        self.warm.store(self.warm_pages(lists), Ordering::Relaxed);
    }

    /// Notes that pages were taken or freed. Two threads that do so at once may count as one.
    pub(super) fn note_activity(&self, pages: u32) {
        self.activity.store(self.activity().wrapping_add(pages), Ordering::Relaxed);
    }

    /// Frees the runs in the quick list; returns whether there were any.
    pub(super) fn flush_quick(&self, lists: &mut Lists) -> bool {
        let any = self.quick.pages() > 0;
        while let Some(run) = self.quick.take_any() {
            self.free_locked(lists, run);
        }
        any
    }

    /// Makes an attempt, and once more after the runs in the quick list were freed, if there were any.
    pub(super) fn with_quick_pages<T>(
        &self,
        lists: &mut Lists,
        attempt: impl Fn(&mut Lists) -> Option<T>,
    ) -> Option<T> {
        attempt(lists).or_else(|| if self.flush_quick(lists) { attempt(lists) } else { None })
    }

    /// Frees a run of any length.
    pub fn free(&self, run: Run) {
        self.note_activity(run.pages);
        self.free_soon(run, |lists, run| self.free_locked(lists, run));
    }

    /// Frees a run of used pages with `free`, or leaves it to the thread that holds the lock now; returns whether `free` was called.
    pub(super) fn free_soon(&self, run: Run, free: impl FnOnce(&mut Lists, Run)) -> bool {
        let run = match self.free.try_lock() {
            Some(lists) => {
                free(&mut self.hold(lists), run);
                return true;
            }
            None => run,
        };
        match self.deferred.offer(&self.region, run) {
            Ok(()) => {
                // The holder may have taken what was left before this run came.
                drop(self.free.try_lock().map(|lists| self.hold(lists)));
                false
            }
            Err(run) => self.free_or_leave(run, free),
        }
    }

    /// Like [`Arena::free_soon`], but waits for the lock unless this thread holds it.
    pub(super) fn free_or_leave(&self, run: Run, free: impl FnOnce(&mut Lists, Run)) -> bool {
        match self.lists() {
            Ok(mut lists) => free(&mut lists, run),
            Err(Reentered) => {
                self.deferred.push(&self.region, run);
                return false;
            }
        }
        true
    }

    /// Frees a run that was taken to be purged: this is no activity of the program.
    pub(super) fn free_quietly(&self, run: Run) {
        self.free_or_leave(run, |lists, run| self.free_locked(lists, run));
    }

    /// Takes a warm run of `order` or a higher order, the smallest that fits, and cuts it to `pages` pages.
    pub(super) fn take_warm(&self, lists: &mut Lists, order: Order, pages: u32) -> Option<Run> {
        let newest = |larger| Some((lists.newest(larger, Kind::Warm)?, larger));
        let (page, larger) = (order.0..ORDERS as u8).map(Order).find_map(newest)?;
        lists.remove(&self.region, page, larger, Kind::Warm);
        // The upper halves go back.
        for half in (order.0..larger.0).rev().map(Order) {
            lists.insert(&self.region, page.plus(half.pages()), half, Kind::Warm);
        }
        let (run, tail) = Run { page, pages: order.pages(), zero: false }.split(pages);
        if let Some(tail) = tail {
            self.note_tail(tail.page);
            self.insert_run(lists, tail);
        }
        Some(run)
    }

    /// Gives up to `bytes` of the addresses back that the region has not grown into, but no more than half of them; returns false if they are few.
    pub fn give_up(&self, bytes: usize) -> bool {
        let Ok(_lists) = self.lists() else { return false };
        let unused = self.region.reserved() - self.region.pages() as usize * PAGE;
        unused >= LEAST_GIVEN_UP && self.region.give_up(bytes.min(unused / 2))
    }

    /// Gives back all addresses that the region has not grown into, until they are needed. Does nothing if this thread holds the lock.
    pub fn give_up_unused(&self) {
        if let Ok(_lists) = self.lists() {
            self.region.give_up_unused();
        }
    }

    pub(super) fn reserved_pages(&self) -> u32 {
        (self.region.reserved() / PAGE) as u32
    }

    pub(super) fn most_pages(&self) -> u32 {
        (self.region.most() / PAGE) as u32
    }

    /// Commits at least `pages` more pages, in steps that grow with the region.
    pub(super) fn grow(&self, lists: &mut Lists, pages: u32) -> bool {
        let (end, most, will_fill) = (self.region.pages(), self.most_pages(), self.will_fill_growth(lists));
        if end == 0 {
            self.say_huge_page_policy();
        }
        let beside = (end / 4).max(end.min(DOUBLED_GROWTH)).clamp(MIN_GROWTH, MAX_GROWTH);
        let generous = growth_end(end, pages.max(beside), MIN_GROWTH) - end;
        let step = [generous, pages].into_iter().find(|step| {
            end.checked_add(*step).is_some_and(|to| to <= most) && self.region.extend_to(end + step).is_ok()
        });
        if step.is_none() {
            return false;
        }
        if will_fill {
            self.ask_for_huge_pages(lists, end);
        }
        self.free_locked(lists, Run { page: Page(end), pages: self.region.pages() - end, zero: true });
        true
    }

    /// Makes a run of any length free.
    pub(super) fn free_locked(&self, lists: &mut Lists, run: Run) {
        self.region.free().mark_free(run.page, run.pages);
        if run.pages > LONGEST_FROM_BUDDY { self.leave(lists, run) } else { self.insert_run(lists, run) }
    }

    /// Puts a run of any length into the lists, cut into naturally aligned powers of two.
    pub(super) fn insert_run(&self, lists: &mut Lists, run: Run) {
        let kind = Kind::of(run.zero);
        let (mut page, mut left) = (run.page, run.pages);
        while left > 0 {
            let order = page.natural_order().min(Order::within(left));
            self.insert_merged(lists, page, order, kind);
            page = page.plus(order.pages());
            left -= order.pages();
        }
    }

    /// Inserts a run, merging it with its buddy as long as the buddy is free, whole, and of the same kind.
    fn insert_merged(&self, lists: &mut Lists, page: Page, order: Order, kind: Kind) {
        let (mut page, mut order) = (page, order);
        while let Some(buddy) = self.mergeable_buddy(page, order, kind) {
            lists.remove(&self.region, buddy, order, kind);
            page = page.min(buddy);
            order = Order(order.0 + 1);
        }
        lists.insert(&self.region, page, order, kind);
    }

    /// Returns the buddy of a free run if the two must be merged.
    pub(super) fn mergeable_buddy(&self, page: Page, order: Order, kind: Kind) -> Option<Page> {
        let buddy = Page(page.0 ^ order.pages());
        if order.index() + 1 >= ORDERS || buddy.0 >= self.region.pages() {
            return None;
        }
        (self.region.entry(buddy).as_free()? == (order, kind == Kind::Warm)).then_some(buddy)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::units::MAX_RUN_PAGES;
    use crate::region::Region;
    extern crate std;
    use std::vec::Vec;

    impl Arena {
        /// Allocates `pages` pages whose first is a multiple of `align` pages.
        pub fn alloc(&self, pages: u32, align: u32) -> Option<Run> {
            let run = self.alloc_locked(&mut *self.lists().ok()?, pages, Site::MultipleOf(align))?;
            self.watch_first_touch(&run);
            Some(run)
        }
    }

    /// Frees a run as one that was written to.
    pub(in crate::arena) fn free(arena: &Arena, run: Run) {
        arena.free(Run { zero: false, ..run });
        assert_eq!(arena.validate(), Ok(()));
    }

    /// Warm pages in the lists, and loose ones.
    pub(in crate::arena) fn listed_and_loose(arena: &Arena) -> (u32, u32) {
        (arena.lists().unwrap().pages(Kind::Warm), arena.region.loose().count())
    }

    pub(in crate::arena) fn arena() -> Arena {
        arena_of(16384 * PAGE)
    }

    /// An arena whose region begins at a multiple of its length.
    fn arena_of(len: usize) -> Arena {
        let arena = Arena::default();
        let metadata = Span::reserve(Region::metadata_len(len), PAGE).unwrap();
        arena.settle(Span::reserve(len, len).unwrap(), metadata);
        arena
    }

    #[test]
    fn addresses_are_given_up_by_halves_at_most_and_not_those_in_use() {
        let arena = arena();
        let run = arena.alloc(4096, 1).unwrap();
        let (all, in_use) = (arena.region().reserved(), arena.region().pages() as usize * PAGE);
        assert!(arena.give_up(2 * PAGE));
        let rest = all - 2 * PAGE;
        assert_eq!(arena.region().reserved(), rest);
        assert!(arena.give_up(all));
        assert_eq!(arena.region().reserved(), rest - (rest - in_use) / 2);
        while arena.give_up(all) {}
        let left = arena.region().reserved() - in_use;
        assert!((LEAST_GIVEN_UP / 2..LEAST_GIVEN_UP).contains(&left));
        assert!(arena.alloc(8192, 1).is_none() && arena.alloc(64, 1).is_some());
        arena.free(run);
        assert!(arena.alloc(4096, 1).is_some());
    }

    #[test]
    fn what_cannot_be_aligned_here_grows_nothing() {
        let arena = arena_of(8 * MAX_RUN_PAGES as usize * PAGE);
        assert!(arena.alloc_large(256, 2 * MAX_RUN_PAGES).is_none() && arena.region().pages() == 0);
        assert!(arena.alloc_large(256, MAX_RUN_PAGES / 2).is_some());
    }

    #[test]
    fn a_free_does_not_wait_for_who_holds_the_lock() {
        let arena = arena();
        let runs: Vec<_> = (0..10).map(|_| arena.alloc(20, 1).unwrap()).collect();
        let before = arena.free_pages();
        let held = arena.lists().unwrap();
        let freed = || runs.into_iter().for_each(|run| arena.free(Run { zero: false, ..run }));
        std::thread::scope(|scope| scope.spawn(freed).join().unwrap());
        assert_eq!(arena.warm_pages(&held), before.0, "left to the next holder");
        drop(held);
        assert_eq!(arena.free_pages(), (before.0 + 200, before.1));
        assert_eq!(arena.deferred.count(), 0, "nobody need wait");
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn a_long_run_waits_for_its_length_until_another_is_asked_for() {
        let arena = arena();
        let [run, _between, zero, _last] = [3000, 1, 2500, 1].map(|pages| arena.alloc(pages, 1).unwrap());
        let page = run.page;
        arena.free(zero);
        arena.trim(0);
        let free = |run| arena.free_soon(run, |lists, run| arena.quick.put(run, |run| arena.free_locked(lists, run)));
        free(Run { zero: false, ..run });
        assert_eq!(arena.quick.pages(), 3000);
        let again = arena.alloc(3000, 1).unwrap();
        assert_eq!(again.page, page);
        free(Run { zero: false, ..again });
        let other = arena.alloc(2000, 1).unwrap();
        assert_eq!((other.page, other.zero, arena.quick.pages()), (page, false, 0), "what is warm is used first");
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn what_threads_free_at_once_is_all_there() {
        let arena = arena();
        let free = |_| {
            (0..2000).for_each(|_| {
                let run = arena.alloc(20, 1).unwrap();
                arena.free(Run { zero: false, ..run });
            })
        };
        std::thread::scope(|scope| (0..4).for_each(|number| drop(scope.spawn(move || free(number)))));
        let (warm, zero) = arena.free_pages();
        assert_eq!(warm + zero, arena.region().pages());
        assert_eq!(arena.validate(), Ok(()));
    }
}
