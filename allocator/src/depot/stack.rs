//! One class's part of a shard: a stack of magazines.

use crate::base::sync::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::base::units::Class;
use crate::region::{Magazine, Table};
use crate::sys::lock::Lock;

const INLINE: usize = 8;
/// Number of a stack's magazines that may lie in the table: a page of the table.
pub(super) const OVERFLOW: usize = 4096;
/// Trades after which the working set is judged, in addition to those that it takes to empty and fill a stack as deep as the need.
const JUDGE_AFTER: u32 = 256;
/// As many bytes in a shard are the owner's before they are the thieves'.
const PROTECTED: usize = 1 << 22;
/// A thief is refused this often; if the owner has not traded meanwhile, it is gone.
const REFUSALS: u32 = 16;

#[derive(Debug, Default)]
struct State {
    len: u32,
    /// Magazines that the owner has taken, or asked for in vain, and not brought back yet.
    drawn: u32,
    /// The highest value of `drawn`, in this period and in the one before.
    need: u32,
    need_before: u32,
    /// The least excess in this period.
    fewest: u32,
    /// Trades since the last judgement.
    trades: u32,
    /// Thieves refused since the owner last traded.
    refused: u32,
}

impl State {
    /// Returns the number of magazines beyond those that the owner may still take before it brings some back.
    fn excess(&self) -> u32 {
        let need = self.need.max(self.need_before) - self.drawn;
        self.len.saturating_sub(need)
    }

    fn note_drawn(&mut self) {
        self.drawn = (self.drawn + 1).min((INLINE + OVERFLOW) as u32);
        self.need = self.need.max(self.drawn);
        self.note_trade();
    }

    fn note_brought(&mut self) {
        self.drawn = self.drawn.saturating_sub(1);
        self.note_trade();
    }

    fn note_trade(&mut self) {
        self.refused = 0;
        self.trades += 1;
    }

    fn is_time_to_judge(&self) -> bool {
        self.trades >= JUDGE_AFTER + 2 * self.need.max(self.need_before)
    }

    /// Begins a new period. Returns the surplus: what the owner could do without all through the last one.
    fn judge(&mut self) -> u32 {
        self.need_before = self.need;
        self.need = self.drawn;
        self.trades = 0;
        core::mem::replace(&mut self.fewest, self.len)
    }

    /// Returns whether a thief may have a magazine.
    fn may_leave(&mut self) -> bool {
        let may = self.excess() > 0 || self.refused >= REFUSALS;
        self.refused += u32::from(!may);
        may
    }
}

/// See the module. Aligned, because other CPUs trade magazines of the next class at the same time.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Stack {
    state: Lock<State>,
    activity: AtomicU32,
    /// Number of magazines that were not needed lately. Changed under the lock, read without it.
    surplus: AtomicU32,
    /// Number of overflows of the CPU's window so far (a hint).
    overflows: AtomicU32,
    /// The number of its page of the overflow table, plus 1; 0: none.
    overflow: AtomicU32,
    inline: [AtomicU64; INLINE],
}

impl Stack {
    fn page(&self) -> u32 {
        self.overflow.load(Ordering::Relaxed)
    }

    /// Makes surplus what the owner could do without since the last judgement.
    pub(super) fn judge_now(&self) {
        if self.activity() == 0 {
            return;
        }
        if let Some(mut state) = self.state.try_lock() {
            self.judge(&mut state);
        }
    }

    fn judge(&self, state: &mut State) {
        self.surplus.store(state.judge(), Ordering::Relaxed);
    }

    fn judge_if_due(&self, state: &mut State) {
        if state.is_time_to_judge() {
            self.judge(state);
        }
    }

    fn surplus(&self) -> u32 {
        self.surplus.load(Ordering::Relaxed)
    }

    pub(super) fn count_overflow(&self) -> u32 {
        let overflows = self.overflows.load(Ordering::Relaxed).wrapping_add(1);
        self.overflows.store(overflows, Ordering::Relaxed);
        overflows
    }

    /// Returns the number of magazines put, refused or taken so far.
    pub(super) fn activity(&self) -> u32 {
        self.activity.load(Ordering::Relaxed)
    }

    /// Called under the lock.
    fn note_activity(&self) {
        self.activity.store(self.activity().wrapping_add(1), Ordering::Relaxed);
    }

    pub(super) fn is_held(&self) -> bool {
        self.state.is_mine()
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().map_or(0, |state| state.len as usize)
    }
}

/// A stack in its shard, with what belongs to it elsewhere: a page of the overflow table, once it needs one, and its bit in the word that says which
/// shards are stocked.
pub(super) struct Shelf<'a> {
    pub(super) stack: &'a Stack,
    pub(super) overflow: &'a Table<AtomicU64>,
    /// Pages of the overflow table in use.
    pub(super) growth: &'a Lock<u32>,
    pub(super) stocked: &'a AtomicU64,
    pub(super) bit: u64,
    /// Bytes in the shard, and bytes of a full magazine.
    pub(super) held: &'a AtomicUsize,
    pub(super) bytes: usize,
}

impl Shelf<'_> {
    /// Takes a magazine for the owner.
    pub(super) fn get(&self) -> Option<Magazine> {
        let mut state = self.stack.state.lock().ok()?;
        state.note_drawn();
        self.stack.judge_if_due(&mut state);
        self.pop(&mut state)
    }

    /// Takes a magazine for another CPU, if the owner does not need it.
    pub(super) fn steal(&self) -> Option<Magazine> {
        let mut state = self.stack.state.lock().ok()?;
        if self.held.load(Ordering::Relaxed) > PROTECTED || state.may_leave() { self.pop(&mut state) } else { None }
    }

    /// Takes a magazine for a caller that wants all.
    pub(super) fn take(&self) -> Option<Magazine> {
        let mut state = self.stack.state.lock().ok()?;
        self.pop(&mut state)
    }

    /// Keeps a magazine, if there are at most `most` bytes of the class then.
    pub(super) fn put(&self, magazine: Magazine, most: usize) -> Result<(), Magazine> {
        let Ok(mut state) = self.stack.state.lock() else { return Err(magazine) };
        state.note_brought();
        self.stack.judge_if_due(&mut state);
        self.stack.note_activity();
        let index = state.len as usize;
        if index >= self.capacity(most) || !self.has_room(index) {
            return Err(magazine);
        }
        self.word(index).store(magazine.into_word(), Ordering::Release);
        state.len += 1;
        self.held.fetch_add(self.bytes, Ordering::Relaxed);
        if index == 0 {
            self.tell(true);
        }
        Ok(())
    }

    /// Takes a magazine that was not needed lately.
    pub(super) fn surplus(&self) -> Option<Magazine> {
        if self.stack.surplus() == 0 {
            return None;
        }
        let mut state = self.stack.state.try_lock()?;
        let rest = self.stack.surplus().checked_sub(1)?;
        self.stack.surplus.store(rest, Ordering::Relaxed);
        self.pop(&mut state)
    }

    /// Calls `each` with every magazine's word.
    pub(super) fn words(&self, each: impl FnMut(u64)) {
        if let Ok(state) = self.stack.state.lock() {
            self.words_under(&state).for_each(each);
        }
    }

    /// Returns the number of magazines and of rounds.
    pub(super) fn figures(&self, class: Class) -> (u32, u64) {
        let Ok(state) = self.stack.state.lock() else { return (0, 0) };
        (state.len, self.words_under(&state).map(|word| Magazine::rounds_in(word, class) as u64).sum())
    }

    /// In a forked child: counts anew what a thread that no longer exists was changing. Returns whether there was anything to count.
    pub(super) fn rebuild(&self) -> bool {
        let Some(mut state) = self.stack.state.inherit() else { return false };
        let room = INLINE + if self.stack.page() != 0 { OVERFLOW } else { 0 };
        let len = (0..room).take_while(|&index| self.word(index).load(Ordering::Relaxed) != 0).count();
        self.tell(len > 0);
        *state = State { len: len as u32, ..State::default() };
        self.stack.surplus.store(0, Ordering::Relaxed);
        true
    }

    fn pop(&self, state: &mut State) -> Option<Magazine> {
        let index = state.len.checked_sub(1)?;
        let word = self.word(index as usize);
        let magazine = Magazine::from_word(word.load(Ordering::Relaxed));
        // Release: a forked child sees that the word is gone before it sees anything that follows.
        word.store(0, Ordering::Release);
        state.len = index;
        state.fewest = state.fewest.min(state.excess());
        if self.stack.surplus() > index {
            self.stack.surplus.store(index, Ordering::Relaxed);
        }
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
        if index == 0 {
            self.tell(false);
        }
        self.stack.note_activity();
        Some(magazine)
    }

    fn words_under(&self, state: &State) -> impl Iterator<Item = u64> {
        (0..state.len as usize).map(|index| self.word(index).load(Ordering::Relaxed))
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        match self.stack.inline.get(index) {
            Some(word) => word,
            None => self.overflow.get((self.stack.page() as usize - 1) * OVERFLOW + index - INLINE),
        }
    }

    /// Returns the most magazines that are kept for so many bytes.
    fn capacity(&self, most: usize) -> usize {
        (most / self.bytes).min(INLINE + OVERFLOW)
    }

    /// Called under the lock. Returns whether there is room for the magazine at `index`, getting a page of the table if necessary.
    fn has_room(&self, index: usize) -> bool {
        if index < INLINE || self.stack.page() != 0 {
            return true;
        }
        let page = self.new_page();
        self.stack.overflow.store(page.unwrap_or(0), Ordering::Relaxed);
        page.is_some()
    }

    /// Returns a new page of the table; its memory comes only when it is touched.
    fn new_page(&self) -> Option<u32> {
        let mut used = self.growth.lock().ok()?;
        self.overflow.extend_exactly((*used as usize + 1) * OVERFLOW).ok()?;
        *used += 1;
        Some(*used)
    }

    /// Called under the lock. Sets the bit that says whether there are magazines.
    fn tell(&self, stocked: bool) {
        if stocked {
            self.stocked.fetch_or(self.bit, Ordering::Relaxed);
        } else {
            self.stocked.fetch_and(!self.bit, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::vm::Span;

    const CLASS: Class = Class(5);
    const MOST: usize = 8 << 20;

    /// Passes a stack with room for its overflow to `test`.
    fn with_shelf(test: impl FnOnce(&Shelf<'_>)) {
        let (overflow, growth) = (Table::new(), Lock::default());
        let (stocked, held) = (AtomicU64::new(0), AtomicUsize::new(0));
        let space = Span::reserve(Table::<AtomicU64>::bytes_for(OVERFLOW), 4096).unwrap();
        overflow.settle(space, OVERFLOW);
        let (stack, bytes) = (Stack::default(), (CLASS.info().rounds * CLASS.info().size) as usize);
        test(&Shelf {
            stack: &stack,
            overflow: &overflow,
            growth: &growth,
            stocked: &stocked,
            bit: 2,
            held: &held,
            bytes,
        });
        assert_eq!(stocked.load(Ordering::Relaxed) == 2, held.load(Ordering::Relaxed) > 0);
    }

    /// A magazine that is told from others by its address and never popped from.
    fn magazine(number: usize) -> Magazine {
        Magazine::from_word((number as u64 + 1) << 20)
    }

    #[test]
    fn the_newest_comes_first_and_a_full_stack_refuses() {
        with_shelf(|shelf| {
            let most = shelf.capacity(MOST);
            assert!(most > INLINE);
            (0..most).for_each(|number| shelf.put(magazine(number), MOST).unwrap());
            assert_eq!(shelf.put(magazine(most), MOST), Err(magazine(most)));
            assert_eq!(shelf.figures(CLASS).0 as usize, most);
            (0..most).rev().for_each(|number| assert_eq!(shelf.get(), Some(magazine(number))));
            assert_eq!(shelf.get(), None);
        });
    }

    /// What a program does that builds something up and tears it down.
    fn swing(shelf: &Shelf<'_>, depth: usize) {
        (0..depth).for_each(|number| shelf.put(magazine(number), MOST).unwrap());
        (0..depth).for_each(|_| assert!(shelf.get().is_some()));
    }

    #[test]
    fn what_the_owner_never_takes_is_surplus() {
        with_shelf(|shelf| {
            const UNUSED: usize = 6;
            (0..UNUSED).for_each(|number| shelf.put(magazine(number), MOST).unwrap());
            (0..JUDGE_AFTER).for_each(|_| swing(shelf, 1));
            let surplus = (0..).map_while(|_| shelf.surplus()).count();
            assert_eq!(surplus, UNUSED);
        });
    }

    #[test]
    fn what_the_owner_takes_and_brings_back_is_not() {
        with_shelf(|shelf| {
            const DEPTH: usize = JUDGE_AFTER as usize;
            (0..DEPTH).for_each(|_| assert_eq!(shelf.get(), None));
            for _ in 0..8 {
                swing(shelf, DEPTH);
                assert_eq!(shelf.surplus(), None);
            }
        });
    }

    #[test]
    fn a_thief_gets_what_the_owner_does_not_need() {
        with_shelf(|shelf| {
            (0..4).for_each(|number| shelf.put(magazine(number), MOST).unwrap());
            assert!(shelf.steal().is_some(), "the owner never asked for any");
            (0..3).for_each(|_| assert!(shelf.get().is_some()));
            (0..3).for_each(|number| shelf.put(magazine(number), MOST).unwrap());
            assert!(shelf.steal().is_none(), "it took and brought back three");
            shelf.put(magazine(3), MOST).unwrap();
            assert!(shelf.steal().is_some());
            assert!(shelf.steal().is_none());
        });
    }

    #[test]
    fn a_child_finds_what_was_just_put_and_says_so() {
        with_shelf(|shelf| {
            // Left by a thread that had come this far.
            shelf.stack.state.orphan();
            shelf.word(0).store(magazine(0).into_word(), Ordering::Release);
            assert!(shelf.rebuild());
            assert_eq!((shelf.stack.len(), shelf.stocked.load(Ordering::Relaxed)), (1, shelf.bit));
            shelf.held.fetch_add(shelf.bytes, Ordering::Relaxed);
            assert_eq!((shelf.take(), shelf.stocked.load(Ordering::Relaxed)), (Some(magazine(0)), 0));
        });
    }

    #[test]
    fn an_owner_that_has_gone_loses_all() {
        with_shelf(|shelf| {
            assert_eq!(shelf.get(), None);
            shelf.put(magazine(0), MOST).unwrap();
            (0..REFUSALS).for_each(|_| assert_eq!(shelf.steal(), None));
            assert_eq!(shelf.steal(), Some(magazine(0)));
        });
    }

    #[test]
    fn of_a_rich_shard_thieves_take_more() {
        with_shelf(|shelf| {
            assert_eq!(shelf.get(), None);
            shelf.put(magazine(0), MOST).unwrap();
            assert_eq!(shelf.steal(), None);
            shelf.held.fetch_add(PROTECTED, Ordering::Relaxed);
            assert_eq!(shelf.steal(), Some(magazine(0)));
            shelf.held.fetch_sub(PROTECTED, Ordering::Relaxed);
        });
    }
}
