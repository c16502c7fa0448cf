//! Transparent huge pages: what is said to the kernel about the region.
//!
//! A huge page (2 MiB) takes one fault where small ones take 512, and one place in the TLB. But who touches a byte of it holds all of it, and
//! the kernel's own collector (khugepaged) fills up with zeros what was given back in pieces. The buddy fills what is open before it
//! opens more: the smallest run that fits, from the front of the region; and it purges whole aligned 2 MiB first. So by default:
//!
//! - the **front** of a region is refused huge pages: a small process stays as small as with small pages;
//! - beyond it the system's own setting stands, and growth is in whole huge pages, so that the first touch can bring one;
//! - when the region is **dense** (three quarters of what is committed are in use) huge pages are asked for in whole stretches of 64 MiB from the
//!   front on: there the memory is already, so no fault has to wait for compaction; khugepaged does it by and by;
//! - when it has become **sparse** (a quarter) they are refused everywhere, so that what was given back stays so; until it is dense again.
//!
//! Advice is for large parts only, so a region takes four mappings at most. Fork: advice is inherited, and so is what is remembered.

use super::buddy::Arena;
use super::lists::{Kind, Lists};
use crate::base::sync::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use crate::base::units::Page;
use crate::region::Advice;

/// Pages of a huge page.
const HUGE: u32 = 512;
/// A run of at least so many pages (1 MiB) is worth moving page tables for.
const LEAST_MOVED: u32 = 256;
/// Pages at the front of a region that are refused at first (16 MiB).
const FRONT: u32 = 4096;
/// Pages of a stretch that is asked for (64 MiB). A smaller region is neither dense nor sparse.
const STRETCH: u32 = 16384;
/// Parts of what is committed: dense from three on, sparse below one.
const PARTS: u64 = 4;

/// What the operator wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ThpPolicy {
    /// As said in the module's head.
    #[default]
    Auto,
    /// Refused everywhere.
    Never,
    /// As auto, but asked for beyond the front from the start, whatever the system's setting.
    Madvise,
    /// Asked for everywhere.
    Always,
}

impl ThpPolicy {
    /// By the number of the option's choice.
    pub fn of_choice(choice: u64) -> ThpPolicy {
        [ThpPolicy::Auto, ThpPolicy::Never, ThpPolicy::Madvise, ThpPolicy::Always]
            .into_iter()
            .find(|&policy| policy as u64 == choice)
            .unwrap_or_default()
    }
}

/// What the arena remembers of it.
#[derive(Debug, Default)]
pub(super) struct HugePages {
    policy: AtomicU8,
    /// Pages at the front that were asked for when they were dense.
    asked: AtomicU32,
    /// Sparse: refused everywhere.
    refused: AtomicBool,
}

impl HugePages {
    fn is(&self, policy: ThpPolicy) -> bool {
        self.policy.load(Ordering::Relaxed) == policy as u8
    }
}

/// The length to which a region of `end` pages grows by at least `pages`.
pub(super) fn growth_end(end: u32, pages: u32, least: u32) -> u32 {
    (end.saturating_add(pages)).next_multiple_of(if end < FRONT { least } else { HUGE })
}

impl Arena {
    /// Says what the policy says of a new region.
    pub fn begin_huge_pages(&self, policy: ThpPolicy) {
        self.huge_pages.policy.store(policy as u8, Ordering::Relaxed);
        let (start, end) = (Page(0), Page(self.reserved_pages()));
        let front = end.min(Page(FRONT));
        match policy {
            ThpPolicy::Never => self.region.advise(start, end, Advice::NoHugePages),
            ThpPolicy::Always => self.region.advise(start, end, Advice::HugePages),
            ThpPolicy::Auto => self.region.advise(start, front, Advice::NoHugePages),
            ThpPolicy::Madvise => {
                self.region.advise(start, front, Advice::NoHugePages);
                self.region.advise(front, end, Advice::HugePages);
            }
        }
    }

    /// Pages that were asked for because they are dense.
    pub fn huge_pages_asked(&self) -> u32 {
        self.huge_pages.asked.load(Ordering::Relaxed)
    }

    /// After the region has grown: asks for huge pages if it is dense.
    pub(super) fn ask_if_dense(&self, lists: &Lists) {
        let (asked, pages) = (self.huge_pages_asked(), self.region.pages());
        let whole = pages / STRETCH * STRETCH;
        let is_dense = u64::from(self.used_pages(lists)) * PARTS >= u64::from(pages) * (PARTS - 1);
        if whole <= asked || !is_dense || self.huge_pages.is(ThpPolicy::Never) || self.huge_pages.is(ThpPolicy::Always)
        {
            return;
        }
        let refused = self.huge_pages.refused.swap(false, Ordering::Relaxed);
        let from = if refused { Page(0) } else { Page(asked) };
        self.region.advise(from, Page(whole), Advice::HugePages);
        self.huge_pages.asked.store(whole, Ordering::Relaxed);
    }

    /// After zero pages were taken: if huge pages are refused, asks again once the region is dense.
    #[inline]
    pub(super) fn ask_again_if_dense(&self, lists: &Lists) {
        if self.huge_pages.refused.load(Ordering::Relaxed) {
            self.ask_if_dense(lists);
        }
    }

    /// After pages were given back: refuses huge pages if little is left.
    pub(super) fn refuse_if_sparse(&self) {
        if self.region.pages() < STRETCH || !self.huge_pages.is(ThpPolicy::Auto) {
            return;
        }
        let Ok(lists) = self.lists() else { return };
        let is_sparse = u64::from(self.used_pages(&lists)) * PARTS < u64::from(self.region.pages());
        if is_sparse && !self.huge_pages.refused.swap(true, Ordering::Relaxed) {
            self.huge_pages.asked.store(0, Ordering::Relaxed);
            self.region.advise(Page(0), Page(self.reserved_pages()), Advice::NoHugePages);
        }
    }

    fn used_pages(&self, lists: &Lists) -> u32 {
        self.region.pages().saturating_sub(self.warm_pages(lists) + lists.pages(Kind::Zero))
    }
}

/// Whether a run is long, and parted by a place where the advice may change: the kernel keeps the parts as mappings of their own and would
/// not move them as one, so a large object had better move before it grows over such a place.
pub(super) fn is_parted(page: Page, pages: u32) -> bool {
    pages >= LEAST_MOVED && page.0 / FRONT != (page.0 + pages - 1) / FRONT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::PAGE;
    use crate::region::Run;
    use crate::sys::vm::Span;
    extern crate std;
    use std::vec::Vec;

    const LEN: usize = 4 * STRETCH as usize * PAGE;

    fn arena(policy: ThpPolicy) -> Arena {
        let arena = Arena::default();
        let metadata = Span::reserve(crate::region::Region::metadata_len(LEN), PAGE).unwrap();
        arena.settle(Span::reserve(LEN, 32 << 20).unwrap(), metadata);
        arena.begin_huge_pages(policy);
        arena
    }

    /// Takes 2 MiB runs until so many pages are in use; returns them.
    fn take(arena: &Arena, pages: u32) -> Vec<Run> {
        (0..pages / HUGE).map(|_| arena.alloc(HUGE, 1).unwrap()).collect()
    }

    #[test]
    fn a_dense_region_is_asked_for_and_a_sparse_one_refused() {
        let arena = arena(ThpPolicy::Auto);
        let held = take(&arena, STRETCH / 2);
        assert_eq!(arena.huge_pages_asked(), 0);
        let more = take(&arena, STRETCH * 3 / 4);
        assert_eq!(arena.huge_pages_asked(), STRETCH);
        held.into_iter().chain(more).for_each(|run| arena.free(Run { zero: false, ..run }));
        assert_eq!(arena.huge_pages_asked(), STRETCH, "free but warm");
        arena.trim(0);
        assert_eq!(arena.huge_pages_asked(), 0);
        let _again = take(&arena, STRETCH * 5 / 4);
        assert_eq!(arena.huge_pages_asked(), STRETCH, "dense again");
    }

    #[test]
    fn what_the_operator_wants_stands() {
        for policy in [ThpPolicy::Never, ThpPolicy::Always] {
            let arena = arena(policy);
            let held = take(&arena, 2 * STRETCH);
            held.into_iter().for_each(|run| arena.free(Run { zero: false, ..run }));
            arena.trim(0);
            assert_eq!(arena.huge_pages_asked(), 0);
            assert!(!arena.huge_pages.refused.load(Ordering::Relaxed), "{policy:?}");
        }
    }

    #[test]
    fn beyond_the_front_growth_is_in_whole_huge_pages() {
        assert_eq!(growth_end(0, 1, 64), 64);
        assert_eq!(growth_end(FRONT - 64, 65, 64), FRONT + 64);
        assert_eq!(growth_end(FRONT + 64, 1, 64), FRONT + HUGE);
        assert_eq!(growth_end(FRONT + HUGE, HUGE, 64), FRONT + 2 * HUGE);
    }
}
