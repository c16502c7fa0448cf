//! One depot: a stack of magazines.

use crate::base::classes::CLASSES;
use crate::base::sync::{AtomicU64, Ordering};
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
    trades: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Depot {
    state: Lock<State>,
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
        Some(magazine)
    }

    pub(super) fn put(&self, shelf: &Shelf<'_>, class: Class, magazine: Magazine) -> Result<(), Magazine> {
        let Ok(mut state) = self.state.lock() else { return Err(magazine) };
        let index = state.len as usize;
        if index >= capacity(class) || (index >= INLINE && !shelf.open()) {
            return Err(magazine);
        }
        self.word(shelf, index).store(magazine.into_word(), Ordering::Release);
        state.len += 1;
        judge(&mut state);
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

/// Every so many trades: what lay untouched meanwhile is surplus.
fn judge(state: &mut State) {
    state.trades += 1;
    if state.trades >= JUDGE_AFTER {
        state.surplus = state.fewest;
        state.fewest = state.len;
        state.trades = 0;
    }
}
