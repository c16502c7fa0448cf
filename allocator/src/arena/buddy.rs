//! Allocating and freeing runs.

use super::deferred::Deferred;
use super::lists::{Kind, Lists};
use super::purge::Purge;
use crate::base::sync::{Gauge, Ordering};
use crate::base::units::{MAX_RUN_PAGES, ORDERS, Order, Page};
use crate::region::{Entry, Region, Run};
use crate::sys::lock::{Guard, Lock, Reentered};
use crate::sys::vm::Span;

/// The region grows by at least this many pages at a time (256 KiB), so that a small process commits little.
const MIN_GROWTH: u32 = 64;
/// The region grows by at most this many pages more than asked for (32 MiB).
const MAX_GROWTH: u32 = 8192;

/// Runs looked at for a stretch of free pages.
const STRETCH_TRIES: u32 = 4;

/// See the module's head. All zero is an arena without a region.
#[derive(Debug, Default)]
pub struct Arena {
    pub(super) region: Region,
    pub(super) free: Lock<Lists>,
    pub(super) purge: Purge,
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
        let order = Order::holding(pages.max(align));
        let mut lists = self.lists().ok()?;
        let stretch = if align == 1 { self.take_stretch(&mut lists, pages) } else { None };
        let run = stretch.or_else(|| self.take(&mut lists, order)).or_else(|| self.grow_and_take(&mut lists, order))?;
        let (run, tail) = run.split(pages);
        if let Some(tail) = tail {
            self.insert_run(&mut lists, tail);
        }
        self.purge.note_warm(lists.pages(Kind::Warm));
        Some(run)
    }

    /// Frees a run of any length.
    pub fn free(&self, run: Run) {
        match self.lists() {
            Ok(mut lists) => self.insert_run(&mut lists, run),
            Err(Reentered) => self.deferred.push(&self.region, run),
        }
    }

    /// Marks a run as a large object of the program.
    pub fn publish_large(&self, run: Run) -> usize {
        self.large_pages.add(run.pages as u64);
        self.large_count.add(1);
        self.region.links(run.page).first.store(run.pages, Ordering::Relaxed);
        self.region.map().set(run.page, Entry::LARGE);
        self.region.address(run.page)
    }

    /// Takes back the run of a large object; `None` if none begins there (any more).
    pub fn claim_large(&self, page: Page) -> Option<Run> {
        let pages = self.region.large_pages(page);
        if !self.region.map().replace(page, Entry::LARGE, Entry::NONE) {
            return None;
        }
        self.large_pages.sub(pages as u64);
        self.large_count.sub(1);
        Some(Run { page, pages, zero: false })
    }

    /// Makes a large object `pages` pages long where it lies; false if what follows it is not free.
    pub fn resize_large(&self, page: Page, pages: u32) -> bool {
        let old = self.region.large_pages(page);
        if pages <= old {
            self.shrink(page, old, pages);
            return true;
        }
        let Ok(mut lists) = self.lists() else { return false };
        let grown = pages <= MAX_RUN_PAGES && self.take_following(&mut lists, page.plus(old), pages - old);
        if grown {
            self.region.links(page).first.store(pages, Ordering::Relaxed);
            self.large_pages.add((pages - old) as u64);
        }
        grown
    }

    fn shrink(&self, page: Page, old: u32, pages: u32) {
        if pages < old {
            self.region.links(page).first.store(pages, Ordering::Relaxed);
            self.large_pages.sub((old - pages) as u64);
            self.free(Run { page: page.plus(pages), pages: old - pages, zero: false });
        }
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

    /// Merges with the buddy while that is free, whole and of the same kind.
    fn insert_merged(&self, lists: &mut Lists, page: Page, order: Order, kind: Kind) {
        let (mut page, mut order) = (page, order);
        while order.index() + 1 < ORDERS {
            let buddy = Page(page.0 ^ order.pages());
            if buddy.0 >= self.region.pages() || self.region.entry(buddy) != Entry::free(order, kind == Kind::Warm) {
                break;
            }
            lists.remove(&self.region, buddy, order, kind);
            page = page.min(buddy);
            order = Order(order.0 + 1);
        }
        lists.insert(&self.region, page, order, kind);
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
            Ok(lists) => (lists.pages(Kind::Warm), lists.pages(Kind::Zero)),
            Err(Reentered) => (0, 0),
        }
    }

    /// In a forked child: rebuilds the lists from the pagemap if a thread that no longer exists held the lock.
    pub fn rebuild(&self) {
        let Some(mut lists) = self.free.inherit() else { return };
        lists.clear();
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
        let buddy = Page(page.0 ^ order.pages());
        if !page.0.is_multiple_of(order.pages()) {
            return Err("a free run is not naturally aligned");
        }
        let whole = order.index() + 1 == ORDERS || buddy.0 >= self.region.pages();
        if !whole && self.region.entry(buddy) == Entry::free(order, warm) {
            return Err("two free buddies were not merged");
        }
        let clean = (1..order.pages()).all(|offset| self.region.entry(page.plus(offset)) == Entry::NONE);
        if clean { Ok(()) } else { Err("a page inside a free run says something else") }
    }
}
