//! Huge objects: mappings of their own, known by address in a table ([`Places`]).
//!
//! [`Pages`] decides what the mappings are made of; [`Filled`] learns whether the program fills what it gets; freed mappings that may serve
//! again are kept in two stores ([`Kept`]). System calls are made with signals blocked.
#![allow(unsafe_code, reason = "clears what is given out again")]

use super::filled::Filled;
use super::kept::Kept;
use super::pages::Pages;
use super::places::Places;
use crate::base::units::{HUGE_PAGE, MAX_SIZE, PAGE};
use crate::sys::clock::coarse_ms;
use crate::sys::limit::LIMIT;
use crate::sys::thread::SignalsBlocked;
use crate::sys::vm::Span;
use core::ptr::null_mut;

/// Bits of an object's mark. `malloc` or `calloc` gave the object and it was never resized, so it tells whether the program fills such
/// objects.
const BY_MALLOC: usize = 1;
const BY_CALLOC: usize = 2;
/// Its mapping is like most others, so its addresses may be kept.
const LIKE_MOST: usize = 4;
/// It was full when it grew, and huge pages were asked for; or it was not full, and is not looked at again.
const ASKED: usize = 8;
const NOT_FULL: usize = 32;
/// It was likely to be filled when it was made, so it may be kept warm.
const WARM: usize = 16;

/// Most bytes of addresses that are kept without memory (256 MiB: half a MiB of the kernel's page tables).
const MOST_ADDRESSES: usize = 256 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct HugeTable {
    /// Where the objects are.
    pub(super) places: Places,
    /// What their mappings are made of.
    pub(super) pages: Pages,
    filled: Filled,
    /// Addresses of freed objects, without memory.
    addresses: Kept,
    /// Freed mappings with their memory, which stays charged to the process.
    warm: Kept,
}

impl HugeTable {
    pub(super) const fn new() -> HugeTable {
        HugeTable {
            pages: Pages::new(),
            filled: Filled::new(),
            addresses: Kept::new(),
            warm: Kept::new(),
            places: Places::new(),
        }
    }
}

impl HugeTable {
    /// Returns whether the program is likely to fill an object of `size` bytes, and the object is worth huge pages.
    pub(super) fn is_likely_filled(&self, size: usize, for_calloc: bool) -> bool {
        let len = self.pages.mapping_len(size);
        self.filled.is_likely(len, for_calloc) && self.pages.may_ask(len)
    }

    /// Returns whether such an object should be made of used memory that is cleared. Must be called once for each object.
    pub(super) fn is_to_be_cleared(&self, size: usize) -> bool {
        self.filled.is_to_be_cleared(self.pages.mapping_len(size))
    }

    /// Allocates an object of at least `size` bytes, zeroed if it is for `calloc`. Returns it, or null, and whether it reads zero. If its
    /// mapping is a new one, `prepare` sees that first, while it has no page yet.
    pub(super) fn alloc(
        &self,
        size: usize,
        align: usize,
        for_calloc: bool,
        prepare: impl Fn(&Span),
    ) -> (*mut u8, bool) {
        if size > MAX_SIZE {
            return (null_mut(), true);
        }
        let mark = self.mark_of(self.pages.mapping_len(size), align, for_calloc);
        let signals = SignalsBlocked::new();
        let Some((span, used)) = self.map(&signals, size, align, mark, prepare) else {
            return (null_mut(), true);
        };
        let object = self.places.enter(&signals, span, mark, None).unwrap_or_else(abandon);
        drop(signals);
        if for_calloc && used > 0 && !object.is_null() {
            // SAFETY: `used` is at most the object's length, its mapping is readable and writable, and nobody else knows the object yet.
            unsafe { object.write_bytes(0, used) };
        }
        (object, for_calloc || used == 0)
    }

    /// The mark of a new object in a mapping of `len` bytes.
    fn mark_of(&self, len: usize, align: usize, for_calloc: bool) -> usize {
        let giver = if for_calloc { BY_CALLOC } else { BY_MALLOC };
        let keep = match self.filled.is_likely(len, for_calloc) {
            _ if align > PAGE => 0,
            true if self.pages.may_be_kept(len) => WARM,
            false if for_calloc && self.pages.is_like_most(len) => LIKE_MOST,
            _ => 0,
        };
        giver | keep
    }

    /// Finds a mapping for an object of `size` bytes that will have this mark. Returns the mapping, which is charged, and how many of its
    /// bytes are used ones.
    fn map(
        &self,
        signals: &SignalsBlocked,
        size: usize,
        align: usize,
        mark: usize,
        prepare: impl Fn(&Span),
    ) -> Option<(Span, usize)> {
        let len = self.pages.mapping_len(size);
        let warm = if mark & WARM != 0 { self.take_warm(signals, len) } else { None };
        let used = warm.as_ref().map_or(0, Span::len);
        if !LIMIT.charge(len - used) {
            warm.map(abandon);
            return None;
        }
        if let Some(span) = warm.and_then(|span| lengthened(span, len)) {
            return Some((span, used));
        }
        let kept = if mark & LIKE_MOST != 0 { self.addresses.take(signals, len, len) } else { None };
        let fresh = || self.pages.map(len, align, self.is_likely_filled(size, mark & BY_CALLOC != 0), &prepare).ok();
        let span = kept.or_else(fresh).or_else(|| {
            // The kept mappings may take up what the system refuses.
            self.release();
            fresh()
        });
        if span.is_none() {
            LIMIT.release(len);
        }
        span.map(|span| (span, 0))
    }

    /// Takes a freed mapping that has its memory: `len` bytes, or the longest there is.
    fn take_warm(&self, signals: &SignalsBlocked, len: usize) -> Option<Span> {
        self.warm.note_use(coarse_ms());
        self.warm.take(signals, len, PAGE)
    }

    /// Keeps a mapping warm, and no more than `most` bytes of warm mappings in all.
    fn keep_warm(&self, signals: &SignalsBlocked, span: Span, most: usize) {
        self.warm.note_use(coarse_ms());
        let refused = self.warm.put(signals, span).err();
        let excess = core::iter::from_fn(|| self.warm.excess(signals, most));
        refused.into_iter().chain(excess).for_each(|span| {
            abandon(span);
        });
    }

    /// Bytes of freed mappings that have memory.
    pub(super) fn warm_bytes(&self) -> usize {
        self.warm.bytes()
    }

    /// Gives freed mappings back. Returns the bytes of those that had memory.
    pub(super) fn release(&self) -> usize {
        self.release_addresses();
        let bytes = self.warm.release();
        LIMIT.release(bytes);
        bytes
    }

    /// Gives back the freed mappings that have no memory.
    pub(super) fn release_addresses(&self) {
        self.addresses.release();
    }

    /// Gives back the freed mappings that have memory if none was used for `unused_ms`. Returns whether any are left.
    pub(super) fn release_unused(&self, now_ms: u64, unused_ms: u64) -> bool {
        if self.warm.unused_ms(now_ms) >= unused_ms {
            LIMIT.release(self.warm.release());
        }
        self.warm.bytes() > 0
    }

    /// Makes a mapping a huge object of `len` bytes, which are already charged. Returns the mapping unchanged if the table is full or the
    /// mapping cannot grow.
    pub(super) fn adopt(&self, span: Span, len: usize) -> Result<*mut u8, Span> {
        let signals = SignalsBlocked::new();
        let Some(place) = self.places.take(&signals, span.base()) else { return Err(span) };
        match self.grow(span, 0, len, true) {
            Ok((span, mark)) => Ok(self.places.enter_surely(&signals, span, mark, place)),
            Err(span) => {
                place.give_up();
                Err(span)
            }
        }
    }

    /// Frees the object at `address`. Returns false if there is none. At most `most_warm` bytes of mappings are kept with their memory.
    pub(super) fn free(&self, address: usize, most_warm: usize) -> bool {
        let signals = SignalsBlocked::new();
        let Some((span, mark)) = self.places.remove(&signals, address) else { return false };
        let tells = mark & (BY_MALLOC | BY_CALLOC) != 0 && self.pages.may_look(span.len());
        let filled = tells && self.filled.learn(&span, mark & BY_CALLOC != 0);
        // Addresses may have been bounded since the object was made.
        let mark = if self.pages.may_be_kept(span.len()) { mark } else { mark & !(WARM | LIKE_MOST) };
        if filled && mark & WARM != 0 && most_warm > 0 {
            self.keep_warm(&signals, span, most_warm);
            return true;
        }
        let (len, purged) = (span.len(), mark & LIKE_MOST != 0 && span.purge().is_ok());
        if let Err(span) = if purged { self.addresses.put(&signals, span) } else { Err(span) } {
            span.release();
        }
        core::iter::from_fn(|| self.addresses.excess(&signals, MOST_ADDRESSES)).for_each(Span::release);
        LIMIT.release(len);
        true
    }

    /// Resizes the object at `address`, moving it if `may_move`. Returns null, and changes nothing, if that cannot be done.
    pub(super) fn resize(&self, address: usize, size: usize, may_move: bool) -> *mut u8 {
        if size > MAX_SIZE {
            return null_mut();
        }
        let signals = SignalsBlocked::new();
        let Some((span, mark, place)) = self.places.remove_for_now(&signals, address) else { return null_mut() };
        let (old, new) = (span.len(), self.pages.mapping_len(size));
        let growth = new.saturating_sub(old);
        let grown = if self.pages.may_resize(old, new) && LIMIT.charge(growth) {
            self.grow(span, mark, new, may_move).inspect_err(|_| LIMIT.release(growth))
        } else {
            Err(span)
        };
        match grown {
            Ok((span, mark)) => {
                LIMIT.release(old.saturating_sub(new));
                self.places.enter_surely(&signals, span, mark, place)
            }
            Err(span) => {
                let _back = self.places.enter_surely(&signals, span, mark, place);
                null_mut()
            }
        }
    }

    /// Resizes a mapping whose mark is `mark`. Each time a full mapping grows past a power of two, huge pages are asked for. From then on
    /// its huge pages stay whole when it moves, and it ends with a whole one: the bytes added next are the next to be written, and a touch
    /// of the front of the last huge page brings in the rest of it anyway.
    fn grow(&self, span: Span, mark: usize, len: usize, may_move: bool) -> Result<(Span, usize), Span> {
        let old = span.len();
        let grows = len > old;
        let is_worth = grows && len.ilog2() != old.ilog2() && Filled::is_long(old);
        let looks = is_worth && mark & NOT_FULL == 0 && self.pages.may_look(old);
        let is_full = looks && Filled::is_full(&span);
        let (asks, is_asked) = (is_full && self.pages.may_ask(old), mark & ASKED != 0);
        let not_full = if looks && !is_full { NOT_FULL } else { mark & NOT_FULL };
        let span = if may_move && grows && (asks || is_asked && self.pages.may_be_kept(old)) {
            // Addresses may be bounded without larder's knowledge, and then there may not be room for both places at once.
            with_last_huge_page(span, len).or_else(|span| span.resize(len, may_move))
        } else {
            span.resize(len, may_move)
        }?;
        let is_asked =
            if asks { self.pages.ask(&span, old) } else { is_asked && (!grows || self.pages.may_go_on(&span, old)) };
        Ok((span, not_full | if is_asked { ASKED } else { 0 }))
    }

    /// In a forked child: releases the locks whose holders are gone.
    pub(super) fn rebuild(&self) {
        self.places.rebuild();
        self.addresses.rebuild();
        self.warm.rebuild();
    }
}

/// Makes a warm mapping at least `len` bytes long; gives it back if that cannot be done.
fn lengthened(span: Span, len: usize) -> Option<Span> {
    if span.len() >= len {
        return Some(span);
    }
    span.grow_aligned(len, PAGE, HUGE_PAGE).map_err(Span::release).ok()
}

/// Grows a mapping to `len` bytes, which are charged, and on to the end of its last huge page, which is charged here.
fn with_last_huge_page(span: Span, len: usize) -> Result<Span, Span> {
    if LIMIT.lacks(HUGE_PAGE) || !LIMIT.charge(HUGE_PAGE) {
        return Err(span);
    }
    let grown = span.grow_aligned(len, HUGE_PAGE, HUGE_PAGE);
    LIMIT.release(HUGE_PAGE - grown.as_ref().map_or(0, |span| span.len() - len));
    grown
}

/// Gives a mapping back, and its charge.
fn abandon(span: Span) -> *mut u8 {
    let len = span.len();
    span.release();
    LIMIT.release(len);
    null_mut()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::sync::{AtomicBool, Ordering};
    extern crate std;

    const SIZE: usize = (40 << 20) + 3 * PAGE;
    const FILL: u8 = 77;

    fn table() -> HugeTable {
        let table = HugeTable::new();
        table.places.settle(Span::reserve(Places::metadata_len(), PAGE).unwrap());
        table.pages.settle(0, 0, true);
        table.pages.stalls.pretend(false);
        table
    }

    fn alloc(table: &HugeTable, size: usize, for_calloc: bool) -> *mut u8 {
        table.alloc(size, 16, for_calloc, |_| ()).0
    }

    /// Frees an object. Returns whether its addresses are kept.
    fn leaves_addresses(table: &HugeTable, object: *mut u8) -> bool {
        assert!(table.free(object as usize, 0));
        table.addresses.take(&SignalsBlocked::new(), PAGE, PAGE).is_some()
    }

    #[test]
    fn what_calloc_gave_leaves_its_addresses_to_the_next_and_they_read_zero() {
        let table = table();
        let first = alloc(&table, SIZE, true);
        // SAFETY: the object is `SIZE` bytes long.
        let last = unsafe { first.add(SIZE - 1) };
        // SAFETY: the byte is the object's last, and nobody else has the object.
        unsafe { last.write(1) };
        assert!(table.free(first as usize, 0));
        assert!(!table.free(first as usize, 0), "it is none any more");
        let next = alloc(&table, SIZE, true);
        assert_eq!(next, first);
        // SAFETY: it is the same object's again.
        assert_eq!(unsafe { last.read() }, 0);
        assert!(table.free(next as usize, 0));
        table.release();
        assert_eq!(table.places.in_use(), (0, 0));
    }

    /// Writes to each page of an object of `len` bytes from `from` on.
    fn fill(object: *mut u8, from: usize, len: usize) {
        let part = core::ptr::slice_from_raw_parts_mut(object, len);
        // SAFETY: the object is `len` bytes long, and nobody else has it.
        let bytes = unsafe { &mut *part };
        bytes[from..].iter_mut().step_by(PAGE).for_each(|byte| *byte = FILL);
    }

    /// Grows an object. Returns where it is then, and whether huge pages were asked for.
    fn grow(table: &HugeTable, object: *mut u8, size: usize) -> (*mut u8, bool) {
        let object = table.resize(object as usize, size, true);
        (object, table.places.mark_of(object as usize).unwrap() & ASKED != 0)
    }

    /// The length of an object that was asked to be `size` bytes long; it is longer by less than a huge page.
    fn len_of(table: &HugeTable, object: *mut u8, size: usize) -> usize {
        let len = table.places.len_of(object as usize).unwrap();
        assert!((size..size + HUGE_PAGE).contains(&len));
        len
    }

    #[test]
    fn a_full_one_that_grows_past_a_power_of_two_is_asked_for_huge_pages() {
        let table = table();
        let object = alloc(&table, SIZE, false);
        fill(object, 0, SIZE);
        let (object, is_asked) = grow(&table, object, SIZE * 3 / 2);
        assert!(!is_asked, "no power of two between them");
        fill(object, SIZE, SIZE * 3 / 2);
        let (object, is_asked) = grow(&table, object, 2 * SIZE);
        assert!(is_asked);
        fill(object, SIZE * 3 / 2 / PAGE * PAGE, 2 * SIZE);
        let (mut object, is_asked) = grow(&table, object, 4 * SIZE);
        assert!(is_asked);
        for size in [5, 6, 9].map(|times| times * SIZE) {
            let (next, is_asked) = grow(&table, object, size);
            assert!(is_asked, "as before");
            assert!(next == object || (next as usize).is_multiple_of(HUGE_PAGE), "they stay whole");
            let len = len_of(&table, next, size);
            assert!((next as usize + len).is_multiple_of(HUGE_PAGE));
            object = next;
        }
        // SAFETY: the object is longer.
        let bytes = unsafe { core::slice::from_raw_parts(object, 3 * SIZE) };
        assert!(bytes[..2 * SIZE].iter().step_by(PAGE).all(|&byte| byte == FILL), "as it was");
        assert!(bytes[2 * SIZE..].iter().all(|&byte| byte == 0));
        assert!(table.free(object as usize, 0));
        assert_eq!(table.places.in_use(), (0, 0));
    }

    #[test]
    fn what_is_filled_tells_of_the_next_by_who_gave_it() {
        let table = table();
        let likely = || [false, true].map(|for_calloc| table.is_likely_filled(SIZE, for_calloc));
        let fill_and_free = |for_calloc| {
            let object = alloc(&table, SIZE, for_calloc);
            fill(object, 0, SIZE);
            assert!(table.free(object as usize, 0));
        };
        (0..2).for_each(|_| fill_and_free(false));
        assert_eq!(likely(), [true, false]);
        (0..2).for_each(|_| fill_and_free(true));
        assert_eq!(likely(), [true, true]);
        let object = table.resize(alloc(&table, SIZE, false) as usize, 2 * SIZE, true);
        assert!(table.free(object as usize, 0));
        assert_eq!(likely(), [true, true], "it was resized");
        assert!(table.free(alloc(&table, SIZE, false) as usize, 0));
        assert_eq!(likely(), [false, true]);
    }

    /// A table in which two mappings that `calloc` gave were filled.
    fn table_that_is_filled() -> HugeTable {
        let table = table();
        for _ in 0..2 {
            let object = alloc(&table, SIZE, true);
            fill(object, 0, SIZE);
            assert!(table.free(object as usize, usize::MAX));
            assert_eq!(table.warm_bytes(), 0, "that was to learn");
        }
        table
    }

    fn reads_zero(object: *mut u8, len: usize) -> bool {
        // SAFETY: the object is `len` bytes long.
        let bytes = unsafe { core::slice::from_raw_parts(object, len) };
        bytes.iter().all(|&byte| byte == 0)
    }

    #[test]
    fn what_is_filled_is_kept_warm_and_cleared_for_calloc() {
        const LESS: usize = 16 << 20;
        let table = table_that_is_filled();
        let first = alloc(&table, SIZE, true);
        fill(first, 0, SIZE);
        assert!(table.free(first as usize, usize::MAX));
        assert!(table.warm_bytes() >= SIZE);
        let next = alloc(&table, LESS, true);
        assert!(next == first && reads_zero(next, LESS));
        fill(next, 0, LESS);
        assert!(table.free(next as usize, LESS));
        assert!((LESS / 2..=LESS).contains(&table.warm_bytes()), "no more than is said");
        let (warm, longer) = (table.warm_bytes(), alloc(&table, SIZE, true));
        assert!(reads_zero(longer, SIZE) && table.warm_bytes() == 0 && warm > 0, "the most there is");
        assert!(table.free(longer as usize, usize::MAX));
        assert_eq!(table.warm_bytes(), 0, "it was not filled");
        assert_eq!(table.places.in_use(), (0, 0));
    }

    #[test]
    fn nothing_but_growth_makes_an_object_longer_than_was_asked_for() {
        let table = table_that_is_filled();
        for size in [SIZE, 16 << 20, SIZE, 2 * SIZE] {
            let object = alloc(&table, size, true);
            assert_eq!(table.places.len_of(object as usize), Some(size));
            fill(object, 0, size);
            assert!(table.free(object as usize, usize::MAX));
        }
        assert!(table.warm_bytes() > SIZE, "some were warm ones");
    }

    #[test]
    fn what_malloc_gives_may_be_warm_and_says_so() {
        let table = table();
        let give = || {
            let (object, zero) = table.alloc(SIZE, 16, false, |_| ());
            fill(object, 0, SIZE);
            assert!(table.free(object as usize, usize::MAX));
            zero
        };
        assert_eq!(core::array::from_fn(|_| give()), [true, true, true, false]);
        assert!(!table.release_unused(u64::MAX, 1) && table.warm_bytes() == 0);
        assert!(give(), "fresh again");
    }

    #[test]
    fn what_is_kept_warm_was_used_lately() {
        let table = table_that_is_filled();
        let object = alloc(&table, SIZE, true);
        fill(object, 0, SIZE);
        assert!(table.free(object as usize, usize::MAX));
        assert!(table.release_unused(coarse_ms(), 60_000) && table.warm_bytes() > 0);
        table.release();
        assert_eq!(table.warm_bytes(), 0);
    }

    #[test]
    fn what_may_be_of_the_pool_is_not_looked_at() {
        let table = table();
        table.pages.settle(0, 1, true);
        let size = SIZE.next_multiple_of(HUGE_PAGE);
        let grown = table.resize(alloc(&table, size, false) as usize, 2 * size, true);
        assert_eq!(table.places.mark_of(grown as usize).unwrap() & NOT_FULL, 0);
        assert!(table.free(grown as usize, 0));
        for _ in 0..2 {
            let object = alloc(&table, size, false);
            fill(object, 0, size);
            assert!(table.free(object as usize, 0));
        }
        assert!(!table.filled.is_likely(size, false), "nothing was learnt");
    }

    #[test]
    fn one_with_a_hole_or_an_empty_end_is_not_full() {
        let table = table();
        for (from, to) in [(SIZE * 5 / 8, SIZE), (0, SIZE * 7 / 8)] {
            let object = alloc(&table, SIZE, false);
            fill(object, from, to);
            let (object, is_asked) = grow(&table, object, 2 * SIZE);
            assert!(!is_asked);
            fill(object, 0, 2 * SIZE);
            let (object, is_asked) = grow(&table, object, 4 * SIZE);
            assert!(!is_asked, "it is not looked at again");
            assert!(table.free(object as usize, 0));
        }
    }

    #[test]
    fn huge_pages_that_stall_are_not_asked_for_again() {
        let table = table();
        let mut object = alloc(&table, SIZE, false);
        let mut fill_and_grow = |size| {
            fill(object, 0, size);
            let (grown, is_asked) = grow(&table, object, 2 * size);
            object = grown;
            is_asked
        };
        table.pages.stalls.pretend(true);
        assert!(!fill_and_grow(SIZE));
        table.pages.stalls.pretend(false);
        assert!(!fill_and_grow(2 * SIZE), "held off");
        table.pages.stalls.end();
        assert!(fill_and_grow(4 * SIZE));
        // Below the next power of two, where huge pages are not asked for anew.
        let longer = 8 * SIZE + 4 * HUGE_PAGE;
        let (object, is_asked) = grow(&table, object, longer);
        assert!(is_asked && longer.ilog2() == (8 * SIZE).ilog2());
        table.pages.stalls.pretend(true);
        let (object, is_asked) = grow(&table, object, longer + 4 * HUGE_PAGE);
        assert!(!is_asked, "the first of what was added stalled");
        assert!(table.free(object as usize, 0));
    }

    /// Whether the object's first page has memory.
    fn is_touched(object: *mut u8) -> bool {
        let mut found = 0;
        // SAFETY: the page is the first of a mapping of ours, and the answer is one byte, for which `found` has room.
        assert_eq!(unsafe { libc::mincore(object.cast(), PAGE, &raw mut found) }, 0);
        found & 1 != 0
    }

    #[test]
    fn a_new_mapping_is_prepared_before_it_has_a_page_and_a_kept_one_is_not_again() {
        let table = table_that_is_filled();
        let prepared = core::cell::Cell::new(0);
        let prepare = |span: &Span| {
            assert!(!is_touched(span.base() as *mut u8));
            prepared.set(prepared.get() + 1);
        };
        let (object, _) = table.alloc(SIZE, 16, true, prepare);
        assert!(is_touched(object) && prepared.get() == 1, "huge pages were asked for");
        fill(object, 0, SIZE);
        assert!(table.free(object as usize, usize::MAX));
        let (object, _) = table.alloc(SIZE, 16, true, prepare);
        assert_eq!(prepared.get(), 1, "it is as it was");
        assert!(table.free(object as usize, 0));
    }

    #[test]
    fn the_last_place_is_kept_for_an_object_that_is_resized() {
        let table = table();
        table.places.fill();
        let mut object = alloc(&table, SIZE, false);
        assert!(!object.is_null());
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let another = scope.spawn(|| {
                let mut given = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let object = alloc(&table, SIZE, false);
                    given += usize::from(!object.is_null() && table.free(object as usize, 0));
                }
                given
            });
            let mut lost = 0;
            for size in [2 * SIZE, SIZE].repeat(10) {
                let resized = table.resize(object as usize, size, true);
                lost += usize::from(resized.is_null());
                object = if resized.is_null() { object } else { resized };
            }
            is_over.store(true, Ordering::Relaxed);
            assert_eq!((lost, another.join().unwrap()), (0, 0));
        });
        assert!(table.free(object as usize, 0));
        assert_eq!(table.places.in_use(), (0, 0));
    }

    #[test]
    fn in_a_full_table_an_object_is_found_where_it_was_moved() {
        let table = table();
        table.places.fill();
        let (span, _in_the_way) = Span::map(2 * SIZE, PAGE).unwrap().split(SIZE);
        let object = table.adopt(span, SIZE).unwrap();
        fill(object, 0, SIZE);
        let moved = table.resize(object as usize, 3 * SIZE, true);
        assert!(moved != object && !moved.is_null());
        assert!(table.places.len_of(object as usize).is_none());
        let len = len_of(&table, moved, 3 * SIZE);
        // SAFETY: the object is longer.
        let bytes = unsafe { core::slice::from_raw_parts(moved, SIZE) };
        assert!(bytes.iter().step_by(PAGE).all(|&byte| byte == FILL), "as it was");
        assert!(table.resize(moved as usize, MAX_SIZE, true).is_null());
        assert_eq!(table.places.len_of(moved as usize), Some(len), "refused, and still there");
        assert!(table.free(moved as usize, 0));
    }

    #[test]
    fn a_full_table_gives_back_what_it_was_to_adopt() {
        let table = table();
        table.places.fill();
        let last = alloc(&table, SIZE, false);
        assert!(!last.is_null() && alloc(&table, SIZE, false).is_null());
        let span = Span::map(SIZE, PAGE).unwrap();
        let base = span.base();
        fill(base as *mut u8, 0, SIZE);
        let span = table.adopt(span, 2 * SIZE).unwrap_err();
        assert_eq!((span.base(), span.len()), (base, SIZE));
        assert!(span.is_written_at(SIZE - 1));
        assert!(table.free(last as usize, 0));
        let span = table.adopt(span, MAX_SIZE).unwrap_err();
        let object = table.adopt(span, 2 * SIZE).unwrap();
        len_of(&table, object, 2 * SIZE);
        assert!(table.free(object as usize, 0));
        assert_eq!(table.places.in_use(), (0, 0));
    }

    #[test]
    fn the_place_of_an_object_that_is_resized_is_nobodys() {
        let table = table();
        let object = alloc(&table, SIZE, false);
        let signals = SignalsBlocked::new();
        let (span, mark, place) = table.places.remove_for_now(&signals, object as usize).unwrap();
        assert!((0..table.places.len()).all(|place| table.places.object_at(place).is_none()));
        assert!(table.places.around(object as usize + 1).is_none());
        assert!([1, 2, object as usize].iter().all(|&address| !table.free(address, 0)));
        assert_eq!(table.places.enter_surely(&signals, span, mark, place), object);
        assert_eq!(table.places.around(object as usize + 1), Some((object as usize, SIZE)));
        drop(signals);
        assert!(table.free(object as usize, 0));
    }

    #[test]
    fn what_malloc_gave_is_unmapped() {
        let table = table();
        let object = alloc(&table, SIZE, false);
        assert!(!leaves_addresses(&table, object));
    }

    #[test]
    fn what_was_given_before_addresses_were_bounded_is_unmapped() {
        let table = table();
        let object = alloc(&table, SIZE, true);
        table.pages.may_stand_in(false);
        assert!(!leaves_addresses(&table, object));
        let table = table_that_is_filled();
        let object = alloc(&table, SIZE, true);
        fill(object, 0, SIZE);
        table.pages.may_stand_in(false);
        assert!(table.free(object as usize, usize::MAX));
        assert_eq!(table.warm_bytes(), 0);
    }

    #[test]
    fn what_calloc_gave_is_unmapped_where_mappings_are_not_alike() {
        let table = table();
        table.pages.settle(0, 0, false);
        let object = alloc(&table, SIZE, true);
        assert!(!leaves_addresses(&table, object));
    }

    #[test]
    fn one_of_two_that_share_a_place_is_found_when_the_other_has_gone() {
        let table = table();
        let (first, second) = Span::map(2 * PAGE, PAGE).unwrap().split(PAGE);
        let [first, second] = [first, second].map(|span| table.adopt(span, PAGE).unwrap() as usize);
        assert!(table.free(first, 0));
        assert_eq!(table.places.len_of(second), Some(PAGE));
        assert!(table.free(second, 0) && !table.free(second, 0));
        assert_eq!(table.places.in_use(), (0, 0));
    }

    #[test]
    fn what_was_resized_is_unmapped() {
        let table = table();
        let object = alloc(&table, SIZE, true);
        let longer = table.resize(object as usize, 2 * SIZE, true);
        assert!(!leaves_addresses(&table, longer));
    }
}
