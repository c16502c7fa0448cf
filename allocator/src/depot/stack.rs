//! One depot: a stack of magazines.

use crate::base::classes::CLASSES;
use crate::base::sync::{AtomicU32, AtomicU64, Ordering};
use crate::base::units::Class;
use crate::region::{Magazine, Table};
use crate::sys::lock::Lock;

const INLINE: usize = 8;
/// Magazines of a class that may lie in the table.
pub(super) const OVERFLOW: usize = 504;
/// Most bytes of free objects a depot keeps.
const DEPOT_BYTES: usize = 2 * 1024 * 1024;
/// Trades after which the working set is judged.
const JUDGE_AFTER: u32 = 256;

#[derive(Debug, Default)]
struct State {
    len: u32,
    fewest: u32,
    surplus: u32,
    /// Since the last judgement.
    trades: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Depot {
    state: Lock<State>,
    activity: AtomicU32,
    inline: [AtomicU64; INLINE],
}

/// A class's part of the overflow table.
pub(super) struct Shelf<'a> {
    pub(super) overflow: &'a Table<AtomicU64>,
    pub(super) growth: &'a Lock<()>,
    pub(super) first: usize,
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
}

impl Depot {
    fn word<'a>(&'a self, shelf: &'a Shelf<'_>, index: usize) -> &'a AtomicU64 {
        match self.inline.get(index) {
            Some(word) => word,
            None => shelf.overflow.get(shelf.first + index - INLINE),
        }
    }

    pub(super) fn get(&self, shelf: &Shelf<'_>) -> Option<Magazine> {
        let mut state = self.state.lock().ok()?;
        self.pop(&mut state, shelf)
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

    pub(super) fn put(&self, shelf: &Shelf<'_>, class: Class, magazine: Magazine) -> Result<(), Magazine> {
        let Ok(mut state) = self.state.lock() else { return Err(magazine) };
        judge(&mut state);
        self.note_activity();
        let index = state.len as usize;
        if index >= capacity(class) || (index >= INLINE && !shelf.open()) {
            return Err(magazine);
        }
        self.word(shelf, index).store(magazine.into_word(), Ordering::Release);
        state.len += 1;
        Ok(())
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
    use crate::sys::vm::Span;

    const CLASS: Class = Class(5);

    /// A depot with room for the overflow of one class, in the hands of `test`.
    fn with_depot(test: impl FnOnce(&Depot, &Shelf<'_>)) {
        let (overflow, growth) = (Table::new(), Lock::default());
        let space = Span::reserve(Table::<AtomicU64>::bytes_for(CLASSES * OVERFLOW), 4096).unwrap();
        overflow.settle(space, CLASSES * OVERFLOW);
        test(&Depot::default(), &Shelf { overflow: &overflow, growth: &growth, first: 0 });
    }

    /// Told from others by its address; never popped from.
    fn magazine(number: usize) -> Magazine {
        Magazine::from_word((number as u64 + 1) << 20)
    }

    #[test]
    fn the_newest_comes_first_and_a_full_depot_refuses() {
        with_depot(|depot, shelf| {
            let most = capacity(CLASS);
            assert!(most > INLINE);
            (0..most).for_each(|number| depot.put(shelf, CLASS, magazine(number)).unwrap());
            assert_eq!(depot.put(shelf, CLASS, magazine(most)), Err(magazine(most)));
            assert_eq!(depot.figures(shelf, CLASS).0 as usize, most);
            (0..most).rev().for_each(|number| assert_eq!(depot.get(shelf), Some(magazine(number))));
            assert_eq!(depot.get(shelf), None);
        });
    }

    #[test]
    fn what_lies_untouched_is_surplus() {
        with_depot(|depot, shelf| {
            const UNUSED: usize = 6;
            let trade = || {
                depot.put(shelf, CLASS, magazine(99)).unwrap();
                depot.get(shelf)
            };
            (0..UNUSED).for_each(|number| depot.put(shelf, CLASS, magazine(number)).unwrap());
            (0..JUDGE_AFTER - UNUSED as u32).for_each(|_| assert_eq!(trade(), Some(magazine(99))));
            assert_eq!(depot.surplus(shelf), None, "the first period began with nothing");
            (0..JUDGE_AFTER).for_each(|_| assert_eq!(trade(), Some(magazine(99))));
            (0..UNUSED).rev().for_each(|number| assert_eq!(depot.surplus(shelf), Some(magazine(number))));
            assert_eq!(depot.surplus(shelf), None);
        });
    }
}
