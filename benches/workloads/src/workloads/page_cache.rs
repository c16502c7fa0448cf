//! The page cache of a database: page-aligned buffers of 4 KiB to 1 MiB, smaller ones more often, that live long. A miss reads a page into a new
//! buffer, which writes all of it, and evicts the page that was not used for longest, as the clock algorithm sees it (Corbató 1969).
//!
//! Decided by fragmentation among large buffers of many sizes, and by whether memory that was evicted is reused or paged in afresh.

use crate::block::Block;
use crate::calls::Calls;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};

const SMALLEST: usize = 4 << 10;
const LARGEST: usize = 1 << 20;
/// Below the average, so places are seldom short.
const FOR_A_PLACE: usize = 64 << 10;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let misses = run.turns(run.pick(50, 20_000, 200_000));
    let capacity = run.part(run.pick(4 << 20, 96 << 20, 1 << 30));
    team::<C>(run, |member| {
        let mut cache = Cache::new(capacity);
        // More than twice what it holds, so that it is full and mixed.
        (0..cache.pages.len()).for_each(|_| cache.miss(member));
        member.measured(|member| (0..misses).for_each(|_| cache.miss(member)));
        cache.clear(member);
        misses as u64
    })
}

struct Cache {
    pages: Slots<Option<Block>>,
    /// Used since the hand last came by.
    used: Slots<bool>,
    hand: usize,
    /// Pages, and their bytes.
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

    /// One page comes, after as many went as it takes; a few that are there are used.
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

    /// The first page the hand finds that was not used in a whole round.
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

/// A whole number of the smallest.
fn page_size<C: Calls>(member: &mut Member<C>) -> usize {
    member.random.doubling(SMALLEST, LARGEST).next_multiple_of(SMALLEST)
}
