//! Freed mappings that are kept for the next ones. There are two such stores.
//!
//! **Addresses** (of mappings that `calloc` gave): making a mapping and ending it both change the process's list of mappings, and other
//! threads' page faults and mappings wait for that. Giving back the pages of a mapping and keeping its addresses does not change the list.
//! So these lie here without memory, and read zero.
//!
//! **Warm** mappings (of objects that the program fills): fresh pages cost more than used ones, even if those must be cleared. So some lie
//! here with what the program left in them, to be taken again.
//!
//! Adjacent spans are joined to one, and cut to the length that is asked for. The excess over a bound is cut from the shortest span.
//!
//! Lock: its own, with signals blocked, so that no handler can find it held by its own thread. Fork: if a dead thread was changing the
//! store, the child forgets all of it; those mappings are lost to it.

use crate::base::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::base::units::HUGE_PAGE;
use crate::sys::lock::Lock;
use crate::sys::thread::SignalsBlocked;
use crate::sys::vm::Span;
use core::cmp::Reverse;

/// The most spans in a store.
const SPANS: usize = 16;

type Spans = [Option<Span>; SPANS];
const NONE: Spans = [const { None }; SPANS];

/// See the module.
#[derive(Debug)]
pub(super) struct Kept {
    /// Bytes in the store: a thread that finds too few here needs no lock.
    bytes: AtomicUsize,
    /// When a span was last put or taken.
    used_ms: AtomicU64,
    spans: Lock<Spans>,
}

fn len_of(place: &Option<Span>) -> usize {
    place.as_ref().map_or(0, Span::len)
}

impl Kept {
    pub(super) const fn new() -> Kept {
        Kept { bytes: AtomicUsize::new(0), used_ms: AtomicU64::new(0), spans: Lock::new(NONE) }
    }

    /// Bytes kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn count(&self, spans: &Spans) {
        self.bytes.store(spans.iter().map(len_of).sum(), Ordering::Relaxed);
    }

    /// Takes a span of `len` bytes, or a shorter one of at least `least`: from the shortest span that is long enough, or the longest there
    /// is.
    pub(super) fn take(&self, _signals: &SignalsBlocked, len: usize, least: usize) -> Option<Span> {
        if self.bytes() < least {
            return None;
        }
        let mut spans = self.spans.lock().ok()?;
        let fitting = spans.iter_mut().filter(|place| len_of(place) >= least);
        let place = fitting.max_by_key(|place| (len_of(place).min(len), Reverse(len_of(place))))?;
        let (taken, rest) = place.take()?.split(len);
        *place = (rest.len() > 0).then_some(rest);
        self.count(&spans);
        Some(taken)
    }

    /// Keeps a span. Returns it if there is no place.
    pub(super) fn put(&self, _signals: &SignalsBlocked, span: Span) -> Result<(), Span> {
        let Ok(mut spans) = self.spans.lock() else { return Err(span) };
        let mut span = span;
        while let Some(neighbour) = spans.iter_mut().find_map(|place| place.take_if(|other| other.touches(&span))) {
            span = span.join(neighbour);
        }
        let place = spans.iter_mut().find(|place| place.is_none());
        let refused = match place {
            Some(place) => place.replace(span),
            None => Some(span),
        };
        self.count(&spans);
        refused.map_or(Ok(()), Err)
    }

    /// Takes out what exceeds `most` bytes, or a part of it: the caller releases it and asks again.
    pub(super) fn excess(&self, _signals: &SignalsBlocked, most: usize) -> Option<Span> {
        let excess = self.bytes().saturating_sub(most);
        if excess == 0 {
            return None;
        }
        let mut spans = self.spans.lock().ok()?;
        let place = spans.iter_mut().filter(|place| place.is_some()).min_by_key(|place| len_of(place))?;
        let stays = len_of(place).saturating_sub(excess) / HUGE_PAGE * HUGE_PAGE;
        let (rest, cut) = place.take()?.split(stays);
        *place = (stays > 0).then_some(rest);
        self.count(&spans);
        Some(cut)
    }

    /// Notes that the store is in use now.
    pub(super) fn note_use(&self, now_ms: u64) {
        self.used_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Milliseconds since the store was used.
    pub(super) fn unused_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.used_ms.load(Ordering::Relaxed))
    }

    /// Gives everything back. Returns the bytes.
    pub(super) fn release(&self) -> usize {
        let signals = SignalsBlocked::new();
        core::iter::from_fn(|| self.excess(&signals, 0))
            .map(|span| {
                let len = span.len();
                span.release();
                len
            })
            .sum()
    }

    /// In a forked child: forgets the spans if a dead thread was changing them.
    pub(super) fn rebuild(&self) {
        if let Some(mut spans) = self.spans.inherit() {
            *spans = NONE;
            self.count(&spans);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::vm::system_page;

    fn kept() -> (Kept, SignalsBlocked) {
        (Kept::new(), SignalsBlocked::new())
    }

    fn take(kept: &Kept, len: usize) -> Option<Span> {
        kept.take(&SignalsBlocked::new(), len, len)
    }

    fn span(pages: usize) -> Span {
        Span::map(pages * system_page(), system_page()).unwrap()
    }

    #[test]
    fn what_lies_side_by_side_is_one_and_is_cut_to_length() {
        let (kept, signals) = kept();
        let (page, whole) = (system_page(), span(10));
        let base = whole.base();
        let (front, rest) = whole.split(3 * page);
        let (middle, back) = rest.split(3 * page);
        for part in [front, back, middle] {
            kept.put(&signals, part).unwrap();
        }
        assert!(take(&kept, 11 * page).is_none());
        let most = take(&kept, 9 * page).unwrap();
        assert_eq!((most.base(), most.len()), (base, 9 * page));
        assert_eq!(take(&kept, page).map(|last| last.base()), Some(base + 9 * page));
        assert!(take(&kept, page).is_none());
        most.release();
    }

    #[test]
    fn the_shortest_that_is_long_enough_is_taken() {
        let (kept, signals) = kept();
        let (page, mut bases) = (system_page(), [0; 3]);
        for (base, pages) in bases.iter_mut().zip([9, 4, 6]) {
            let (span, _gap) = span(pages + 1).split(pages * page);
            *base = span.base();
            kept.put(&signals, span).unwrap();
        }
        assert_eq!(take(&kept, 4 * page).map(|span| span.base()), Some(bases[1]));
        assert_eq!(take(&kept, 4 * page).map(|span| span.base()), Some(bases[2]));
    }

    #[test]
    fn the_longest_is_taken_if_none_is_long_enough() {
        let (kept, signals) = kept();
        let page = system_page();
        for pages in [3, 7, 5] {
            let (span, _gap) = span(pages + 1).split(pages * page);
            kept.put(&signals, span).unwrap();
        }
        let lens: [usize; 3] = core::array::from_fn(|_| kept.take(&signals, 6 * page, 1).unwrap().len() / page);
        assert_eq!((lens, kept.bytes()), ([6, 5, 3], page));
        assert_eq!(kept.take(&signals, page, 1).map(|span| span.len()), Some(page));
        assert!(kept.take(&signals, page, 1).is_none());
    }

    #[test]
    fn what_is_too_much_is_cut_from_the_shortest() {
        const MIB: usize = 1 << 20;
        let (kept, signals) = kept();
        for mib in [10, 3, 6] {
            let (span, _gap) = Span::reserve((mib + 1) * MIB, MIB).unwrap().split(mib * MIB);
            kept.put(&signals, span).unwrap();
        }
        let cut = |_| kept.excess(&signals, 9 * MIB).map(|span| span.len() / MIB);
        assert_eq!(core::array::from_fn(cut), [Some(3), Some(6), Some(2), None]);
        assert_eq!((kept.bytes(), kept.release(), kept.bytes()), (8 * MIB, 8 * MIB, 0));
    }

    #[test]
    fn without_a_place_nothing_is_kept() {
        let (kept, signals) = kept();
        for _ in 0..SPANS {
            let (span, _gap) = span(2).split(system_page());
            kept.put(&signals, span).unwrap();
        }
        let (span, _gap) = span(2).split(system_page());
        assert!(kept.put(&signals, span).is_err());
        assert_eq!(kept.release(), SPANS * system_page());
    }

    #[test]
    fn a_child_forgets_what_was_being_changed() {
        let (kept, signals) = kept();
        kept.put(&signals, span(2)).unwrap();
        kept.spans.orphan();
        kept.rebuild();
        assert_eq!((kept.bytes(), kept.release()), (0, 0));
        kept.put(&signals, span(2)).unwrap();
        assert_eq!(kept.bytes(), 2 * system_page());
    }
}
