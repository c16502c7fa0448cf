//! Transparent huge pages: what larder tells the kernel about the region.
//!
//! A huge page (2 MiB) takes one fault where small ones take 512, and one entry in the TLB. But touching one byte of it makes all of it resident, and
//! the kernel's own collector (khugepaged) fills pages that were given back in pieces with zeros again. Large objects and fresh slabs are laid at the lowest
//! place that holds them, so an open huge page fills up before the next is opened; whole aligned 2 MiB are given back first. By default:
//!
//! - huge pages are refused for the **front** of a region (16 MiB): a small process stays as small as with small pages;
//! - beyond it the region grows by whole huge pages, and asks for them if half of it is in use when it grows: that memory is about to be touched, from its
//!   low end on;
//! - they are asked for in the front, too, when the region has grown to 64 MiB. Its memory is there already, so khugepaged converts it by and by;
//! - when the region has become **sparse** (less than a quarter in use) or **riddled** (an eighth was given back in pieces of less than a huge page, as runs
//!   or inside slabs), they are refused everywhere, so that pages that were given back stay so, until the region is **dense** again (three quarters in use)
//!   and no longer riddled. A region that grows meanwhile still asks for them: for what it grows by, or for all of it if it is not riddled;
//! - on one node of several nothing is asked for, neither where the region grows nor where it is dense again: for memory that huge pages were asked for,
//!   the kernel takes a huge page of another node before small ones of this node. There they stay refused in what was sparse or riddled once, because no
//!   advice takes a refusal back; what the region grows by afterwards is left to the system;
//! - when one **stalls**, they are refused everywhere for a while (see `sys/stall.rs`): the thread that takes the first run in a huge page touches the
//!   run's first page at once, and measures the time with the thread's clock.
//!
//! The part that huge pages are asked for is one piece and ends at a multiple of the front's length: a region takes five mappings at most. Huge pages
//! that exist when they are refused stay as they are. Fork: advice is inherited, and so is what is remembered here.

use super::buddy::Arena;
use super::lists::{Kind, Lists};
use crate::base::sync::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use crate::base::units::{HUGE_PAGE, Order, PAGE, Page};
use crate::region::{Advice, Run};
use crate::sys::clock::thread_ns_of;
use crate::sys::stall::Stalls;
use core::ops::Range;

/// Pages of a huge page.
const HUGE: u32 = (HUGE_PAGE / PAGE) as u32;
/// Moving page tables instead of bytes pays for a run of at least this many pages (1 MiB).
const LEAST_MOVED: u32 = 256;
/// Pages at the front of a region for which huge pages are refused at first (16 MiB).
const FRONT: u32 = 4096;
/// A region of fewer pages (64 MiB) is never sparse, and huge pages stay refused for its front.
const LARGE: u32 = 16384;
/// A region is riddled if more than this part of it was given back in pieces.
const RIDDLED: u32 = 8;
/// Quarters of the region that are in use: with fewer than this it is sparse,
const NOT_SPARSE: u32 = 1;
/// with at least this many it asks for huge pages when it grows,
const TO_GROW: u32 = 2;
/// and with at least this many it is dense.
const DENSE: u32 = 3;

/// The operator's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ThpPolicy {
    /// As the module's head says.
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
    /// The policy with the number of the option's choice.
    pub fn of_choice(choice: u64) -> ThpPolicy {
        [ThpPolicy::Auto, ThpPolicy::Never, ThpPolicy::Madvise, ThpPolicy::Always]
            .into_iter()
            .find(|&policy| policy as u64 == choice)
            .unwrap_or_default()
    }
}

/// What the arena remembers about huge pages.
#[derive(Debug, Default)]
pub(super) struct HugePages {
    policy: AtomicU8,
    /// Whether other nodes have memory, too.
    has_others: AtomicBool,
    /// Huge pages were asked for because the region was dense: from this page,
    from: AtomicU32,
    /// to this one.
    to: AtomicU32,
    /// The region was sparse or riddled, or a huge page stalled: huge pages are refused before this page, except where they were asked for since.
    refused: AtomicU32,
    /// The first touches of huge pages before this page were watched.
    watched: AtomicU32,
    stalls: Stalls,
}

impl HugePages {
    fn is(&self, policy: ThpPolicy) -> bool {
        self.policy.load(Ordering::Relaxed) == policy as u8
    }

    /// Returns whether nothing may be asked for, because the kernel would take huge pages of another node before small ones of this one.
    fn may_come_from_afar(&self) -> bool {
        self.has_others.load(Ordering::Relaxed) && self.is(ThpPolicy::Auto)
    }

    fn policy(&self) -> ThpPolicy {
        ThpPolicy::of_choice(self.policy.load(Ordering::Relaxed).into())
    }
}

/// The length to which a region of `end` pages grows if it needs at least `pages` more.
pub(super) fn growth_end(end: u32, pages: u32, least: u32) -> u32 {
    (end.saturating_add(pages)).next_multiple_of(if end < FRONT { least } else { HUGE })
}

impl Arena {
    /// Takes over the policy for a new region; `is_only_node` says whether no other node has memory.
    pub fn begin_huge_pages(&self, policy: ThpPolicy, is_only_node: bool) {
        self.huge_pages.policy.store(policy as u8, Ordering::Relaxed);
        self.huge_pages.stalls.begin();
        self.huge_pages.has_others.store(!is_only_node, Ordering::Relaxed);
    }

    /// Gives the kernel the policy's advice when the region is about to get its first memory: a region that nothing is taken from needs none.
    #[cold]
    pub(super) fn say_huge_page_policy(&self) {
        let (start, end) = (Page(0), Page(self.reserved_pages()));
        let front = end.min(Page(FRONT));
        match self.huge_pages.policy() {
            ThpPolicy::Never => self.region.advise(start, end, Advice::NoHugePages),
            ThpPolicy::Always => self.region.advise(start, end, Advice::HugePages),
            ThpPolicy::Auto => self.region.advise(start, front, Advice::NoHugePages),
            ThpPolicy::Madvise => {
                self.region.advise(start, front, Advice::NoHugePages);
                self.region.advise(front, end, Advice::HugePages);
            }
        }
    }

    /// Pages for which huge pages were asked because they are dense, or will be.
    pub fn huge_pages_asked(&self) -> u32 {
        let asked = self.asked();
        asked.end.min(self.region.pages()).saturating_sub(asked.start)
    }

    fn asked(&self) -> Range<u32> {
        self.huge_pages.from.load(Ordering::Relaxed)..self.huge_pages.to.load(Ordering::Relaxed)
    }

    fn quarters_used(&self, lists: &Lists) -> u32 {
        (u64::from(self.in_use(lists)) * 4).checked_div(u64::from(self.region.pages())).unwrap_or(0) as u32
    }

    /// Returns whether huge pages are to be asked for if the region grows now.
    pub(super) fn will_fill_growth(&self, lists: &Lists) -> bool {
        let huge_pages = &self.huge_pages;
        !huge_pages.may_come_from_afar() && huge_pages.stalls.are_over() && self.quarters_used(lists) >= TO_GROW
    }

    /// Returns whether a page is certainly not part of a huge page.
    pub(super) fn is_small(&self, page: Page) -> bool {
        let huge_pages = &self.huge_pages;
        let is_refused = || page.0 < FRONT.max(huge_pages.refused.load(Ordering::Relaxed));
        huge_pages.is(ThpPolicy::Never)
            || !huge_pages.is(ThpPolicy::Always) && !self.asked().contains(&page.0) && is_refused()
    }

    /// Returns whether much of the region was given back in pieces that lie among used pages.
    fn is_riddled(&self, lists: &Lists) -> bool {
        let pieces = lists.pages_below(Order::holding(HUGE), Kind::Zero);
        pieces + self.hollow.pages() > self.region.pages() / RIDDLED
    }

    /// After a run was taken; called without a lock, because the touch may stall. Touches the first byte of the run, which no other thread may use yet, if
    /// the run is the first in a huge page.
    #[inline]
    pub fn watch_first_touch(&self, run: &Run) {
        let HugePages { watched, .. } = &self.huge_pages;
        let is_first = run.zero && run.page.0 >= watched.load(Ordering::Relaxed) && self.asked().contains(&run.page.0);
        if is_first && self.huge_pages.is(ThpPolicy::Auto) {
            watched.store(run.page.plus(1).0.next_multiple_of(HUGE), Ordering::Relaxed);
            self.time_first_touch(run);
        }
    }

    #[cold]
    fn time_first_touch(&self, run: &Run) {
        let stalled = self.huge_pages.stalls.heed(thread_ns_of(|| self.region.touch(run)));
        if stalled && let Ok(lists) = self.lists() {
            self.refuse_huge_pages(&lists);
        }
    }

    /// A run has been given back: the next touch of its huge pages is a first touch again.
    pub(super) fn forget_first_touch(&self, run: &Run) {
        self.huge_pages.watched.fetch_min(run.page.0, Ordering::Relaxed);
    }

    /// The lock keeps this apart from a thread that asks for huge pages and from one that gives up unused addresses.
    fn refuse_huge_pages(&self, _held: &Lists) {
        // Where they are not asked for again, they are refused for no more than what there is.
        let is_for_good = self.huge_pages.may_come_from_afar();
        let end = if is_for_good { self.region.pages() } else { self.reserved_pages() };
        if self.huge_pages.refused.fetch_max(end, Ordering::Relaxed) < end || !self.asked().is_empty() {
            self.huge_pages.to.store(0, Ordering::Relaxed);
            self.region.advise(Page(0), Page(end), Advice::NoHugePages);
        }
    }

    /// Asks for huge pages as far as the region reaches and on to the next multiple of the front's length; if it is riddled, not below page `grown`.
    pub(super) fn ask_for_huge_pages(&self, lists: &Lists, grown: u32) {
        let HugePages { from, to, refused, .. } = &self.huge_pages;
        let pages = self.region.pages();
        if pages <= FRONT || self.huge_pages.is(ThpPolicy::Never) || self.huge_pages.is(ThpPolicy::Always) {
            return;
        }
        let is_riddled = self.is_riddled(lists);
        let first = if is_riddled {
            grown.max(FRONT)
        } else if pages < LARGE {
            FRONT
        } else {
            0
        };
        let asked = self.asked();
        let first = if asked.is_empty() { first } else { first.min(asked.start) };
        let end = pages.next_multiple_of(FRONT).min(self.reserved_pages());
        if asked.end < end || asked.start > first {
            if !is_riddled {
                refused.store(0, Ordering::Relaxed);
            }
            from.store(first, Ordering::Relaxed);
            to.store(end, Ordering::Relaxed);
            self.region.advise(Page(first), Page(end), Advice::HugePages);
        }
    }

    /// After zero pages were taken: if huge pages are refused, asks for them again once the region is dense.
    #[inline]
    pub(super) fn ask_again_if_dense(&self, lists: &Lists) {
        let is_refused = self.huge_pages.refused.load(Ordering::Relaxed) > 0;
        let is_dense = || self.quarters_used(lists) >= DENSE && !self.is_riddled(lists);
        if is_refused && !self.huge_pages.may_come_from_afar() && is_dense() && self.huge_pages.stalls.are_over() {
            self.ask_for_huge_pages(lists, 0);
        }
    }

    /// After pages were given back: refuses huge pages if little is left in use, or if much went back in pieces.
    pub fn refuse_if_sparse(&self) {
        let pages = self.region.pages();
        if pages <= FRONT || !self.huge_pages.is(ThpPolicy::Auto) {
            return;
        }
        let Ok(lists) = self.lists() else { return };
        if pages >= LARGE && self.quarters_used(&lists) < NOT_SPARSE || self.is_riddled(&lists) {
            self.refuse_huge_pages(&lists);
        }
    }
}

/// Returns whether a run is long and crosses a place where the advice may change. The kernel keeps the parts as separate mappings and would not
/// move them as one, so a large object had better move before it grows across such a place.
pub(super) fn is_parted(page: Page, pages: u32) -> bool {
    pages >= LEAST_MOVED && page.0 / FRONT != (page.0 + pages - 1) / FRONT
}

#[cfg(test)]
impl Arena {
    /// First page of which the first touch would be watched now.
    pub fn watched(&self) -> u32 {
        self.huge_pages.watched.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Run;
    use crate::sys::vm::Span;
    extern crate std;
    use std::vec::Vec;

    const LEN: usize = 4 * LARGE as usize * PAGE;

    fn arena(policy: ThpPolicy, is_only_node: bool) -> Arena {
        let arena = Arena::default();
        let metadata = Span::reserve(crate::region::Region::metadata_len(LEN), PAGE).unwrap();
        arena.settle(Span::reserve(LEN, 32 << 20).unwrap(), metadata);
        arena.begin_huge_pages(policy, is_only_node);
        arena.huge_pages.stalls.pretend(false);
        arena
    }

    /// Takes 2 MiB runs until `pages` pages are in use; returns the runs.
    fn take(arena: &Arena, pages: u32) -> Vec<Run> {
        (0..pages / HUGE).map(|_| arena.alloc(HUGE, 1).unwrap()).collect()
    }

    /// Returns whether the kernel shows a flag for the mapping around an address.
    fn has_flag(address: usize, flag: &str) -> bool {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let is_around = |line: &str| {
            let ends = line.split(' ').next().and_then(|range| range.split_once('-'));
            let ends = ends.and_then(|(from, to)| {
                Some(usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?)
            });
            ends.is_some_and(|range| range.contains(&address))
        };
        let lines = maps.lines().skip_while(|line| !is_around(line));
        let flags = lines.filter_map(|line| line.strip_prefix("VmFlags:")).next().unwrap();
        flags.split(' ').any(|one| one == flag)
    }

    #[test]
    fn the_kernel_is_told_when_something_is_taken_first() {
        let of_front =
            [(ThpPolicy::Auto, "nh"), (ThpPolicy::Never, "nh"), (ThpPolicy::Madvise, "nh"), (ThpPolicy::Always, "hg")];
        for (policy, flag) in of_front {
            let arena = arena(policy, true);
            let is_told = || has_flag(arena.region().base(), flag);
            assert!(!is_told(), "nothing is taken from it: {policy:?}");
            let _run = arena.alloc(1, 1).unwrap();
            assert!(is_told(), "{policy:?}");
            let beyond = arena.region().address(Page(LARGE));
            let told = [has_flag(beyond, "nh"), has_flag(beyond, "hg")];
            let wanted = [policy == ThpPolicy::Never, [ThpPolicy::Madvise, ThpPolicy::Always].contains(&policy)];
            assert_eq!(told, wanted, "beyond the front: {policy:?}");
        }
    }

    #[test]
    fn a_dense_region_is_asked_for_ahead_and_a_sparse_one_refused() {
        let arena = arena(ThpPolicy::Auto, true);
        let held = take(&arena, FRONT / 2);
        assert_eq!(arena.huge_pages_asked(), 0, "the front alone");
        let more = take(&arena, FRONT);
        let pages = arena.region().pages();
        assert_eq!(arena.huge_pages_asked(), pages - FRONT, "all beyond it");
        let rest = take(&arena, LARGE);
        assert_eq!(arena.huge_pages_asked(), arena.region().pages(), "and the front of a large one");
        held.into_iter().chain(more).chain(rest).for_each(|run| arena.free(Run { zero: false, ..run }));
        assert_eq!(arena.huge_pages_asked(), arena.region().pages(), "free but warm");
        arena.trim(0);
        assert_eq!(arena.huge_pages_asked(), 0);
        let _few = take(&arena, LARGE / 4);
        assert_eq!(arena.huge_pages_asked(), 0, "not dense yet");
        let _many = take(&arena, arena.region().pages() - LARGE / 4);
        assert_eq!(arena.huge_pages_asked(), arena.region().pages(), "dense again");
    }

    /// Gives back the first `pages` pages of each huge page that is in use.
    fn riddle(arena: &Arena, held: &mut [Run], pages: u32) {
        for run in held {
            let whole = core::mem::replace(run, Run { page: run.page.plus(pages), pages: HUGE - pages, zero: false });
            arena.free(Run { page: whole.page, pages, zero: false });
        }
        arena.trim(0);
    }

    #[test]
    fn a_riddled_region_is_refused_but_for_what_it_grows_by() {
        let arena = arena(ThpPolicy::Auto, true);
        let mut held = take(&arena, 2 * FRONT);
        assert!(arena.huge_pages_asked() > 0);
        riddle(&arena, &mut held, HUGE / 16);
        assert!(arena.huge_pages_asked() > 0, "a sixteenth");
        riddle(&arena, &mut held, HUGE * 3 / 8);
        assert_eq!(arena.huge_pages_asked(), 0);
        let before = arena.region().pages();
        let _more = take(&arena, FRONT);
        assert_eq!(arena.huge_pages_asked(), arena.region().pages() - before, "what was there would be filled up");
        assert!(arena.is_small(Page(FRONT)) && !arena.is_small(Page(before)));
    }

    #[test]
    fn pages_inside_slabs_riddle_a_region() {
        let arena = arena(ThpPolicy::Auto, true);
        let _held = take(&arena, 2 * FRONT);
        arena.count_hollow(0, FRONT / 2);
        arena.refuse_if_sparse();
        assert_eq!(arena.huge_pages_asked(), 0);
        arena.count_hollow(FRONT / 2, 0);
        let _more = take(&arena, FRONT);
        assert_eq!(arena.huge_pages_asked(), arena.region().pages() - FRONT);
    }

    #[test]
    fn growth_of_a_region_that_is_half_free_is_left_to_the_system() {
        let arena = arena(ThpPolicy::Auto, true);
        let [_first, second, _third] =
            [FRONT / 8, FRONT * 5 / 8, FRONT / 8].map(|pages| arena.alloc(pages, 1).unwrap());
        arena.free(Run { zero: false, ..second });
        let _longer = arena.alloc(FRONT * 3 / 4, 1).unwrap();
        assert!(arena.region().pages() > FRONT);
        assert_eq!(arena.huge_pages_asked(), 0);
    }

    #[test]
    fn growth_on_one_node_of_several_is_left_to_the_system() {
        let arena = arena(ThpPolicy::Auto, false);
        let held = take(&arena, 2 * LARGE);
        assert_eq!(arena.huge_pages_asked(), 0);
        held.into_iter().for_each(|run| arena.free(Run { zero: false, ..run }));
        arena.trim(0);
        let before = arena.region().pages();
        assert!(arena.is_small(Page(before - 1)), "what was sparse");
        let _many = take(&arena, before);
        assert_eq!(arena.huge_pages_asked(), 0, "what is dense again");
        let _more = take(&arena, HUGE);
        let flags = [before - 1, before].map(|page| has_flag(arena.region().address(Page(page)), "nh"));
        assert_eq!((flags, arena.is_small(Page(before))), ([true, false], false));
    }

    #[test]
    fn huge_pages_that_stall_are_held_off_for_a_while() {
        let arena = arena(ThpPolicy::Auto, true);
        let _held = take(&arena, FRONT + HUGE);
        assert!(arena.huge_pages_asked() > 0);
        arena.huge_pages.stalls.pretend(true);
        let _stalled = take(&arena, HUGE);
        assert_eq!(arena.huge_pages_asked(), 0);
        arena.huge_pages.stalls.pretend(false);
        let _more = take(&arena, LARGE);
        assert_eq!(arena.huge_pages_asked(), 0, "dense and growing");
        arena.huge_pages.stalls.end();
        let _rest = take(&arena, LARGE);
        assert_eq!(arena.huge_pages_asked(), arena.region().pages());
    }

    #[test]
    fn the_first_touch_of_each_huge_page_is_watched() {
        let arena = arena(ThpPolicy::Auto, true);
        let mut held = take(&arena, FRONT + LARGE);
        let huge_pages = &arena.huge_pages;
        let (end, watched) = (arena.region().pages(), || huge_pages.watched.load(Ordering::Relaxed));
        let watch = |page, zero| {
            // No other thread knows the pages that the region has grown by.
            arena.watch_first_touch(&Run { page: Page(page), pages: 8, zero });
            watched()
        };
        let next = watched();
        assert!(next > FRONT && next.is_multiple_of(HUGE) && next < end, "the last one taken is {next}");
        assert_eq!(watch(next, false), next, "it was used");
        assert_eq!(watch(next - 8, true), next, "another of the same huge page");
        assert_eq!(watch(next + 16, true), next + HUGE);
        arena.free(Run { zero: false, ..held.pop().unwrap() });
        assert_eq!(watched(), next + HUGE, "it is warm");
        assert_eq!(arena.trim(0), HUGE);
        assert_eq!(watched(), next - HUGE);
        huge_pages.stalls.pretend(true);
        watch(next, true);
        assert_eq!(arena.huge_pages_asked(), 0);
        assert_eq!(watch(next + HUGE, true), next + HUGE, "small pages are not watched");
    }

    #[test]
    fn the_run_of_a_slab_is_touched_by_who_begins_the_slab() {
        let arena = arena(ThpPolicy::Auto, true);
        let _held = take(&arena, FRONT + LARGE);
        for alloc in [|arena: &Arena| arena.alloc_slab(8, 0), |arena: &Arena| arena.alloc_beside_slabs(8)] {
            arena.huge_pages.watched.store(0, Ordering::Relaxed);
            let run = alloc(&arena).unwrap();
            assert!(run.zero && arena.asked().contains(&run.page.0) && arena.watched() == 0);
            arena.watch_first_touch(&run);
            assert!(arena.watched() > run.page.0);
        }
    }

    #[test]
    fn a_stall_waits_for_the_lock_before_huge_pages_are_refused() {
        let arena = arena(ThpPolicy::Auto, true);
        let _held = take(&arena, FRONT + HUGE);
        let (asked, next) = (arena.huge_pages_asked(), Page(arena.huge_pages.watched.load(Ordering::Relaxed)));
        assert!(asked > 0);
        arena.huge_pages.stalls.pretend(true);
        let lists = arena.lists().unwrap();
        std::thread::scope(|scope| {
            // No other thread knows the pages that the region has grown by.
            scope.spawn(|| arena.watch_first_touch(&Run { page: next, pages: 8, zero: true }));
            while arena.huge_pages.stalls.are_over() {
                std::thread::yield_now();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert_eq!(arena.huge_pages_asked(), asked, "the holder may be asking for them");
            drop(lists);
        });
        assert_eq!(arena.huge_pages_asked(), 0);
    }

    #[test]
    fn what_the_operator_wants_stands() {
        for policy in [ThpPolicy::Never, ThpPolicy::Always] {
            let arena = arena(policy, false);
            let held = take(&arena, 2 * LARGE);
            held.into_iter().for_each(|run| arena.free(Run { zero: false, ..run }));
            arena.trim(0);
            assert_eq!(arena.huge_pages_asked(), 0);
            assert_eq!(arena.huge_pages.refused.load(Ordering::Relaxed), 0, "{policy:?}");
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
