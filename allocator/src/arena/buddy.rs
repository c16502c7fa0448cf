//! Allocating and freeing runs.

use super::deferred::Deferred;
use super::held::Held;
use super::huge_pages::{HugePages, growth_end};
use super::lists::{Kind, Lists};
use super::purge::Purge;
use super::quick::Quick;
use super::watermarks::Watermarks;
use crate::base::sync::{AtomicU32, Gauge, Ordering};
use crate::base::units::{MAX_RUN_PAGES, ORDERS, Order, PAGE, Page};
use crate::region::{Region, Run};
use crate::sys::limit::Account;
use crate::sys::lock::{Lock, Reentered};
use crate::sys::vm::Span;

/// The region grows by at least this many pages at a time (256 KiB), so that a small process commits little.
const MIN_GROWTH: u32 = 64;
/// The region grows by at most this many pages more than asked for (32 MiB).
const MAX_GROWTH: u32 = 8192;

/// Runs of at least this order (2 MiB) merge only with their own kind, and so stay known to be zero; smaller ones merge with any, else the
/// tails that large objects give back would lie between warm runs for ever.
pub(super) const PURE_ORDER: Order = Order(9);

/// See the module's head. All zero is an arena without a region.
#[derive(Debug, Default)]
pub struct Arena {
    pub(super) region: Region,
    pub(super) free: Lock<Lists>,
    pub(super) purge: Purge,
    pub(super) watermarks: Watermarks,
    /// Warm pages after the last change, for who does not hold the lock.
    warm: AtomicU32,
    /// Counts the pages that are taken and freed.
    activity: AtomicU32,
    pub(super) quick: Quick,
    pub(super) deferred: Deferred,
    /// Page + 1 behind the run that was cut to its length last.
    pub(super) tail: AtomicU32,
    /// No stretch of so many pages was found, and nothing was freed since; 0 if that is not known.
    pub(super) no_stretch: AtomicU32,
    /// Pages in use or warm, as far as the process knows.
    pub(super) account: Account,
    pub(super) huge_pages: HugePages,
    pub(super) large_pages: Gauge,
    pub(super) large_count: Gauge,
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

    /// Whether the lock is the one at an address.
    pub fn has_lock_at(&self, address: usize) -> bool {
        self.free.is_at(address)
    }

    /// Whether this thread holds the lock.
    pub fn is_held(&self) -> bool {
        self.free.is_mine()
    }

    /// Takes the lock and frees what signal handlers left meanwhile.
    pub(super) fn lists(&self) -> Result<Held<'_>, Reentered> {
        let mut lists = Held::new(self, self.free.lock()?);
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
    pub(super) fn alloc_locked(&self, lists: &mut Lists, pages: u32, align: u32) -> Option<Run> {
        let order = Order::holding(pages.max(align));
        let run = match align {
            _ if !self.may_take(pages) => self.alloc_warm(lists, if align == 1 { pages } else { 0 }, order),
            1 => self.alloc_anywhere(lists, pages, order),
            _ => self.alloc_aligned(lists, order),
        }?;
        if run.zero {
            self.ask_again_if_dense(lists);
        }
        let (run, tail) = run.split(pages);
        if let Some(tail) = tail {
            self.note_tail(tail.page);
            self.insert_run(lists, tail);
        }
        if run.zero {
            self.watermarks.regret(self.purge.note_zero_taken(run.pages));
        }
        self.watermarks.note(self.in_use(lists));
        self.note_activity(run.pages);
        Some(run)
    }

    fn alloc_anywhere(&self, lists: &mut Lists, pages: u32, order: Order) -> Option<Run> {
        self.quick
            .take(pages)
            .or_else(|| self.take_tail(lists, pages, Kind::Warm))
            .or_else(|| self.take_warm_stretch(lists, pages))
            .or_else(|| self.take(lists, order, Kind::Warm))
            .or_else(|| self.take_tail(lists, pages, Kind::Zero))
            .or_else(|| self.take(lists, order, Kind::Zero))
            .or_else(|| self.grow_and_take(lists, order))
            .or_else(|| self.take_any_stretch(lists, pages))
    }

    /// Where the process may hold no more: pages that count already, whole from the quick list or cut from a run.
    fn alloc_warm(&self, lists: &mut Lists, pages: u32, order: Order) -> Option<Run> {
        self.quick.take(pages).or_else(|| self.take(lists, order, Kind::Warm))
    }

    fn alloc_aligned(&self, lists: &mut Lists, order: Order) -> Option<Run> {
        self.take(lists, order, Kind::Warm)
            .or_else(|| self.take(lists, order, Kind::Zero))
            .or_else(|| self.grow_and_take(lists, order))
    }

    /// Free pages that are warm, in the lists or the quick list.
    pub(super) fn warm_pages(&self, lists: &Lists) -> u32 {
        lists.pages(Kind::Warm) + self.quick.pages()
    }

    /// Pages that are not free.
    pub(super) fn in_use(&self, lists: &Lists) -> u32 {
        self.region.pages().saturating_sub(self.warm_pages(lists) + lists.pages(Kind::Zero))
    }

    /// Warm pages, about now.
    pub fn warm_now(&self) -> u32 {
        self.warm.load(Ordering::Relaxed)
    }

    /// Pages taken and freed so far.
    pub fn activity(&self) -> u32 {
        self.activity.load(Ordering::Relaxed)
    }

    /// With the lock held, after a change: lets [`Arena::warm_now`] know.
    pub(super) fn show_warm(&self, lists: &Lists) {
        self.warm.store(self.warm_pages(lists), Ordering::Relaxed);
    }

    /// Pages were taken or freed. Two threads at once may count as one.
    pub(super) fn note_activity(&self, pages: u32) {
        self.activity.store(self.activity().wrapping_add(pages), Ordering::Relaxed);
    }

    /// Moves the quick list's runs to the buddy.
    pub(super) fn flush_quick(&self, lists: &mut Lists) {
        while let Some(run) = self.quick.take_any() {
            self.insert_run(lists, run);
        }
    }

    /// Frees a run of any length.
    pub fn free(&self, run: Run) {
        self.note_activity(run.pages);
        self.free_quietly(run);
    }

    /// Frees a run that was taken to be purged: no activity of the program.
    pub(super) fn free_quietly(&self, run: Run) {
        match self.lists() {
            Ok(mut lists) => self.insert_run(&mut lists, run),
            Err(Reentered) => self.deferred.push(&self.region, run),
        }
    }

    /// Takes a run of `order`, from the smallest that fits.
    fn take(&self, lists: &mut Lists, order: Order, kind: Kind) -> Option<Run> {
        let (page, larger) =
            (order.0..ORDERS as u8).map(Order).find_map(|larger| Some((lists.newest(larger, kind)?, larger)))?;
        lists.remove(&self.region, page, larger, kind);
        self.split(lists, page, larger, order, kind);
        Some(Run { page, pages: order.pages(), zero: kind == Kind::Zero })
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
            return self.take(lists, order, Kind::Zero).or_else(|| self.take(lists, order, Kind::Warm));
        }
        self.flush_quick(lists);
        self.purge_all_locked(lists);
        self.take(lists, order, Kind::Zero).or_else(|| self.take(lists, order, Kind::Warm))
    }

    pub(super) fn reserved_pages(&self) -> u32 {
        (self.region.reserved() / PAGE) as u32
    }

    /// Commits at least `pages` more pages, in steps that grow with the region.
    pub(super) fn grow(&self, lists: &mut Lists, pages: u32) -> bool {
        let end = self.region.pages();
        let limit = self.reserved_pages();
        let generous = growth_end(end, pages.max((end / 4).clamp(MIN_GROWTH, MAX_GROWTH)), MIN_GROWTH) - end;
        let step = [generous, pages].into_iter().find(|step| {
            end.checked_add(*step).is_some_and(|to| to <= limit) && self.region.extend_to(end + step).is_ok()
        });
        if step.is_some() {
            self.insert_run(lists, Run { page: Page(end), pages: self.region.pages() - end, zero: true });
            self.ask_if_dense(lists);
        }
        step.is_some()
    }

    /// Puts a run of any length into the lists, cut into naturally aligned powers of two.
    pub(super) fn insert_run(&self, lists: &mut Lists, run: Run) {
        self.no_stretch.store(0, Ordering::Relaxed);
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
    pub(super) fn mergeable_buddy(&self, page: Page, order: Order, kind: Kind) -> Option<(Page, Kind)> {
        let buddy = Page(page.0 ^ order.pages());
        if order.index() + 1 >= ORDERS || buddy.0 >= self.region.pages() {
            return None;
        }
        let (of_order, warm) = self.region.entry(buddy).as_free()?;
        let of = Kind::of(!warm);
        (of_order == order && (of == kind || order < PURE_ORDER)).then_some((buddy, of))
    }
}
