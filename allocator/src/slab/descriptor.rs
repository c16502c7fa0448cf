//! What is known about one slab. Every field is written under the lock of the slab's class.
#![allow(unsafe_code, reason = "one marker impl: the descriptor is all atomics")]

use crate::base::classes::MAX_SLAB_OBJECTS;
use crate::base::sync::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
use crate::base::units::{Class, Page};
use crate::region::Zeroed;
use crate::sys::arch;

const WORDS: usize = MAX_SLAB_OBJECTS / 64;
/// A flag in `seen`, above any number of objects.
const THINNED: u16 = 1 << 15;

/// A slab's number in its node's table, from 1 on: 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlabId(pub(super) u32);

/// The descriptor of a slab. All zero is unused.
#[derive(Debug, Default)]
pub(super) struct Slab {
    bits: [AtomicU64; WORDS],
    page: AtomicU32,
    /// Next in its list, or next unused descriptor.
    pub(super) next: AtomicU32,
    /// Previous in its list.
    pub(super) previous: AtomicU32,
    free: AtomicU16,
    colour: AtomicU16,
    /// Free objects when the slab was last asked whether it rests, with [`THINNED`] if its free pages went back then.
    seen: AtomicU16,
    class: AtomicU8,
    /// The CPU that fills from it, where CPUs have slabs of their own.
    owner: AtomicU8,
    /// The list it is in, +1.
    pub(super) list: AtomicU8,
    /// Whether its pages were zero, and it has not been full since.
    fresh: AtomicU8,
    /// See [`Slab::hollow`].
    hollow: AtomicU8,
}

// SAFETY: the descriptor consists of atomics, for which all-zero bytes are valid.
unsafe impl Zeroed for Slab {}

/// Those bits of which the whole group is set; a group is `group` bits from a multiple of `group` on.
fn whole_groups(bits: u64, group: u32) -> u64 {
    let (one, lowest) = ((1 << group) - 1, u64::MAX / ((1 << group) - 1));
    let whole = (0..group).fold(u64::MAX, |whole, place| whole & (bits >> place));
    (whole & lowest) * one
}

impl Slab {
    /// Makes an unused descriptor that of a slab with every object free; `zero` says whether its pages are known to be zero.
    pub(super) fn prepare(&self, class: Class, page: Page, colour: u32, zero: bool) {
        let objects = class.info().slab_objects;
        for (index, word) in self.bits.iter().enumerate() {
            let left = objects.saturating_sub(index as u32 * 64);
            let bits = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
            word.store(bits, Ordering::Relaxed);
        }
        self.page.store(page.0, Ordering::Relaxed);
        self.colour.store(colour as u16, Ordering::Relaxed);
        self.free.store(objects as u16, Ordering::Relaxed);
        self.list.store(0, Ordering::Relaxed);
        self.seen.store(0, Ordering::Relaxed);
        self.fresh.store(zero.into(), Ordering::Relaxed);
    }

    /// Fetches the descriptor into the cache: its two ends, which lie on two lines.
    pub(super) fn fetch(&self) {
        arch::fetch(self.bits.as_ptr().addr());
        arch::fetch(self.page.as_ptr().addr());
    }

    /// Puts the descriptor to use.
    pub(super) fn begin(&self, class: Class) {
        self.class.store(class.0, Ordering::Release);
    }

    /// Ends the descriptor's use.
    pub(super) fn end(&self) {
        self.class.store(0, Ordering::Release);
    }

    /// Its class, if the descriptor is in use.
    pub(super) fn class(&self) -> Option<Class> {
        match self.class.load(Ordering::Acquire) {
            0 => None,
            class => Some(Class(class)),
        }
    }

    /// The CPU that fills from it, cut to a byte.
    pub(super) fn owner(&self) -> u8 {
        self.owner.load(Ordering::Relaxed)
    }

    /// Gives it to a CPU.
    pub(super) fn set_owner(&self, cpu: u8) {
        self.owner.store(cpu, Ordering::Relaxed);
    }

    /// Returns whether taking an object is likely to touch a page for the first time.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh.load(Ordering::Relaxed) != 0
    }

    /// First page.
    pub(super) fn page(&self) -> Page {
        Page(self.page.load(Ordering::Relaxed))
    }

    /// Bytes before the first object.
    pub(super) fn colour(&self) -> usize {
        self.colour.load(Ordering::Relaxed) as usize
    }

    /// Free objects.
    pub(super) fn free(&self) -> u32 {
        self.free.load(Ordering::Relaxed) as u32
    }

    /// Returns whether the slab rests and has pages to give back: it rests if no fewer objects are free than when this was last asked; if its free pages
    /// went back then, an eighth more must be free.
    pub(super) fn rests(&self) -> bool {
        let (free, seen) = (self.free(), self.seen.load(Ordering::Relaxed));
        let (before, thinned) = (u32::from(seen & !THINNED), seen & THINNED != 0);
        if before == 0 || free < before {
            self.seen.store(free as u16, Ordering::Relaxed);
            return false;
        }
        !thinned || free > before + before / 8
    }

    /// Returns whether its free pages went back and nothing has changed since.
    pub(super) fn was_thinned(&self) -> bool {
        self.seen.load(Ordering::Relaxed) == self.free() as u16 | THINNED
    }

    /// Notes that its free pages went back.
    pub(super) fn note_thinned(&self) {
        self.seen.store(self.free() as u16 | THINNED, Ordering::Relaxed);
    }

    /// Sets the number of its hollow pages; returns what it was.
    pub(super) fn set_hollow(&self, pages: u32) -> u32 {
        let before = self.hollow.load(Ordering::Relaxed);
        self.hollow.store(pages as u8, Ordering::Relaxed);
        before.into()
    }

    /// Pages that had gone back when the slab was last thinned, if no object was taken since.
    pub(super) fn hollow(&self) -> u32 {
        self.hollow.load(Ordering::Relaxed).into()
    }

    /// Takes up to `want` objects and calls `each` with their numbers; returns how many. Takes those of wholly free groups first, then others, lowest first.
    pub(super) fn take(&self, want: u32, group: u32, mut each: impl FnMut(u32)) -> u32 {
        let want = want.min(self.free());
        let whole = if group > 1 { self.take_of(want, |bits| whole_groups(bits, group), &mut each) } else { 0 };
        let taken = whole + if whole < want { self.take_of(want - whole, |bits| bits, &mut each) } else { 0 };
        if self.free() == 0 {
            self.fresh.store(0, Ordering::Relaxed);
        }
        // Otherwise as many objects might be free again at the next look, on pages that have memory again.
        self.seen.store(0, Ordering::Relaxed);
        taken
    }

    fn take_of(&self, want: u32, those: impl Fn(u64) -> u64, mut each: impl FnMut(u32)) -> u32 {
        let mut taken = 0;
        for (index, word) in self.bits.iter().enumerate() {
            let bits = word.load(Ordering::Relaxed);
            let mut left = those(bits);
            while left != 0 && taken < want {
                each(index as u32 * 64 + left.trailing_zeros());
                left &= left - 1;
                taken += 1;
            }
            word.store(bits & !those(bits) | left, Ordering::Relaxed);
            if taken == want {
                break;
            }
        }
        self.free.store((self.free() - taken) as u16, Ordering::Relaxed);
        taken
    }

    /// Puts object `number` back; returns false if it was there already.
    pub(super) fn put(&self, number: u32) -> bool {
        let Some(word) = self.bits.get(number as usize / 64) else { return false };
        let (bits, bit) = (word.load(Ordering::Relaxed), 1 << (number % 64));
        if bits & bit != 0 {
            return false;
        }
        word.store(bits | bit, Ordering::Relaxed);
        self.free.store(self.free() as u16 + 1, Ordering::Relaxed);
        true
    }

    /// Returns whether object `number` is free in the slab.
    pub(super) fn has(&self, number: u32) -> bool {
        self.bits.get(number as usize / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (number % 64) & 1 != 0)
    }

    /// Counts the set bits (after a fork, and to validate).
    pub(super) fn count(&self) -> u32 {
        self.bits.iter().map(|word| word.load(Ordering::Relaxed).count_ones()).sum()
    }

    /// Makes the count agree with the bits, and forgets the list.
    pub(super) fn recount(&self) {
        self.free.store(self.count() as u16, Ordering::Relaxed);
        self.list.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_whole_or_left_out() {
        assert_eq!(whole_groups(0b1111_0111_1110, 4), 0b1111_0000_0000);
        assert_eq!(whole_groups(0b1111_0111_1110, 2), 0b1111_0011_1100);
        assert_eq!(whole_groups(0b1011, 1), 0b1011);
        for group in [1, 2, 4, 8] {
            assert_eq!(whole_groups(u64::MAX, group), u64::MAX);
        }
    }

    #[test]
    fn whole_groups_are_taken_first_and_the_others_in_the_end() {
        let slab = Slab::default();
        slab.prepare(Class(2), Page(0), 0, true);
        let numbers = |want| {
            let mut numbers = [0; 8];
            let mut taken = 0;
            slab.take(want, 4, |number| {
                numbers[taken] = number;
                taken += 1;
            });
            (taken, numbers)
        };
        assert_eq!(numbers(1), (1, [0; 8]));
        assert_eq!(numbers(8), (8, [4, 5, 6, 7, 8, 9, 10, 11]));
        let rest = slab.take(slab.free() - 3, 4, |number| assert!(number > 3));
        assert!(slab.is_fresh());
        assert_eq!((rest, numbers(8)), (Class(2).info().slab_objects - 12, (3, [1, 2, 3, 0, 0, 0, 0, 0])));
        assert_eq!((slab.count(), slab.is_fresh()), (0, false));
    }
}
