//! The free lists: doubly linked through the region's link table, newest first.

use crate::base::sync::Ordering;
use crate::base::units::{ORDERS, Order, Page};
use crate::region::{Entry, Region};

/// The kind of a run: each kind has its own buddy lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its pages were used.
    Warm,
    /// Its pages read zero.
    Zero,
}

impl Kind {
    /// The kind of a run that is known to be zero, or not.
    pub fn of(zero: bool) -> Kind {
        if zero { Kind::Zero } else { Kind::Warm }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct List {
    /// Page number + 1, 0 for none.
    first: u32,
    last: u32,
    count: u32,
}

/// All lists of an arena. All zero is "nothing free".
#[derive(Debug, Default)]
pub struct Lists {
    lists: [[List; ORDERS]; 2],
    pages: [u32; 2],
}

impl Lists {
    fn list(&mut self, order: Order, kind: Kind) -> &mut List {
        &mut self.lists[kind as usize][order.index()]
    }

    /// Number of runs of one order and kind.
    pub fn count(&self, order: Order, kind: Kind) -> u32 {
        self.lists[kind as usize][order.index()].count
    }

    /// Free pages of one kind.
    pub fn pages(&self, kind: Kind) -> u32 {
        self.pages[kind as usize]
    }

    /// Free pages of one kind in runs of lower orders than `order`.
    pub fn pages_below(&self, order: Order, kind: Kind) -> u32 {
        (0..order.0).map(Order).map(|order| self.count(order, kind) * order.pages()).sum()
    }

    /// The most recently freed run.
    pub fn newest(&self, order: Order, kind: Kind) -> Option<Page> {
        self.lists[kind as usize][order.index()].first.checked_sub(1).map(Page)
    }

    /// The run that was freed longest ago.
    pub fn oldest(&self, order: Order, kind: Kind) -> Option<Page> {
        self.lists[kind as usize][order.index()].last.checked_sub(1).map(Page)
    }

    /// Marks a run as free and puts it first in its list.
    pub fn insert(&mut self, region: &Region, page: Page, order: Order, kind: Kind) {
        let list = self.list(order, kind);
        let second = list.first;
        list.first = page.0 + 1;
        list.count += 1;
        match second.checked_sub(1) {
            Some(second) => region.links(Page(second)).second.store(page.0 + 1, Ordering::Relaxed),
            None => list.last = page.0 + 1,
        }
        self.pages[kind as usize] += order.pages();
        let links = region.links(page);
        links.first.store(second, Ordering::Relaxed);
        links.second.store(0, Ordering::Relaxed);
        region.map().set(page, Entry::free(order, kind == Kind::Warm));
    }

    /// Takes a run out of its list. Changes the pagemap first, so that a child forked in between finds the run free or not at all.
    pub fn remove(&mut self, region: &Region, page: Page, order: Order, kind: Kind) {
        region.map().set(page, Entry::NONE);
        let next = region.links(page).first.load(Ordering::Relaxed);
        let previous = region.links(page).second.load(Ordering::Relaxed);
        let list = self.list(order, kind);
        list.count -= 1;
        match previous.checked_sub(1) {
            Some(previous) => region.links(Page(previous)).first.store(next, Ordering::Relaxed),
            None => list.first = next,
        }
        match next.checked_sub(1) {
            Some(next) => region.links(Page(next)).second.store(previous, Ordering::Relaxed),
            None => list.last = previous,
        }
        self.pages[kind as usize] -= order.pages();
    }

    /// Forgets everything (before a rebuild).
    pub fn clear(&mut self) {
        *self = Lists::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::PAGE;
    use crate::sys::vm::Span;

    const ORDER: Order = Order(2);
    const KIND: Kind = Kind::Warm;

    /// A region of 64 pages.
    fn region() -> Region {
        let (region, len) = (Region::default(), 64 * PAGE);
        region.settle(Span::reserve(len, PAGE).unwrap(), Span::reserve(Region::metadata_len(len), PAGE).unwrap());
        region.extend_to(64).unwrap();
        region
    }

    #[test]
    fn runs_leave_from_anywhere_and_the_ends_stay_right() {
        let (region, mut lists) = (region(), Lists::default());
        let pages = [0, 8, 16, 24].map(Page);
        pages.iter().for_each(|&page| lists.insert(&region, page, ORDER, KIND));
        assert_eq!((lists.oldest(ORDER, KIND), lists.newest(ORDER, KIND)), (Some(Page(0)), Some(Page(24))));
        lists.remove(&region, Page(16), ORDER, KIND);
        lists.remove(&region, Page(24), ORDER, KIND);
        lists.remove(&region, Page(0), ORDER, KIND);
        assert_eq!((lists.oldest(ORDER, KIND), lists.newest(ORDER, KIND)), (Some(Page(8)), Some(Page(8))));
        assert_eq!((lists.count(ORDER, KIND), lists.pages(KIND)), (1, ORDER.pages()));
        lists.remove(&region, Page(8), ORDER, KIND);
        assert_eq!((lists.oldest(ORDER, KIND), lists.newest(ORDER, KIND)), (None, None));
    }

    #[test]
    fn the_pagemap_says_free_of_what_is_listed() {
        let (region, mut lists) = (region(), Lists::default());
        lists.insert(&region, Page(4), ORDER, Kind::Zero);
        assert_eq!(region.entry(Page(4)).as_free(), Some((ORDER, false)));
        assert_eq!((lists.pages(Kind::Zero), lists.pages(Kind::Warm)), (ORDER.pages(), 0));
        lists.remove(&region, Page(4), ORDER, Kind::Zero);
        assert_eq!(region.entry(Page(4)), Entry::NONE);
    }
}
