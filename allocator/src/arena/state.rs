//! Inspection of an arena: its figures, its rebuild after a fork, its invariants.

use super::buddy::Arena;
use super::held::Held;
use super::lists::Kind;
use super::purge::PurgePolicy;
use super::watermarks::Marks;
use crate::base::units::{ORDERS, Order, Page};
use crate::region::{Entry, Run};
use crate::sys::lock::Reentered;

impl Arena {
    /// Number of free runs of one order, as (warm, zero): buddyinfo.
    pub fn free_runs(&self, order: Order) -> (u32, u32) {
        match self.lists() {
            Ok(mut lists) => {
                self.tidy(&mut lists);
                (lists.count(order, Kind::Warm), lists.count(order, Kind::Zero))
            }
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

    /// The watermarks now.
    pub fn marks(&self, policy: PurgePolicy) -> Marks {
        self.lists().map_or_else(|Reentered| Marks::default(), |lists| self.marks_of(&lists, policy))
    }

    /// In a forked child: rebuilds the lists from the pagemap and the map of loose pages, if a thread that no longer exists held the lock.
    pub fn rebuild(&self) {
        let Some(lists) = self.free.inherit() else { return };
        let mut lists = Held::new(self, lists);
        lists.clear();
        self.quick.recount();
        self.region.free().clear();
        for page in (0..self.region.pages()).map(Page) {
            if let Some((order, warm)) = self.region.entry(page).as_free() {
                lists.insert(&self.region, page, order, Kind::of(!warm));
                self.region.free().mark_free(page, order.pages());
                self.region.loose().forget(page..page.plus(order.pages()));
            }
        }
        self.region.loose().recount();
        while let Some(Run { page, pages, .. }) = self.region.loose().highest() {
            self.region.free().mark_free(page, pages);
            self.region.loose().take(page, pages);
            self.insert_run(&mut lists, Run { page, pages, zero: false });
        }
    }

    /// Checks every invariant; the caller must have stopped the world.
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
        let loose = self.region.loose();
        let free = u64::from(lists.pages(Kind::Warm) + lists.pages(Kind::Zero) + loose.count());
        match self.region.free().validate() {
            _ if !agree => Err("the pagemap and the free lists disagree"),
            _ if !loose.validate() => Err("what is loose is not as counted"),
            Some(mapped) if mapped == free => Ok(()),
            _ => Err("the map of free pages and the free lists disagree"),
        }
    }

    fn validate_free(&self, page: Page, order: Order, warm: bool) -> Result<(), &'static str> {
        if !page.0.is_multiple_of(order.pages()) {
            return Err("a free run is not naturally aligned");
        }
        if self.mergeable_buddy(page, order, Kind::of(!warm)).is_some() {
            return Err("two free buddies were not merged");
        }
        if !self.region.free().is_free(page, order.pages()) {
            return Err("a free run is not in the map of free pages");
        }
        if self.region.loose().has(page) {
            return Err("a free run is loose");
        }
        let clean = (1..order.pages()).all(|offset| self.region.entry(page.plus(offset)) == Entry::NONE);
        if clean { Ok(()) } else { Err("a page inside a free run says something else") }
    }
}
