//! Addresses of mappings that `calloc` gave and that were freed, kept for the next ones.
//!
//! To make a mapping and to end it both change the process's list of mappings, for which the other threads' page faults and mappings wait;
//! to give back the pages of one and keep its addresses does not. So these lie here without memory, and read zero, as long as it is not
//! too much. What lies side by side is one, and is cut to the length that is asked for.
//!
//! Lock: its own, with signals blocked, so that no handler can find it held by its own thread. Fork: a child forgets what a dead thread was
//! changing; those addresses are lost to it.

use crate::base::sync::{AtomicBool, Ordering};
use crate::sys::lock::Lock;
use crate::sys::thread::SignalsBlocked;
use crate::sys::vm::Span;

/// Most spans,
const SPANS: usize = 16;
/// and most bytes of addresses (256 MiB: half a MiB of the kernel's page tables).
const BYTES: usize = 256 << 20;

type Spans = [Option<Span>; SPANS];
const NONE: Spans = [const { None }; SPANS];

/// See the module.
#[derive(Debug)]
pub(super) struct Kept {
    /// There may be some: who finds there are none needs no lock.
    any: AtomicBool,
    spans: Lock<Spans>,
}

impl Kept {
    pub(super) const fn new() -> Kept {
        Kept { any: AtomicBool::new(false), spans: Lock::new(NONE) }
    }

    /// A span of `len` bytes that read zero, from the shortest that is long enough.
    pub(super) fn take(&self, _signals: &SignalsBlocked, len: usize) -> Option<Span> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let mut spans = self.spans.lock().ok()?;
        let len_of = |place: &Option<Span>| place.as_ref().map_or(0, Span::len);
        let place = spans.iter_mut().filter(|place| len_of(place) >= len).min_by_key(|place| len_of(place))?;
        let (taken, rest) = place.take()?.split(len);
        *place = (rest.len() > 0).then_some(rest);
        Some(taken)
    }

    /// Keeps a span that was given back its memory, or returns what is to be released because it is too much.
    pub(super) fn put(&self, _signals: &SignalsBlocked, span: Span) -> Result<(), Span> {
        let Ok(mut spans) = self.spans.lock() else { return Err(span) };
        let bytes: usize = spans.iter().flatten().map(Span::len).sum();
        if bytes + span.len() > BYTES {
            return Err(span);
        }
        let mut span = span;
        while let Some(neighbour) = spans.iter_mut().find_map(|place| place.take_if(|other| other.touches(&span))) {
            span = span.join(neighbour);
        }
        let Some(place) = spans.iter_mut().find(|place| place.is_none()) else { return Err(span) };
        *place = Some(span);
        self.any.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Gives all addresses back.
    pub(super) fn release(&self) {
        if !self.any.swap(false, Ordering::Relaxed) {
            return;
        }
        let _signals = SignalsBlocked::new();
        let spans = self.spans.lock().map(|mut spans| core::mem::replace(&mut *spans, NONE));
        spans.into_iter().flatten().flatten().for_each(Span::release);
    }

    /// In a forked child.
    pub(super) fn rebuild(&self) {
        if let Some(mut spans) = self.spans.inherit() {
            *spans = NONE;
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
        assert!(kept.take(&signals, 11 * page).is_none());
        let most = kept.take(&signals, 9 * page).unwrap();
        assert_eq!((most.base(), most.len()), (base, 9 * page));
        assert_eq!(kept.take(&signals, page).map(|last| last.base()), Some(base + 9 * page));
        assert!(kept.take(&signals, page).is_none());
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
        assert_eq!(kept.take(&signals, 4 * page).map(|span| span.base()), Some(bases[1]));
        assert_eq!(kept.take(&signals, 4 * page).map(|span| span.base()), Some(bases[2]));
    }

    #[test]
    fn too_much_is_not_kept() {
        let (kept, signals) = kept();
        let whole = Span::reserve(BYTES + system_page(), system_page()).unwrap();
        let (most, page) = whole.split(BYTES);
        kept.put(&signals, most).unwrap();
        assert!(kept.put(&signals, page).is_err());
        kept.release();
        assert!(kept.take(&signals, system_page()).is_none());
        for _ in 0..SPANS {
            let (span, _gap) = span(2).split(system_page());
            kept.put(&signals, span).unwrap();
        }
        let (span, _gap) = span(2).split(system_page());
        assert!(kept.put(&signals, span).is_err(), "no place");
    }
}
