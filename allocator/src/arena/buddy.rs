//! Allocating and freeing runs.

use super::deferred::Deferred;
use super::lists::{Kind, Lists};
use super::purge::{Purge, PurgePolicy};
use super::quick::Quick;
use crate::base::sync::{Gauge, Ordering};
use crate::base::units::{MAX_RUN_PAGES, ORDERS, Order, Page};
use crate::region::{Entry, Region, Run};
use crate::sys::lock::{Guard, Lock, Reentered};
use crate::sys::vm::Span;

/// The region grows by at least this many pages at a time (256 KiB), so that a small process commits little.
const MIN_GROWTH: u32 = 64;
/// The region grows by at most this many pages more than asked for (32 MiB).
const MAX_GROWTH: u32 = 8192;

/// Runs of at least this order (2 MiB) merge only with their own kind, and so stay known to be zero; smaller ones merge with any, else the
/// tails that large objects give back would lie between warm runs for ever.
const PURE_ORDER: Order = Order(9);
/// Runs looked at for a stretch of free pages.
const STRETCH_TRIES: u32 = 4;

/// See the module's head. All zero is an arena without a region.
#[derive(Debug, Default)]
pub struct Arena {
    pub(super) region: Region,
    pub(super) free: Lock<Lists>,
    pub(super) purge: Purge,
    pub(super) quick: Quick,
    deferred: Deferred,
    large_pages: Gauge,
    large_count: Gauge,
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

    /// Pages and number of large objects in use.
    pub fn large_in_use(&self) -> (u64, u64) {
        (self.large_pages.get(), self.large_count.get())
    }

    /// Whether this thread is in a signal handler that interrupted it while it held the lock.
    pub fn is_interrupted(&self) -> bool {
        self.free.is_mine()
    }

    /// Takes the lock and frees what signal handlers left meanwhile.
    pub(super) fn lists(&self) -> Result<Guard<'_, Lists>, Reentered> {
        let mut lists = self.free.lock()?;
        while let Some(run) = self.deferred.pop(&self.region) {
            self.insert_run(&mut lists, run);
        }
        Ok(lists)
    }

    /// Allocates `pages` pages whose first is a multiple of `align` pages (a power of two); `None` if there are none, or if this
    /// thread holds the lock already.
    pub fn alloc(&self, pages: u32, align: u32) -> Option<Run> {
        if pages > MAX_RUN_PAGES || align > MAX_RUN_PAGES {
            return None;
        }
        self.alloc_locked(&mut *self.lists().ok()?, pages, align)
    }

    /// The quick list, a stretch freed lately, the buddy, new memory: in order of cost.
    fn alloc_locked(&self, lists: &mut Lists, pages: u32, align: u32) -> Option<Run> {
        let order = Order::holding(pages.max(align));
        if align == 1
            && let Some(run) = self.quick.take(pages)
        {
            self.purge.note_warm(self.warm_pages(lists));
            return Some(run);
        }
        let stretch = if align == 1 { self.take_stretch(lists, pages) } else { None };
        let run = stretch.or_else(|| self.take(lists, order)).or_else(|| self.grow_and_take(lists, order))?;
        let (run, tail) = run.split(pages);
        if let Some(tail) = tail {
            self.insert_run(lists, tail);
        }
        self.purge.note_warm(self.warm_pages(lists));
        Some(run)
    }

    /// Free pages that are warm, in the lists or the quick list.
    pub(super) fn warm_pages(&self, lists: &Lists) -> u32 {
        lists.pages(Kind::Warm) + self.quick.pages()
    }

    /// Moves the quick list's runs to the buddy.
    pub(super) fn flush_quick(&self, lists: &mut Lists) {
        while let Some(run) = self.quick.take_any() {
            self.insert_run(lists, run);
        }
    }

    /// Frees a run of any length.
    pub fn free(&self, run: Run) {
        match self.lists() {
            Ok(mut lists) => self.insert_run(&mut lists, run),
            Err(Reentered) => self.deferred.push(&self.region, run),
        }
    }

    /// Allocates a large object of `pages` pages; its address, and whether it is known to be zero.
    pub fn alloc_large(&self, pages: u32, align: u32) -> Option<(usize, bool)> {
        if pages > MAX_RUN_PAGES || align > MAX_RUN_PAGES {
            return None;
        }
        let mut lists = self.lists().ok()?;
        let run = self.alloc_locked(&mut lists, pages, align)?;
        Some((self.region.address(run.page), self.publish_large(&run)))
    }

    /// Marks a run as a large object; the caller holds the lock. Whether it is zero.
    fn publish_large(&self, run: &Run) -> bool {
        self.large_pages.add(run.pages as u64);
        self.large_count.add(1);
        self.region.links(run.page).first.store(run.pages, Ordering::Relaxed);
        self.region.map().set(run.page, Entry::LARGE);
        run.zero
    }

    /// Takes back the run of a large object; `None` if none begins there (any more).
    fn claim_large(&self, page: Page) -> Option<Run> {
        let pages = self.region.large_pages(page);
        // Two threads that free one object at once meet here, also where one of them could not take the lock.
        if !self.region.map().replace(page, Entry::LARGE, Entry::NONE) {
            return None;
        }
        self.large_pages.sub(pages as u64);
        self.large_count.sub(1);
        Some(Run { page, pages, zero: false })
    }

    /// Frees a large object, and now and then gives pages back as the policy says; false if none begins there (any more).
    pub fn free_large(&self, page: Page, policy: PurgePolicy) -> bool {
        let Ok(mut lists) = self.lists() else {
            return self.claim_large(page).map(|run| self.deferred.push(&self.region, run)).is_some();
        };
        let Some(run) = self.claim_large(page) else { return false };
        if let Some(run) = self.quick.put(run) {
            self.insert_run(&mut lists, run);
        }
        let look = self.purge.is_time_to_look() || self.warm_pages(&lists) > policy.limit_pages;
        drop(lists);
        if look {
            self.purge_by(policy);
        }
        true
    }

    /// Moves a large object's pages out, to where `elsewhere` makes of them what it returns; if that is nothing they come back.
    pub fn move_large_out<R>(&self, page: Page, elsewhere: impl FnOnce(Span) -> Result<R, Span>) -> Option<R> {
        let run = Run { page, pages: self.region.large_pages(page), zero: true };
        let span = self.region.move_out(&run).ok()?;
        match elsewhere(span) {
            Ok(moved) => {
                let mut lists = self.lists();
                let claimed = self.claim_large(page).is_some();
                match &mut lists {
                    // Somebody else freed it meanwhile, and its run with it.
                    _ if !claimed => {}
                    Ok(lists) => self.insert_run(lists, run),
                    Err(Reentered) => self.deferred.push(&self.region, run),
                }
                Some(moved)
            }
            Err(span) => {
                self.region.move_in(&run, span);
                None
            }
        }
    }

    /// Makes a large object `pages` pages long where it lies; false if what follows it is not free.
    pub fn resize_large(&self, page: Page, pages: u32) -> bool {
        let old = self.region.large_pages(page);
        if pages == old {
            return true;
        }
        let Ok(mut lists) = self.lists() else { return false };
        if pages < old {
            self.shrink(&mut lists, page, old, pages);
            return true;
        }
        let grown = pages <= MAX_RUN_PAGES && self.take_following(&mut lists, page.plus(old), pages - old);
        if grown {
            self.region.links(page).first.store(pages, Ordering::Relaxed);
            self.large_pages.add((pages - old) as u64);
        }
        grown
    }

    fn shrink(&self, lists: &mut Lists, page: Page, old: u32, pages: u32) {
        self.region.links(page).first.store(pages, Ordering::Relaxed);
        self.large_pages.sub((old - pages) as u64);
        self.insert_run(lists, Run { page: page.plus(pages), pages: old - pages, zero: false });
    }

    /// Takes exactly `pages` free pages that begin at `page`, growing the region if it ends there; all or nothing.
    fn take_following(&self, lists: &mut Lists, page: Page, pages: u32) -> bool {
        let (mut have, mut all_zero, mut last_zero) = (0, true, true);
        while have < pages {
            let next = page.plus(have);
            if next.0 == self.region.pages() && !self.grow(lists, pages - have) {
                break;
            }
            let Some((order, warm)) = self.region.entry(next).as_free() else { break };
            lists.remove(&self.region, next, order, Kind::of(!warm));
            have += order.pages();
            (all_zero, last_zero) = (all_zero && !warm, !warm);
        }
        let keep = if have >= pages { pages } else { 0 };
        if have > keep {
            // What is left of a success is of the last run taken; a failure gives all of them back.
            let zero = if keep > 0 { last_zero } else { all_zero };
            self.insert_run(lists, Run { page: page.plus(keep), pages: have - keep, zero });
        }
        keep == pages
    }

    /// Takes `pages` pages, not a power of two, where a run of that length was freed lately: a warm run of the largest power of two within,
    /// followed by enough free pages. (Its rest may be of the other kind, so the whole need not have merged.)
    fn take_stretch(&self, lists: &mut Lists, pages: u32) -> Option<Run> {
        let order = Order::within(pages);
        if order.pages() == pages {
            return None;
        }
        let mut candidate = lists.newest(order, Kind::Warm);
        for _ in 0..STRETCH_TRIES {
            let page = candidate?;
            if self.is_free_stretch(page, pages) && self.take_following(lists, page, pages) {
                return Some(Run { page, pages, zero: false });
            }
            candidate = lists.older(&self.region, page);
        }
        None
    }

    fn is_free_stretch(&self, page: Page, pages: u32) -> bool {
        let mut have = 0;
        while have < pages {
            let next = page.plus(have);
            let Some((order, _)) = (next.0 < self.region.pages()).then(|| self.region.entry(next).as_free()).flatten()
            else {
                return false;
            };
            have += order.pages();
        }
        true
    }

    /// Takes a run of `order`: warm before zero, the smallest that fits.
    fn take(&self, lists: &mut Lists, order: Order) -> Option<Run> {
        for kind in [Kind::Warm, Kind::Zero] {
            for larger in (order.0..ORDERS as u8).map(Order) {
                if let Some(page) = lists.newest(larger, kind) {
                    lists.remove(&self.region, page, larger, kind);
                    self.split(lists, page, larger, order, kind);
                    return Some(Run { page, pages: order.pages(), zero: kind == Kind::Zero });
                }
            }
        }
        None
    }

    /// Gives the upper halves back until `order` is left.
    fn split(&self, lists: &mut Lists, page: Page, from: Order, to: Order, kind: Kind) {
        for order in (to.0..from.0).rev().map(Order) {
            lists.insert(&self.region, page.plus(order.pages()), order, kind);
        }
    }

    /// Grows the region; if the system refuses, gives all warm runs back so that they merge, and tries once more.
    fn grow_and_take(&self, lists: &mut Lists, order: Order) -> Option<Run> {
        let end = self.region.pages();
        let aligned = end.next_multiple_of(order.pages());
        if self.grow(lists, aligned - end + order.pages()) {
            return self.take(lists, order);
        }
        self.flush_quick(lists);
        self.purge_all_locked(lists);
        self.take(lists, order)
    }

    /// Commits at least `pages` more pages, in steps that grow with the region.
    fn grow(&self, lists: &mut Lists, pages: u32) -> bool {
        let end = self.region.pages();
        let limit = (self.region.reserved() / crate::base::units::PAGE) as u32;
        let generous = pages.max((end / 4).clamp(MIN_GROWTH, MAX_GROWTH)).next_multiple_of(MIN_GROWTH);
        let step = [generous, pages].into_iter().find(|step| {
            end.checked_add(*step).is_some_and(|to| to <= limit) && self.region.extend_to(end + step).is_ok()
        });
        if step.is_some() {
            self.insert_run(lists, Run { page: Page(end), pages: self.region.pages() - end, zero: true });
        }
        step.is_some()
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

    /// Merges with the buddy while that is free, whole, and may be merged with.
    fn insert_merged(&self, lists: &mut Lists, page: Page, order: Order, kind: Kind) {
        let (mut page, mut order, mut kind) = (page, order, kind);
        while let Some((buddy, of)) = self.mergeable_buddy(page, order, kind) {
            lists.remove(&self.region, buddy, order, of);
            page = page.min(buddy);
            order = Order(order.0 + 1);
            kind = if of == kind { kind } else { Kind::Warm };
        }
        lists.insert(&self.region, page, order, kind);
    }

    /// The buddy of a free run, if the two should be one: of the same kind, or small.
    fn mergeable_buddy(&self, page: Page, order: Order, kind: Kind) -> Option<(Page, Kind)> {
        let buddy = Page(page.0 ^ order.pages());
        if order.index() + 1 >= ORDERS || buddy.0 >= self.region.pages() {
            return None;
        }
        let (of_order, warm) = self.region.entry(buddy).as_free()?;
        let of = Kind::of(!warm);
        (of_order == order && (of == kind || order < PURE_ORDER)).then_some((buddy, of))
    }

    /// Free runs by order, as (warm, zero): buddyinfo.
    pub fn free_runs(&self, order: Order) -> (u32, u32) {
        match self.lists() {
            Ok(lists) => (lists.count(order, Kind::Warm), lists.count(order, Kind::Zero)),
            Err(Reentered) => (0, 0),
        }
    }

    /// Free pages as (warm, zero).
    pub fn free_pages(&self) -> (u32, u32) {
        match self.lists() {
            Ok(lists) => (self.warm_pages(&lists), lists.pages(Kind::Zero)),
            Err(Reentered) => (0, 0),
        }
    }

    /// In a forked child: rebuilds the lists from the pagemap if a thread that no longer exists held the lock.
    pub fn rebuild(&self) {
        let Some(mut lists) = self.free.inherit() else { return };
        lists.clear();
        self.quick.recount();
        for page in (0..self.region.pages()).map(Page) {
            if let Some((order, warm)) = self.region.entry(page).as_free() {
                lists.insert(&self.region, page, order, Kind::of(!warm));
            }
        }
    }

    /// Checks every invariant; the caller has stopped the world.
    pub fn validate(&self) -> Result<(), &'static str> {
        let Ok(lists) = self.lists() else { return Err("the arena's lock is held by this thread") };
        let mut seen = [[0_u32; ORDERS]; 2];
        let mut page = 0;
        while page < self.region.pages() {
            page += match self.region.entry(Page(page)).as_free() {
                Some((order, warm)) => {
                    seen[Kind::of(!warm) as usize][order.index()] += 1;
                    self.validate_free(Page(page), order, warm)?;
                    order.pages()
                }
                None => 1,
            };
        }
        let agree = (0..ORDERS).all(|order| {
            [Kind::Warm, Kind::Zero]
                .iter()
                .all(|&kind| lists.count(Order(order as u8), kind) == seen[kind as usize][order])
        });
        if agree { Ok(()) } else { Err("the pagemap and the free lists disagree") }
    }

    fn validate_free(&self, page: Page, order: Order, warm: bool) -> Result<(), &'static str> {
        if !page.0.is_multiple_of(order.pages()) {
            return Err("a free run is not naturally aligned");
        }
        if self.mergeable_buddy(page, order, Kind::of(!warm)).is_some() {
            return Err("two free buddies were not merged");
        }
        let clean = (1..order.pages()).all(|offset| self.region.entry(page.plus(offset)) == Entry::NONE);
        if clean { Ok(()) } else { Err("a page inside a free run says something else") }
    }
}
