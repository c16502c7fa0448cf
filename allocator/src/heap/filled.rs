//! Whether the program writes to all of what `calloc` gives it.
//!
//! Fresh pages read zero and cost nothing until they are touched; touched, each costs a fault, and 512 of them five times what a huge page does. A
//! table that stays mostly empty is better off with small pages, one that is filled with huge ones; which it will be only the program knows. So
//! where `calloc` gave a mapping, a few pages inside are looked at when it is freed. If all of them were written to, two times in a row, the next
//! mappings for `calloc` are asked to be of huge pages, until one comes back that was not.

use crate::base::sync::{AtomicU32, Ordering};
use crate::base::units::HUGE_PAGE;
use crate::sys::vm::Span;

/// Pages looked at.
const LOOKS: usize = 3;
/// Mappings in a row that were written to.
const ENOUGH: u32 = 2;

/// See the module: how many mappings in a row were written to. Two threads at once may count as one.
#[derive(Debug)]
pub(super) struct Filled(AtomicU32);

impl Filled {
    pub(super) const fn new() -> Filled {
        Filled(AtomicU32::new(0))
    }

    /// Whether a mapping of so many bytes for `calloc` is likely to be filled, and worth huge pages. Of shorter ones than a huge page nothing is known.
    pub(super) fn is_likely(&self, len: usize) -> bool {
        len >= HUGE_PAGE && self.0.load(Ordering::Relaxed) >= ENOUGH
    }

    /// Learns from a mapping that `calloc` gave and that is freed.
    pub(super) fn learn(&self, span: &Span) {
        if span.len() < HUGE_PAGE {
            return;
        }
        let filled = (1..=LOOKS).all(|part| span.is_written_at(span.len() / (LOOKS + 1) * part));
        let row = if filled { (self.0.load(Ordering::Relaxed) + 1).min(ENOUGH) } else { 0 };
        self.0.store(row, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(unsafe_code, reason = "writes to mappings")]
mod tests {
    use super::*;
    use crate::base::units::PAGE;

    const LEN: usize = 4 * HUGE_PAGE;

    /// Learns from a mapping that was written to on each page from `from` on, and looks whether the next is likely to be filled.
    fn after(filled: &Filled, from: usize) -> bool {
        let span = Span::map(LEN, HUGE_PAGE).unwrap();
        // SAFETY: inside the mapping, which is nobody else's.
        (from..LEN).step_by(PAGE).for_each(|offset| unsafe { ((span.base() + offset + 77) as *mut u8).write(1) });
        filled.learn(&span);
        span.release();
        filled.is_likely(LEN)
    }

    #[test]
    fn two_in_a_row_are_enough_and_one_that_is_not_filled_too_much() {
        let filled = Filled::new();
        assert_eq!([0, 0, 0].map(|from| after(&filled, from)), [false, true, true]);
        assert!(!filled.is_likely(HUGE_PAGE - 1), "no room for a huge page");
        assert_eq!([LEN / 3, 0, 0].map(|from| after(&filled, from)), [false, false, true]);
    }

    #[test]
    fn what_cannot_be_read_is_not_looked_at() {
        let (filled, span) = (Filled::new(), Span::reserve(LEN, HUGE_PAGE).unwrap());
        (0..3).for_each(|_| filled.learn(&span));
        assert!(!filled.is_likely(LEN));
    }
}
