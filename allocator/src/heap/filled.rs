//! Learns whether the program writes to all of what it gets.
//!
//! Fresh pages read zero and cost nothing until they are touched. Touching costs a fault each, and 512 such faults cost five times as much
//! as one for a huge page, or ten times as much as clearing pages that are already there. A table that stays mostly empty is better off
//! with fresh small pages. One that is filled is better off with used pages that are cleared or, if it is **long**, with huge ones. Only
//! the program knows which it will be. So a few pages inside a mapping are looked at when it is freed. If all of them were written to, two
//! times in a row, huge pages are asked for in the next long mappings, which may also be used ones that were kept warm
//! ([`Kept`](super::kept)), until a mapping comes back that was not filled. If some were written to, the mapping was filled **partly**:
//! then the next short objects for `calloc` (other short objects are no mappings), and the next long ones where long ones are not filled,
//! are used runs that are cleared, because a fault costs as much as clearing ten to twenty pages. A few of those objects are mappings
//! again, to learn from. What `malloc` gave tells nothing about what `calloc` gives: arrays are filled, tables often are not.
//!
//! Mappings that may be of pages from the system's pool are not looked at: to look at one that was never touched has it cleared, up to a
//! gigabyte.
//!
//! A mapping that grows by `realloc` is looked at when it grows: if it is long and **full**, nearly to its end, what is added will be
//! filled too.

use crate::base::sync::{AtomicU32, AtomicUsize, Ordering};
use crate::base::units::HUGE_PAGE;
use crate::sys::vm::Span;

/// From this length on, fresh huge pages cost less than clearing used pages.
const LONG: usize = 4 * HUGE_PAGE;
/// Where pages are looked at, in sixteenths of the length. If all of these were written to, the mapping is filled.
const FIRST: [usize; 3] = [8, 4, 12];
/// If some were, these tell whether it is filled partly, which it is if two of all were written to.
const OTHERS: [usize; 4] = [2, 6, 10, 14];
/// If none was, these tell: both of a pair must be written to, because the program may use only an end.
const ENDS: [[usize; 2]; 2] = [[2, 1], [14, 15]];
/// How many mappings in a row must have been written to.
const ENOUGH: u32 = 2;
/// One in so many of the objects that would be cleared is a mapping.
const TO_LEARN: u32 = 64;

/// A mapping is full if all but this part of it is filled.
const NEARLY: usize = 16;

/// A row tells only of mappings at most this many times as long as its longest: a program that fills arrays may still have a table that is
/// huge and sparse.
const TIMES_LONGER: usize = 4;

/// Mappings in a row that were written to. Two threads at the same time may count as one.
#[derive(Debug)]
struct Row {
    count: AtomicU32,
    longest: AtomicUsize,
}

impl Row {
    const fn new() -> Row {
        Row { count: AtomicU32::new(0), longest: AtomicUsize::new(0) }
    }

    fn is_enough(&self) -> bool {
        self.count.load(Ordering::Relaxed) >= ENOUGH
    }

    /// Returns whether the row is enough to tell of so many bytes.
    fn tells_of(&self, len: usize) -> bool {
        self.is_enough() && len / TIMES_LONGER <= self.longest.load(Ordering::Relaxed)
    }

    fn learn(&self, len: usize, filled: bool) {
        let (count, longest) = (self.count.load(Ordering::Relaxed), self.longest.load(Ordering::Relaxed));
        self.count.store(if filled { (count + 1).min(ENOUGH) } else { 0 }, Ordering::Relaxed);
        self.longest.store(if filled { longest.max(len) } else { 0 }, Ordering::Relaxed);
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Filled {
    /// Mappings that `malloc` gave, and those that `calloc` gave.
    given: [Row; 2],
    /// Mappings that `calloc` gave and that were filled at least partly.
    partly: Row,
    /// Objects that were candidates for clearing so far.
    cleared: AtomicU32,
}

impl Filled {
    pub(super) const fn new() -> Filled {
        Filled { given: [const { Row::new() }; 2], partly: Row::new(), cleared: AtomicU32::new(0) }
    }

    fn given(&self, for_calloc: bool) -> &Row {
        &self.given[usize::from(for_calloc)]
    }

    /// Returns whether a mapping of so many bytes is long enough for huge pages.
    pub(super) fn is_long(len: usize) -> bool {
        len >= LONG
    }

    /// Returns whether a mapping of so many bytes is likely to be filled, and worth huge pages.
    pub(super) fn is_likely(&self, len: usize, for_calloc: bool) -> bool {
        Filled::is_long(len) && self.given(for_calloc).tells_of(len)
    }

    /// Returns whether an object of so many bytes for `calloc` is likely to be filled at least partly, and not worth huge pages. Must be
    /// called once for each object.
    pub(super) fn is_to_be_cleared(&self, len: usize) -> bool {
        let likely = match Filled::is_long(len) {
            true => self.partly.tells_of(len) && !self.given(true).is_enough(),
            false => self.partly.is_enough(),
        };
        if !likely {
            return false;
        }
        let cleared = self.cleared.load(Ordering::Relaxed).wrapping_add(1);
        self.cleared.store(cleared, Ordering::Relaxed);
        !cleared.is_multiple_of(TO_LEARN)
    }

    /// Returns whether a mapping was filled nearly to its end: a program that appends a piece at a time makes room before the last piece.
    pub(super) fn is_full(span: &Span) -> bool {
        span.is_written_at(span.len() - span.len() / NEARLY) && FIRST.iter().all(|part| is_written(span, *part))
    }

    /// Learns from a mapping that is freed as it was made. Returns whether it is filled.
    pub(super) fn learn(&self, span: &Span, for_calloc: bool) -> bool {
        let (filled, partly) = look_at(span);
        self.given(for_calloc).learn(span.len(), filled);
        if for_calloc {
            self.partly.learn(span.len(), partly);
        }
        filled
    }
}

/// Returns whether the page that begins the sixteenth `part` was written to.
fn is_written(span: &Span, part: usize) -> bool {
    span.is_written_at(span.len() / 16 * part)
}

/// Returns whether a mapping was filled, and whether it was filled at least partly.
fn look_at(span: &Span) -> (bool, bool) {
    let written = |part: &usize| is_written(span, *part);
    match FIRST.iter().filter(|part| written(part)).count() {
        3 => (true, true),
        2 => (false, true),
        1 => (false, OTHERS.iter().any(written)),
        _ => (false, ENDS.iter().any(|end| end.iter().all(written))),
    }
}

#[cfg(test)]
#[allow(unsafe_code, reason = "writes to mappings")]
mod tests {
    use super::*;
    use crate::base::units::PAGE;
    use core::ops::Range;

    const LEN: usize = 4 * HUGE_PAGE;

    /// Learns from a mapping whose pages from `from` on were written to.
    fn learn(filled: &Filled, len: usize, from: usize) {
        learn_of(filled, len, from..len);
    }

    /// Learns from a mapping whose pages in a range were written to.
    fn learn_of(filled: &Filled, len: usize, range: Range<usize>) {
        with_written(len, range, |span| filled.learn(span, true));
    }

    /// Calls `test` with a mapping whose pages in a range were written to.
    fn with_written<R>(len: usize, range: Range<usize>, test: impl FnOnce(&Span) -> R) -> R {
        let span = Span::map(len, HUGE_PAGE).unwrap();
        // SAFETY: the bytes are inside the mapping, which nobody else has.
        range.step_by(PAGE).for_each(|offset| unsafe { ((span.base() + offset + 77) as *mut u8).write(1) });
        let result = test(&span);
        span.release();
        result
    }

    fn after(filled: &Filled, from: usize) -> bool {
        learn(filled, LEN, from);
        filled.is_likely(LEN, true)
    }

    #[test]
    fn two_in_a_row_are_enough_and_one_that_is_not_filled_too_much() {
        let filled = Filled::new();
        assert_eq!([0, 0, 0].map(|from| after(&filled, from)), [false, true, true]);
        assert!(!filled.is_likely(LONG - 1, true), "not worth huge pages");
        assert!(!filled.is_likely(LEN, false), "nothing is known of what malloc gave");
        assert!(filled.is_likely(LEN * TIMES_LONGER, true) && !filled.is_likely(LEN * (TIMES_LONGER + 1), true));
        assert!(filled.is_to_be_cleared(LONG - 1) && !filled.is_to_be_cleared(LONG), "short ones are");
        assert_eq!([LEN / 3, 0, 0].map(|from| after(&filled, from)), [false, false, true]);
    }

    #[test]
    fn short_ones_that_are_filled_are_cleared_but_for_a_few() {
        let (filled, len) = (Filled::new(), HUGE_PAGE / 2);
        assert!((0..2).all(|_| {
            let before = filled.is_to_be_cleared(len);
            learn(&filled, len, 0);
            !before
        }));
        let mappings = (0..640).filter(|_| !filled.is_to_be_cleared(len)).count();
        assert_eq!(mappings, 10);
        assert!(!filled.is_likely(LONG, true), "much longer");
        learn(&filled, len, len / 10 * 9);
        assert!(!filled.is_to_be_cleared(len));
    }

    #[test]
    fn what_is_filled_partly_is_cleared_too_and_is_no_reason_for_huge_pages() {
        let third = LEN / 3;
        for range in [0..third, 2 * third..LEN, third..2 * third + PAGE, 0..LEN / 7, LEN / 7 * 6..LEN] {
            let filled = Filled::new();
            let cleared = [(); 3].map(|()| {
                learn_of(&filled, LEN, range.clone());
                filled.is_to_be_cleared(LEN)
            });
            assert_eq!(cleared, [false, true, true], "{range:?}");
            assert!(filled.is_to_be_cleared(HUGE_PAGE) && filled.is_to_be_cleared(TIMES_LONGER * LEN));
            assert!(!filled.is_to_be_cleared((TIMES_LONGER + 1) * LEN), "of those that long nothing is known");
            assert!(!filled.is_likely(LEN, true));
            learn_of(&filled, LEN, 0..LEN / 10);
            assert!(!filled.is_to_be_cleared(HUGE_PAGE), "a sparse one");
        }
    }

    #[test]
    fn how_long_they_were_is_forgotten_with_one_that_is_not_filled() {
        let filled = Filled::new();
        for (len, from) in [(2 * LEN, 0), (2 * LEN, 0), (2 * LEN, LEN), (LEN, 0), (LEN, 0)] {
            learn(&filled, len, from);
        }
        assert!(filled.is_likely(LEN * TIMES_LONGER, true) && !filled.is_likely(2 * LEN * TIMES_LONGER, true));
    }

    #[test]
    fn what_is_written_to_nearly_its_end_is_full() {
        let is_full = |range| with_written(LEN, range, Filled::is_full);
        assert!(is_full(0..LEN) && is_full(0..LEN - LEN / NEARLY + PAGE));
        assert!(!is_full(0..LEN - LEN / NEARLY) && !is_full(LEN / 2 + PAGE..LEN) && !is_full(LEN / 4 + PAGE..LEN));
    }

    #[test]
    fn what_cannot_be_read_is_not_looked_at() {
        let (filled, span) = (Filled::new(), Span::reserve(LEN, HUGE_PAGE).unwrap());
        assert!((0..3).all(|_| !filled.learn(&span, true)));
        assert!(!filled.is_likely(LEN, true));
    }
}
