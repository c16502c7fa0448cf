//! Stretches: free pages that follow each other but are no buddy run.
//!
//! A large object gives back what it does not need of its run, so free pages of odd lengths lie about. Three uses: growing an object
//! where it lies, using again what was freed lately, and laying new objects close to each other: behind the last one that was cut
//! off there is a **tail**, and the next one begins there if it fits.

use super::buddy::Arena;
use super::lists::{Kind, Lists};
use crate::base::sync::Ordering;
use crate::base::units::{Order, Page};
use crate::region::Run;

/// Runs looked at for a stretch of free pages.
const TRIES: u32 = 4;

impl Arena {
    /// Takes exactly `pages` free pages that begin at `page`, growing the region if it ends there; all or nothing. Whether all are zero.
    pub(super) fn take_following(&self, lists: &mut Lists, page: Page, pages: u32) -> Option<bool> {
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
        (keep == pages).then_some(all_zero)
    }

    /// Takes `pages` pages, not a power of two, where a run of that length was freed lately: a warm run of the largest power of two
    /// within, followed by enough free pages. (Its rest may be of the other kind, so the whole need not have merged.)
    pub(super) fn take_warm_stretch(&self, lists: &mut Lists, pages: u32) -> Option<Run> {
        let order = Order::within(pages);
        if order.pages() == pages {
            return None;
        }
        let mut candidate = lists.newest(order, Kind::Warm);
        for _ in 0..TRIES {
            let page = candidate?;
            if let Some(run) = self.take_stretch_at(lists, page, pages) {
                return Some(run);
            }
            candidate = lists.older(&self.region, page);
        }
        None
    }

    /// Takes `pages` pages behind the object that was cut off last, if what lies there is of a kind.
    pub(super) fn take_tail(&self, lists: &mut Lists, pages: u32, kind: Kind) -> Option<Run> {
        let tail = Page(self.tail.load(Ordering::Relaxed).checked_sub(1)?);
        let (_, warm) = (tail.0 < self.region.pages()).then(|| self.region.entry(tail).as_free()).flatten()?;
        if Kind::of(!warm) != kind {
            return None;
        }
        self.take_stretch_at(lists, tail, pages)
    }

    /// Remembers where the next object may begin.
    pub(super) fn note_tail(&self, page: Page) {
        self.tail.store(page.0 + 1, Ordering::Relaxed);
    }

    /// When all else failed: the first stretch there is. Looks at every page, so only where there can be one, and after a failure not
    /// again until something was freed.
    pub(super) fn take_any_stretch(&self, lists: &mut Lists, pages: u32) -> Option<Run> {
        let none_of = self.no_stretch.load(Ordering::Relaxed);
        if pages == 1 || pages > none_of.wrapping_sub(1) || lists.pages(Kind::Warm) + lists.pages(Kind::Zero) < pages {
            return None;
        }
        let mut page = Page(0);
        while page.0 < self.region.pages() {
            if let Some(run) = self.take_stretch_at(lists, page, pages) {
                return Some(run);
            }
            page = page.plus(self.region.entry(page).as_free().map_or(1, |(order, _)| order.pages()));
        }
        self.no_stretch.store(pages, Ordering::Relaxed);
        None
    }

    fn take_stretch_at(&self, lists: &mut Lists, page: Page, pages: u32) -> Option<Run> {
        if !self.is_free_stretch(page, pages) {
            return None;
        }
        let zero = self.take_following(lists, page, pages)?;
        self.note_tail(page.plus(pages));
        Some(Run { page, pages, zero })
    }

    fn is_free_stretch(&self, page: Page, pages: u32) -> bool {
        let mut have = 0;
        while have < pages {
            let next = page.plus(have);
            let entry = (next.0 < self.region.pages()).then(|| self.region.entry(next));
            let Some((order, _)) = entry.and_then(|entry| entry.as_free()) else { return false };
            have += order.pages();
        }
        true
    }
}
