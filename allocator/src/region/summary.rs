//! What is free of a part of the region, in three numbers: pages at its **front**, its **longest** stretch, pages at its **back**. Of parts that
//! follow each other the same three numbers follow, without another look at their pages; so a tree of them finds the first stretch of a length
//! in a few steps (Go's page allocator, 2019). No number counts beyond [`MOST`], the longest stretch that is ever looked for.

use crate::base::units::MAX_RUN_PAGES;

/// The longest run, and what its alignment may cost beside.
pub const MOST: u32 = 2 * MAX_RUN_PAGES;
/// Bits of a number in a word.
const BITS: u32 = 16;
const MASK: u64 = (1 << BITS) - 1;

/// See the module. All zero: nothing is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) front: u32,
    pub(super) longest: u32,
    pub(super) back: u32,
}

impl Summary {
    /// A part of `pages` pages in which all stretches, in order, are these: (first page, length).
    pub(super) fn of_stretches(stretches: impl Iterator<Item = (u32, u32)>, pages: u32) -> Summary {
        stretches.fold(Summary::default(), |summary, (first, len)| Summary {
            front: if first == 0 { len } else { summary.front },
            longest: summary.longest.max(len),
            back: if first + len == pages { len } else { 0 },
        })
    }

    /// Of parts that follow each other, each of `pages` pages.
    pub(super) fn of_parts(parts: impl Iterator<Item = Summary>, pages: u32) -> Summary {
        let (mut whole, mut all_free) = (Summary::default(), true);
        for part in parts {
            let here = (whole.back + part.front).min(MOST);
            if all_free {
                whole.front = here;
            }
            all_free &= part.front >= pages;
            whole.longest = whole.longest.max(here).max(part.longest);
            whole.back = part.back_behind(whole.back, pages);
        }
        whole
    }

    /// Free pages at the back of this part of `pages` pages and right before it, where there are `before`.
    pub(super) fn back_behind(self, before: u32, pages: u32) -> u32 {
        if self.front >= pages { (before + pages).min(MOST) } else { self.back }
    }

    pub(super) fn to_word(self) -> u64 {
        (self.front as u64) << (2 * BITS) | (self.longest as u64) << BITS | self.back as u64
    }

    pub(super) fn of_word(word: u64) -> Summary {
        let number = |place: u32| (word >> (place * BITS) & MASK) as u32;
        Summary { front: number(2), longest: number(1), back: number(0) }
    }
}

const _: () = assert!(MOST as u64 <= MASK);

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(front: u32, longest: u32, back: u32) -> Summary {
        Summary { front, longest, back }
    }

    #[test]
    fn stretches_and_words() {
        let of = |stretches: &[(u32, u32)]| Summary::of_stretches(stretches.iter().copied(), 100);
        assert_eq!(of(&[]), Summary::default());
        assert_eq!(of(&[(0, 100)]), summary(100, 100, 100));
        assert_eq!(of(&[(0, 3), (10, 40), (98, 2)]), summary(3, 40, 2));
        assert_eq!(of(&[(10, 40)]), summary(0, 40, 0));
        let full = summary(MOST, MOST - 1, 1);
        assert_eq!(Summary::of_word(full.to_word()), full);
    }

    #[test]
    fn parts_join_where_they_meet() {
        let of = |parts: &[Summary]| Summary::of_parts(parts.iter().copied(), 100);
        let (none, all) = (Summary::default(), summary(100, 100, 100));
        assert_eq!(of(&[none, none]), none);
        assert_eq!(of(&[all, all, summary(30, 60, 5)]), summary(230, 230, 5));
        assert_eq!(of(&[summary(0, 50, 40), all, summary(7, 20, 0)]), summary(0, 147, 0));
        assert_eq!(of(&[summary(1, 90, 2), summary(3, 9, 4), all]), summary(1, 104, 104));
    }

    #[test]
    fn no_number_passes_the_most() {
        let all = summary(MOST, MOST, MOST);
        assert_eq!(Summary::of_parts([all, all].into_iter(), MOST * 3), all);
        let some = summary(MOST / 2, MOST / 2, MOST / 2);
        assert_eq!(Summary::of_parts([some; 5].into_iter(), MOST / 2), all);
    }
}
