//! Large objects: runs that the program itself holds.

use super::buddy::{Arena, Site};
use super::huge_pages::is_parted;
use super::lists::Lists;
use super::purge::PurgePolicy;
use crate::base::sync::{AtomicU64, Gauge, Ordering};
use crate::base::units::{MAX_RUN_PAGES, PAGE, Page};
use crate::region::{Entry, Run};
use crate::sys::vm::Span;

/// Large objects in use. Counted under the arena's lock, except those that were freed while another thread held it.
#[derive(Debug, Default)]
pub(super) struct InUse {
    pages: Gauge,
    count: Gauge,
    freed_pages: AtomicU64,
    freed_count: AtomicU64,
}

impl InUse {
    fn add(&self, pages: u32) {
        self.pages.add(pages.into());
        self.count.add(1);
    }

    fn sub(&self, pages: u32) {
        self.pages.sub(pages.into());
        self.count.sub(1);
    }

    /// Like [`InUse::sub`], but without the lock.
    fn sub_unlocked(&self, pages: u32) {
        self.freed_pages.fetch_add(pages.into(), Ordering::Release);
        self.freed_count.fetch_add(1, Ordering::Release);
    }
}

impl Arena {
    /// Pages and number of large objects in use.
    pub fn large_in_use(&self) -> (u64, u64) {
        let InUse { pages, count, freed_pages, freed_count } = &self.large;
        // Acquire, and loaded first: an object that counts as freed here was counted as allocated before.
        let freed = [freed_pages, freed_count].map(|freed| freed.load(Ordering::Acquire));
        (pages.get().wrapping_sub(freed[0]), count.get().wrapping_sub(freed[1]))
    }

    /// Allocates a large object of `pages` pages; returns its address, and whether it is known to be zero.
    /// Returns `None` if the region is nearly full: its last quarter is for slabs, which can lie nowhere else.
    pub fn alloc_large(&self, pages: u32, align: u32) -> Option<(usize, bool)> {
        if pages.max(align) > MAX_RUN_PAGES || align as usize * PAGE > self.region.alignment() {
            return None;
        }
        let mut lists = self.lists().ok()?;
        if !self.has_room_beside_slabs(&lists, pages) {
            return None;
        }
        let run = self.alloc_locked(&mut lists, pages, Site::MultipleOf(align))?;
        self.large.add(run.pages);
        drop(lists);
        self.watch_first_touch(&run);
        // Marks the page as the beginning of a large object.
        self.region.links(run.page).first.store(run.pages, Ordering::Relaxed);
        self.region.map().set(run.page, Entry::LARGE);
        Some((self.region.address(run.page), run.zero))
    }

    /// As [`Arena::alloc_slab`], for a slab whose object could as well be large, and under the same condition as [`Arena::alloc_large`].
    pub fn alloc_beside_slabs(&self, pages: u32) -> Option<Run> {
        let mut lists = self.lists().ok()?;
        if !self.has_room_beside_slabs(&lists, pages) {
            return None;
        }
        self.alloc_locked(&mut lists, pages, Site::MultipleOf(1))
    }

    /// Returns how many zero pages a large object of `pages` pages would get; `None` if there is no place for it unless the region grows.
    pub fn zero_pages_for(&self, pages: u32) -> Option<u32> {
        if pages > MAX_RUN_PAGES {
            return None;
        }
        let mut lists = self.lists().ok()?;
        let place = self.with_quick_pages(&mut lists, |_| self.first_place(pages, 1));
        place.map(|page| self.count_zero(page, page.plus(pages)))
    }

    fn has_room_beside_slabs(&self, lists: &Lists, pages: u32) -> bool {
        self.most_pages() - self.in_use(lists) >= pages + self.most_pages() / 4
    }

    /// Takes the run of a large object from the program; `None` if no large object begins at `page` (any more).
    fn claim_large(&self, page: Page) -> Option<Run> {
        // Two threads that free the same object at once meet here, because neither holds the lock.
        if !self.region.map().replace(page, Entry::LARGE, Entry::NONE) {
            return None;
        }
        Some(Run { page, pages: self.region.large_pages(page), zero: false })
    }

    /// Frees a large object, and now and then gives pages back as the policy says; returns false if no large object begins at `page` (any more).
    pub fn free_large(&self, page: Page, policy: PurgePolicy) -> bool {
        let Some(run) = self.claim_large(page) else { return false };
        let freed = run.pages;
        self.note_activity(freed);
        let is_counted = self.free_soon(run, |lists, run| {
            self.large.sub(run.pages);
            self.quick.put(run, |run| self.free_locked(lists, run));
        });
        if !is_counted {
            self.large.sub_unlocked(freed);
        }
        self.purge_after_free(freed, policy);
        true
    }

    /// Moves the pages of a large object into a mapping of their own and passes that to `elsewhere`. If `elsewhere` refuses it, the pages come back.
    pub fn move_large_out<R>(&self, page: Page, elsewhere: impl FnOnce(Span) -> Result<R, Span>) -> Option<R> {
        let run = Run { page, pages: self.region.large_pages(page), zero: true };
        let span = self.region.move_out(&run).ok()?;
        match elsewhere(span) {
            Ok(moved) => {
                // Unless another thread freed the object meanwhile, and its run with it.
                if self.claim_large(page).is_some() {
                    self.large.sub_unlocked(run.pages);
                    self.free_or_leave(run, |lists, run| self.free_locked(lists, run));
                }
                Some(moved)
            }
            Err(span) => {
                self.region.move_in(&run, span);
                None
            }
        }
    }

    /// Makes a large object `pages` pages long in place; returns false if the pages behind it cannot be had. Pages that it gives up go back as the policy
    /// says.
    pub fn resize_large(&self, page: Page, pages: u32, policy: PurgePolicy) -> bool {
        let old = self.region.large_pages(page);
        if pages == old {
            return true;
        }
        let Ok(mut lists) = self.lists() else { return false };
        if pages < old {
            self.shrink(&mut lists, page, old, pages);
            drop(lists);
            self.purge_after_free(old - pages, policy);
            return true;
        }
        let may_grow = pages <= MAX_RUN_PAGES && !is_parted(page, pages) && self.may_take(pages - old);
        let held = self.held_pages(&lists);
        let grown = may_grow && self.take_following(&mut lists, page.plus(old), pages - old);
        if grown {
            self.note_taken(&lists, page.plus(old), pages - old, held);
            self.region.links(page).first.store(pages, Ordering::Relaxed);
            self.large.pages.add((pages - old).into());
            self.watermarks.note(self.in_use(&lists));
            self.note_activity(pages - old);
        }
        grown
    }

    fn shrink(&self, lists: &mut Lists, page: Page, old: u32, pages: u32) {
        self.region.links(page).first.store(pages, Ordering::Relaxed);
        self.large.pages.sub((old - pages).into());
        self.free_locked(lists, Run { page: page.plus(pages), pages: old - pages, zero: false });
        self.note_activity(old - pages);
    }
}
