//! A bitmap in reserved address space. Changed under the arena's lock.

use super::table::Table;
use crate::base::sync::{AtomicU64, Ordering};
use crate::sys::Errno;
use crate::sys::vm::Span;
use core::ops::Range;

/// Pages of a tract (2 MiB): the unit for which the maps of pages keep a summary.
pub(super) const TRACT: u32 = 512;
/// Bits in a word.
const WORD: u32 = u64::BITS;

/// See the module. All zero has no bits.
#[derive(Debug, Default)]
pub(super) struct Bits {
    words: Table<AtomicU64>,
}

/// The words in which a range of bits lies, each with the mask of those bits.
fn masks(range: Range<u32>) -> impl DoubleEndedIterator<Item = (u32, u64)> {
    (range.start / WORD..range.end.div_ceil(WORD)).map(move |index| {
        let (from, to) = (range.start.max(index * WORD), range.end.min(index * WORD + WORD));
        (index, u64::MAX >> (WORD - (to - from)) << (from % WORD))
    })
}

fn words_for(count: usize) -> usize {
    count.div_ceil(WORD as usize)
}

/// The first of the lowest `count` consecutive set bits of a word.
fn run_in(word: u64, count: u32) -> Option<u32> {
    if count >= WORD {
        return None;
    }
    // Bits at which `known` consecutive set bits begin.
    let (mut begins, mut known) = (word, 1);
    while known < count && begins != 0 {
        let more = known.min(count - known);
        begins &= begins >> more;
        known += more;
    }
    (begins != 0).then(|| begins.trailing_zeros())
}

/// The largest number of consecutive set bits of a word.
fn longest_in(mut word: u64) -> u32 {
    let mut longest = 0;
    while word != 0 {
        word &= word << 1;
        longest += 1;
    }
    longest
}

impl Bits {
    /// Bytes to reserve for `count` bits.
    pub(super) fn bytes_for(count: usize) -> usize {
        Table::<AtomicU64>::bytes_for(words_for(count))
    }

    /// Cuts room for `count` bits from `metadata`; returns the rest.
    pub(super) fn settle(&self, metadata: Span, count: usize) -> Span {
        self.words.settle(metadata, words_for(count))
    }

    /// As [`Table::give_up_unused`].
    pub(super) fn give_up_unused(&self) {
        self.words.give_up_unused();
    }

    /// Bytes committed.
    pub(super) fn committed(&self) -> usize {
        self.words.committed()
    }

    /// Makes the first `count` bits usable; new ones are clear.
    pub(super) fn extend_to(&self, count: usize) -> Result<(), Errno> {
        self.words.extend_to(words_for(count))
    }

    /// Bits that may be used.
    pub(super) fn len(&self) -> u32 {
        self.words.len() as u32 * WORD
    }

    /// Sets the bits of a range, which must not be empty.
    pub(super) fn set(&self, range: Range<u32>) {
        for (word, mask) in self.parts(range) {
            word.store(word.load(Ordering::Relaxed) | mask, Ordering::Relaxed);
        }
    }

    /// Clears the bits of a range, which must not be empty.
    pub(super) fn clear(&self, range: Range<u32>) {
        for (word, mask) in self.parts(range) {
            word.store(word.load(Ordering::Relaxed) & !mask, Ordering::Relaxed);
        }
    }

    /// Returns whether all bits of a range are set.
    pub(super) fn all(&self, range: Range<u32>) -> bool {
        self.parts(range).all(|(word, mask)| word.load(Ordering::Relaxed) & mask == mask)
    }

    /// How many bits of a range are set.
    pub(super) fn ones(&self, range: Range<u32>) -> u64 {
        self.parts(range).map(|(word, mask)| u64::from((word.load(Ordering::Relaxed) & mask).count_ones())).sum()
    }

    fn parts(&self, range: Range<u32>) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let words = self.words.range((range.start / WORD) as usize..range.end.div_ceil(WORD) as usize);
        words.iter().zip(masks(range).map(|(_, mask)| mask))
    }

    /// The first bit of a range that is set, or that is clear if `set` is false.
    #[inline]
    pub(super) fn first(&self, range: Range<u32>, set: bool) -> Option<u32> {
        if range.is_empty() {
            return None;
        }
        let flip = if set { 0 } else { u64::MAX };
        let words = self.words.range((range.start / WORD) as usize..range.end.div_ceil(WORD) as usize);
        let mut sought = u64::MAX << (range.start % WORD);
        for (word, index) in words.iter().zip(range.start / WORD..) {
            sought &= word.load(Ordering::Relaxed) ^ flip;
            if sought != 0 {
                return Some(index * WORD + sought.trailing_zeros()).filter(|&bit| bit < range.end);
            }
            sought = u64::MAX;
        }
        None
    }

    /// The first of the lowest `count` consecutive set bits that begin in a range of whole words. If there are none: the largest number of consecutive set
    /// bits that begin there. Bits that begin in the range may end behind it.
    pub(super) fn first_run(&self, range: Range<u32>, count: u32) -> Result<u32, u32> {
        // Consecutive set bits just before the present word.
        let (mut before, mut longest) = (0, 0);
        let words = self.words.range((range.start / WORD) as usize..(range.end / WORD) as usize);
        for (word, begin) in words.iter().zip((range.start..).step_by(WORD as usize)) {
            let word = word.load(Ordering::Relaxed);
            let head = word.trailing_ones();
            if before + head >= count {
                return Ok(begin - before);
            }
            longest = longest.max(before + head);
            before = if head == WORD { before + head } else { word.leading_ones() };
            if head + before >= WORD {
                continue;
            }
            let inside = word & (u64::MAX << head) & (u64::MAX >> before);
            if let Some(first) = run_in(inside, count) {
                return Ok(begin + first);
            }
            if inside.count_ones() > longest {
                longest = longest.max(longest_in(inside));
            }
        }
        if before == 0 {
            return Err(longest);
        }
        let start = range.end - before;
        let behind = (range.end + count.saturating_sub(before)).min(self.len());
        let end = self.first(range.end..behind, false).unwrap_or(behind);
        if end - start >= count { Ok(start) } else { Err(longest.max(end - start)) }
    }

    /// The last bit of a range that is set, or that is clear if `set` is false.
    pub(super) fn last(&self, range: Range<u32>, set: bool) -> Option<u32> {
        let flip = if set { 0 } else { u64::MAX };
        masks(range).rev().find_map(|(index, mask)| {
            let sought = (self.words.get(index as usize).load(Ordering::Relaxed) ^ flip) & mask;
            (sought != 0).then(|| index * WORD + WORD - 1 - sought.leading_zeros())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::PAGE;
    extern crate std;

    /// `first_run`, bit by bit.
    fn run_slowly(model: &[bool], range: Range<u32>, count: u32) -> Result<u32, u32> {
        let run_at = |at: u32| model[at as usize..].iter().take_while(|&&bit| bit).count() as u32;
        let begins = range.filter(|&at| (at as usize) < model.len());
        match begins.clone().find(|&at| run_at(at) >= count) {
            Some(start) => Ok(start),
            None => Err(begins.map(run_at).max().unwrap_or(0)),
        }
    }

    #[test]
    fn ranges_are_set_and_found_as_a_list_of_bools_has_them() {
        const BITS: u32 = 300;
        let bits = Bits::default();
        bits.settle(Span::reserve(Bits::bytes_for(BITS as usize), PAGE).unwrap(), BITS as usize);
        bits.extend_to(BITS as usize).unwrap();
        let mut model = [false; BITS as usize];
        let mut random = 1_u64;
        for turn in 0..2000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (start, len, set) = ((random >> 33) as u32 % BITS, 1 + (random >> 20) as u32 % 150, turn % 2 == 0);
            let range = start..(start + len).min(BITS);
            if set {
                bits.set(range.clone())
            } else {
                bits.clear(range.clone())
            }
            model[range.start as usize..range.end as usize].fill(set);
            let other = (random >> 50) as u32 % BITS;
            let seen = other.min(start)..other.max(start) + 1;
            let bools = &model[seen.start as usize..seen.end as usize];
            let at = |position: Option<usize>| position.map(|position| seen.start + position as u32);
            for sought in [true, false] {
                assert_eq!(bits.first(seen.clone(), sought), at(bools.iter().position(|&bit| bit == sought)));
                assert_eq!(bits.last(seen.clone(), sought), at(bools.iter().rposition(|&bit| bit == sought)));
            }
            let (words, count) =
                (start / WORD * WORD..(start / WORD + 1 + (random >> 60) as u32 % 3) * WORD, 1 + other % 130);
            assert_eq!(
                bits.first_run(words.start..words.end.min(BITS.next_multiple_of(WORD)), count),
                run_slowly(&model, words, count)
            );
            assert_eq!(bits.all(seen.clone()), bools.iter().all(|&bit| bit));
            assert_eq!(bits.ones(seen), bools.iter().filter(|&&bit| bit).count() as u64);
        }
        assert_eq!((bits.first(5..5, true), bits.last(64..64, true)), (None, None));
    }
}
