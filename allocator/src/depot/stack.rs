//! One depot: a stack of magazines.

use super::trail::{self, Trail};
use crate::base::classes::CLASSES;
use crate::base::classes::MAX_ROUNDS;
use crate::base::sync::{AtomicU32, AtomicU64, Ordering};
use crate::base::units::Class;
use crate::region::{Links, Magazine, Table};
use crate::sys::lock::Lock;

pub(super) const INLINE: usize = 8;
/// Magazines of a class that may lie in the table.
pub(super) const OVERFLOW: usize = 504;
/// Most bytes of free objects a depot keeps.
const DEPOT_BYTES: usize = 2 * 1024 * 1024;
/// Trades after which the working set is judged.
const JUDGE_AFTER: u32 = 256;
/// Magazines in a row, or nearly, that another CPU took than had left them, before trails are noted; and most that is counted.
const CROSSED: u32 = 2;
const MOST_CROSSED: u32 = 8;

#[derive(Debug, Default)]
struct State {
    len: u32,
    fewest: u32,
    surplus: u32,
    /// Since the last judgement.
    trades: u32,
    /// The CPU that left the newest.
    last_by: u32,
    /// A bit for each inline magazine that has a trail.
    noted: u8,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Depot {
    state: Lock<State>,
    /// How many more trades lately went from one CPU to another than did not; written under the lock.
    crossed: AtomicU32,
    activity: AtomicU32,
    inline: [AtomicU64; INLINE],
}

/// A class's part of the overflow table.
pub(super) struct Shelf<'a> {
    pub(super) overflow: &'a Table<AtomicU64>,
    pub(super) trails: &'a Table<AtomicU32>,
    pub(super) growth: &'a Lock<()>,
    pub(super) class: usize,
}

impl Shelf<'_> {
    /// Makes the whole table usable: memory still comes by touching.
    fn open(&self) -> bool {
        if !self.overflow.is_empty() {
            return true;
        }
        let Ok(_growing) = self.growth.lock() else { return false };
        self.overflow.extend_to(CLASSES * OVERFLOW).is_ok()
    }

    /// The same of the trails'.
    fn open_trails(&self) -> bool {
        if !self.trails.is_empty() {
            return true;
        }
        let Ok(_growing) = self.growth.lock() else { return false };
        self.trails.extend_to(trail::WORDS).is_ok()
    }

    fn trail_of(&self, index: usize) -> usize {
        (self.class * INLINE + index) * MAX_ROUNDS
    }
}

impl Depot {
    fn word<'a>(&'a self, shelf: &'a Shelf<'_>, index: usize) -> &'a AtomicU64 {
        match self.inline.get(index) {
            Some(word) => word,
            None => shelf.overflow.get(shelf.class * OVERFLOW + index - INLINE),
        }
    }

    /// `cpu` tells whether the magazine comes from another.
    pub(super) fn get(&self, shelf: &Shelf<'_>, cpu: u32) -> Option<Magazine> {
        let (magazine, trail) = {
            let mut state = self.state.lock().ok()?;
            let magazine = self.pop(&mut state, shelf)?;
            self.judge_crossing(state.last_by != cpu);
            let index = state.len as usize;
            let noted = index < INLINE && state.noted & 1 << index != 0;
            (magazine, noted.then(|| Trail::take(shelf.trails, shelf.trail_of(index))))
        };
        if let Some(trail) = trail {
            trail.prefetch(&magazine);
        }
        Some(magazine)
    }

    fn judge_crossing(&self, crossed: bool) {
        let before = self.crossed.load(Ordering::Relaxed);
        let now = if crossed { (before + 1).min(MOST_CROSSED) } else { before.saturating_sub(1) };
        if now != before {
            self.crossed.store(now, Ordering::Relaxed);
        }
    }

    fn pop(&self, state: &mut State, shelf: &Shelf<'_>) -> Option<Magazine> {
        let index = state.len.checked_sub(1)?;
        let word = self.word(shelf, index as usize);
        let magazine = Magazine::from_word(word.load(Ordering::Relaxed));
        // Release: a forked child finds the word gone before anything that follows.
        word.store(0, Ordering::Release);
        state.len = index;
        state.fewest = state.fewest.min(index);
        state.surplus = state.surplus.min(index);
        self.note_activity();
        Some(magazine)
    }

    pub(super) fn put(
        &self,
        shelf: &Shelf<'_>,
        magazine: Magazine,
        class: Class,
        links: Links,
        cpu: u32,
    ) -> Result<(), Magazine> {
        let trail = self.wants_trail(shelf).then(|| Trail::of(&magazine, links));
        let Ok(mut state) = self.state.lock() else { return Err(magazine) };
        judge(&mut state);
        self.note_activity();
        let index = state.len as usize;
        if index >= capacity(class) || (index >= INLINE && !shelf.open()) {
            return Err(magazine);
        }
        self.word(shelf, index).store(magazine.into_word(), Ordering::Release);
        state.len += 1;
        state.last_by = cpu;
        if index < INLINE {
            note(&mut state, shelf, index, trail);
        }
        Ok(())
    }

    fn wants_trail(&self, shelf: &Shelf<'_>) -> bool {
        self.crossed.load(Ordering::Relaxed) >= CROSSED && shelf.open_trails()
    }

    pub(super) fn surplus(&self, shelf: &Shelf<'_>) -> Option<Magazine> {
        let mut state = self.state.try_lock()?;
        if state.surplus == 0 {
            return None;
        }
        state.surplus -= 1;
        self.pop(&mut state, shelf)
    }

    /// What lay untouched since the last judgement is surplus.
    pub(super) fn judge_now(&self) {
        if let Some(mut state) = self.state.try_lock() {
            settle(&mut state);
        }
    }

    /// Magazines put, refused or taken so far.
    pub(super) fn activity(&self) -> u32 {
        self.activity.load(Ordering::Relaxed)
    }

    /// Under the lock.
    fn note_activity(&self) {
        self.activity.store(self.activity().wrapping_add(1), Ordering::Relaxed);
    }

    pub(super) fn is_held(&self) -> bool {
        self.state.is_mine()
    }

    pub(super) fn words(&self, shelf: &Shelf<'_>, mut each: impl FnMut(u64)) {
        if let Ok(state) = self.state.lock() {
            (0..state.len as usize).for_each(|index| each(self.word(shelf, index).load(Ordering::Relaxed)));
        }
    }

    pub(super) fn figures(&self, shelf: &Shelf<'_>, class: Class) -> (u32, u64) {
        let Ok(state) = self.state.lock() else { return (0, 0) };
        let rounds = (0..state.len as usize)
            .map(|index| Magazine::rounds_in(self.word(shelf, index).load(Ordering::Relaxed), class) as u64)
            .sum();
        (state.len, rounds)
    }

    pub(super) fn rebuild(&self, shelf: &Shelf<'_>) {
        let Some(mut state) = self.state.inherit() else { return };
        let room = INLINE + if shelf.overflow.is_empty() { 0 } else { OVERFLOW };
        let len = (0..room).take_while(|&index| self.word(shelf, index).load(Ordering::Relaxed) != 0).count();
        *state = State { len: len as u32, ..State::default() };
    }
}

/// Most magazines kept of a class.
fn capacity(class: Class) -> usize {
    let info = class.info();
    (DEPOT_BYTES / (info.rounds * info.size) as usize).min(INLINE + OVERFLOW)
}

fn note(state: &mut State, shelf: &Shelf<'_>, index: usize, trail: Option<Trail>) {
    state.noted &= !(1 << index);
    if let Some(trail) = trail {
        trail.leave(shelf.trails, shelf.trail_of(index));
        state.noted |= 1 << index;
    }
}

/// Every so many trades, refused ones too: what lay untouched meanwhile is surplus.
fn judge(state: &mut State) {
    state.trades += 1;
    if state.trades >= JUDGE_AFTER {
        settle(state);
    }
}

fn settle(state: &mut State) {
    state.surplus = state.fewest;
    state.fewest = state.len;
    state.trades = 0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{Object, Reach};
    use crate::sys::vm::Span;

    const CLASS: Class = Class(5);

    /// A depot with room for the overflow of one class, in the hands of `test`.
    fn with_depot(test: impl FnOnce(&Depot, &Shelf<'_>)) {
        let (overflow, trails, growth) = (Table::new(), Table::new(), Lock::default());
        let space = Span::reserve(Table::<AtomicU64>::bytes_for(CLASSES * OVERFLOW), 4096).unwrap();
        overflow.settle(space, CLASSES * OVERFLOW);
        test(&Depot::default(), &Shelf { overflow: &overflow, trails: &trails, growth: &growth, class: 0 });
    }

    /// Told from others by its address; never popped from.
    fn magazine(number: usize) -> Magazine {
        Magazine::from_word((number as u64 + 1) << 20)
    }

    fn put(depot: &Depot, shelf: &Shelf<'_>, magazine: Magazine) -> Result<(), Magazine> {
        depot.put(shelf, magazine, CLASS, no_links(), 0)
    }

    fn no_links() -> Links {
        Links { secret: 0, regions: [Reach::default(); 2] }
    }

    #[test]
    fn the_newest_comes_first_and_a_full_depot_refuses() {
        with_depot(|depot, shelf| {
            let most = capacity(CLASS);
            assert!(most > INLINE);
            (0..most).for_each(|number| put(depot, shelf, magazine(number)).unwrap());
            assert_eq!(put(depot, shelf, magazine(most)), Err(magazine(most)));
            assert_eq!(depot.figures(shelf, CLASS).0 as usize, most);
            (0..most).rev().for_each(|number| assert_eq!(depot.get(shelf, 0), Some(magazine(number))));
            assert_eq!(depot.get(shelf, 0), None);
        });
    }

    #[test]
    fn what_lies_untouched_is_surplus() {
        with_depot(|depot, shelf| {
            const UNUSED: usize = 6;
            let trade = || {
                put(depot, shelf, magazine(99)).unwrap();
                depot.get(shelf, 0)
            };
            (0..UNUSED).for_each(|number| put(depot, shelf, magazine(number)).unwrap());
            (0..JUDGE_AFTER - UNUSED as u32).for_each(|_| assert_eq!(trade(), Some(magazine(99))));
            assert_eq!(depot.surplus(shelf), None, "the first period began with nothing");
            (0..JUDGE_AFTER).for_each(|_| assert_eq!(trade(), Some(magazine(99))));
            (0..UNUSED).rev().for_each(|number| assert_eq!(depot.surplus(shelf), Some(magazine(number))));
            assert_eq!(depot.surplus(shelf), None);
        });
    }

    #[repr(align(64))]
    struct Lines([[u64; 8]; 4]);

    /// Two rounds of one line and one of another, linked.
    fn chained(Lines(lines): &mut Lines) -> Magazine {
        let (links, mut magazine) = (no_links(), Magazine::empty(CLASS));
        for address in [&raw mut lines[2][4], &raw mut lines[2][0], &raw mut lines[1][0]] {
            assert_eq!(magazine.push(links, Object::mint(address as usize)), Ok(()));
        }
        magazine
    }

    #[test]
    fn a_trail_is_left_where_magazines_cross() {
        with_depot(|depot, shelf| {
            let space = Span::reserve(Table::<AtomicU32>::bytes_for(trail::WORDS), 4096).unwrap();
            shelf.trails.settle(space, trail::WORDS);
            let mut lines = Lines([[0; 8]; 4]);
            let mut trade = |from, to| {
                let magazine = chained(&mut lines);
                let first = magazine.first();
                depot.put(shelf, magazine, CLASS, no_links(), from).unwrap();
                let noted = depot.state.lock().unwrap().noted;
                assert_eq!(depot.get(shelf, to).unwrap().first(), first);
                noted
            };
            assert_eq!([trade(1, 1), trade(1, 2), trade(1, 2)], [0; 3], "noted too early");
            assert_eq!(trade(1, 2), 1);
            let trail = Trail::take(shelf.trails, shelf.trail_of(0));
            assert_eq!(trail.len(), 2, "rounds that share a line leave one note");
            (0..MOST_CROSSED).for_each(|_| assert!(trade(1, 1) <= 1));
            assert_eq!(trade(1, 1), 0, "noted though nothing crosses");
        });
    }
}
