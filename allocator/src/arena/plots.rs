//! Where slabs of new pages are laid, so that CPUs do not contend for the kernel's page tables.
//!
//! A page table covers 2 MiB of small pages, and a page fault takes the table's lock: threads that touch new memory side by side wait for each other.
//! So where pages are certain to be small, each CPU lays its slabs of new pages one after the other in 2 MiB of its own, its **plot**. No plot is set
//! apart: it is only where the CPU looks first. Where no 2 MiB are free, slabs go to the lowest place there is, so the ends of plots are filled before
//! the region grows.
//!
//! Locks: changed under the arena's lock. Fork: nothing relies on what is remembered here.

use super::buddy::Arena;
use super::lists::Lists;
use crate::base::sync::{AtomicU32, Ordering};
use crate::base::units::{HUGE_PAGE, PAGE, Page};
use crate::region::Run;

/// Pages of a plot.
const PLOT: u32 = (HUGE_PAGE / PAGE) as u32;
/// CPUs that have a plot of their own; further CPUs share these.
const PLOTS: usize = 16;

/// See the module. For each CPU: the page behind its last slab of new pages.
#[derive(Debug, Default)]
pub(super) struct Plots {
    next: [AtomicU32; PLOTS],
}

impl Arena {
    /// Takes `pages` pages in the CPU's plot, or at the beginning of a new plot.
    pub(super) fn take_from_plot(&self, lists: &mut Lists, pages: u32, cpu: u8) -> Option<Run> {
        let next = &self.plots.next[cpu as usize % PLOTS];
        let place = Some(Page(next.load(Ordering::Relaxed))).filter(|&page| self.continues_plot(page, pages));
        let place = place.or_else(|| self.first_place(PLOT, PLOT)).filter(|&page| self.is_small(page))?;
        next.store(place.plus(pages).0, Ordering::Relaxed);
        Some(self.take_at(lists, place, pages))
    }

    /// Returns whether the `pages` pages from `page` on can be taken and lie in a plot that was begun before.
    fn continues_plot(&self, page: Page, pages: u32) -> bool {
        let begun = page.0 % PLOT;
        begun != 0 && begun + pages <= PLOT && self.kind_at(page, pages).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::buddy::tests::{arena, free};
    use super::super::huge_pages::ThpPolicy;
    use super::*;
    extern crate std;
    use std::vec::Vec;

    /// A region of 64 MiB, all of it free and zero.
    fn small_pages() -> Arena {
        let arena = arena();
        arena.begin_huge_pages(ThpPolicy::Never, true);
        free(&arena, arena.alloc(16000, 1).unwrap());
        arena.trim(0);
        arena
    }

    fn plot_of(run: &Run) -> u32 {
        run.page.0 / PLOT
    }

    #[test]
    fn each_cpu_has_new_pages_of_a_page_table_of_its_own() {
        let arena = small_pages();
        let runs: Vec<_> = (0..32).map(|turn| arena.alloc_slab(8, turn % 4).unwrap()).collect();
        for (turn, run) in runs.iter().enumerate() {
            assert_eq!(plot_of(run), plot_of(&runs[turn % 4]), "the CPU's own");
            assert_eq!(runs.iter().filter(|other| plot_of(other) == plot_of(run)).count(), 8, "no other's");
        }
        assert_eq!(runs[4].page, runs[0].page.plus(8), "one after the other");
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn a_plot_that_is_full_is_followed_by_another_and_by_what_is_left_before_the_region_grows() {
        let arena = small_pages();
        let pages = arena.region().pages();
        let runs: Vec<_> = (0..pages / 8).map(|turn| arena.alloc_slab(8, turn as u8 % 3).unwrap()).collect();
        assert_eq!(arena.region().pages(), pages);
        assert!(runs.iter().all(|run| run.pages == 8));
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn a_plot_whose_slabs_have_gone_begins_anew() {
        let arena = small_pages();
        let slab = arena.alloc_slab(8, 0).unwrap();
        let page = slab.page;
        free(&arena, slab);
        arena.trim(0);
        assert_eq!(arena.alloc_slab(8, 0).map(|run| run.page), Some(page));
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn whatever_comes_and_goes_no_page_is_given_twice() {
        let arena = small_pages();
        let (mut held, mut state) = (Vec::new(), 88172645463325252_u64);
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below) as u32
        };
        for _ in 0..20_000 {
            match random(16) {
                0..7 => held.push(arena.alloc_slab(1 + random(8), random(4) as u8).unwrap()),
                7 => held.push(arena.alloc(9 + random(600), 1 << random(4)).unwrap()),
                8 if held.len() > 60 => held.drain(..40).for_each(|run| arena.free(Run { zero: false, ..run })),
                9 => drop(arena.reclaim(random(2000), 0, crate::arena::Reason::Decay)),
                _ if held.is_empty() => (),
                _ => arena.free(Run { zero: false, ..held.swap_remove(random(held.len() as u64) as usize) }),
            }
            let mut pages: Vec<_> = held.iter().flat_map(|run| run.page.0..run.page.0 + run.pages).collect();
            pages.sort_unstable();
            assert!(pages.windows(2).all(|two| two[0] < two[1]));
        }
        assert_eq!(arena.validate(), Ok(()));
    }

    #[test]
    fn of_more_cpus_than_plots_some_share_one() {
        let arena = small_pages();
        let [first, next] = [3, 3 + PLOTS as u8].map(|cpu| arena.alloc_slab(8, cpu).unwrap());
        assert_eq!(next.page, first.page.plus(8));
        assert!(arena.alloc_slab(8, u8::MAX).is_some());
    }

    #[test]
    fn warm_pages_come_first() {
        let arena = small_pages();
        let [warm, _next] = [8, 8].map(|pages| arena.alloc_slab(pages, 0).unwrap());
        let page = warm.page;
        free(&arena, warm);
        assert_eq!(arena.alloc_slab(8, 1).map(|run| run.page), Some(page));
    }

    #[test]
    fn where_pages_may_be_huge_there_are_no_plots() {
        let arena = small_pages();
        arena.begin_huge_pages(ThpPolicy::Always, true);
        let [first, next] = [0, 1].map(|cpu| arena.alloc_slab(8, cpu).unwrap());
        assert_eq!(next.page, first.page.plus(8));
    }
}
