//! The page cache of a database: long-lived page-aligned buffers of 4 KiB to 1 MiB, smaller ones more often. A miss reads a page into a new buffer,
//! which writes all of it, and evicts the least recently used page as approximated by the clock algorithm (Corbató 1969).
//!
//! Decided by fragmentation among large buffers of many sizes, and by whether the memory of evicted pages is reused or paged in again.

use crate::block::Block;
use crate::calls::Calls;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};

const SMALLEST: usize = 4 << 10;
const LARGEST: usize = 1 << 20;
/// The bytes of the cache for each place in its table. This is below the average size of a page, so that places are rarely short.
const FOR_A_PLACE: usize = 64 << 10;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let misses = run.turns(run.pick(50, 20_000, 200_000));
    let capacity = run.part(run.pick(4 << 20, 96 << 20, 1 << 30));
    team::<C>(run, |member| {
        let mut cache = Cache::new(capacity);
        // More than twice as many misses as the cache holds pages, so that it is full and mixed.
        (0..cache.pages.len()).for_each(|_| cache.miss(member));
        member.measured(|member| (0..misses).for_each(|_| cache.miss(member)));
        cache.clear(member);
        misses as u64
    })
}

struct Cache {
    pages: Slots<Option<Block>>,
    /// Whether each page was used since the hand last passed it.
    used: Slots<bool>,
    hand: usize,
    /// The number of pages, and of their bytes.
    live: usize,
    held: usize,
    capacity: usize,
}

impl Cache {
    fn new(capacity: usize) -> Self {
        let capacity = capacity.max(4 * LARGEST);
        let places = capacity / FOR_A_PLACE;
        Self { pages: Slots::new(places), used: Slots::new(places), hand: 0, live: 0, held: 0, capacity }
    }

    /// Evicts as many pages as necessary and reads one page; then uses a few of the pages in the cache.
    fn miss<C: Calls>(&mut self, member: &mut Member<C>) {
        let size = page_size(member);
        while self.held + size > self.capacity || self.live == self.pages.len() {
            self.evict(member);
        }
        let mut page = Block::aligned(&mut member.calls, SMALLEST, size);
        page.touch(0);
        self.place(page, size);
        (0..4).for_each(|_| self.used[member.random.below(self.pages.len())] = true);
    }

    fn place(&mut self, page: Block, size: usize) {
        while self.pages[self.hand].is_some() {
            self.hand = (self.hand + 1) % self.pages.len();
        }
        self.pages[self.hand] = Some(page);
        self.live += 1;
        self.held += size;
    }

    /// Evicts the first page that the hand finds unused for a whole round.
    fn evict<C: Calls>(&mut self, member: &mut Member<C>) {
        loop {
            self.hand = (self.hand + 1) % self.pages.len();
            if !std::mem::take(&mut self.used[self.hand]) && self.pages[self.hand].is_some() {
                return self.drop_at(member, self.hand);
            }
        }
    }

    fn drop_at<C: Calls>(&mut self, member: &mut Member<C>, place: usize) {
        if let Some(page) = self.pages[place].take() {
            self.live -= 1;
            self.held -= page.size();
            page.free(&mut member.calls);
        }
    }

    fn clear<C: Calls>(&mut self, member: &mut Member<C>) {
        (0..self.pages.len()).for_each(|place| self.drop_at(member, place));
    }
}

/// A random size, a multiple of the smallest.
fn page_size<C: Calls>(member: &mut Member<C>) -> usize {
    member.random.doubling(SMALLEST, LARGEST).next_multiple_of(SMALLEST)
}
