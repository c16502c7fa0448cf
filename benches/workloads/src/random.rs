//! Random numbers that are the same in every run with the same seed, and cost a nanosecond: xorshift64* (Vigna 2016).

/// A stream of random numbers.
pub(crate) struct Random(u64);

impl Random {
    /// Streams of different seeds, and those of different members of one run, are independent.
    pub(crate) fn new(seed: u64, stream: usize) -> Self {
        let mixed = (seed ^ (stream as u64) << 32).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self((mixed ^ mixed >> 31) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`, uniformly distributed.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (((self.next() >> 32) * end as u64) >> 32) as usize
    }

    /// A number from `first` to `last`, uniformly distributed.
    pub(crate) fn within(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    /// A number from `first` to `last` such that each doubling is equally likely. `last / first` is a power of two.
    pub(crate) fn doubling(&mut self, first: usize, last: usize) -> usize {
        let low = first << self.below((last / first).ilog2() as usize);
        self.within(low, 2 * low)
    }

    /// True once in `turns`.
    pub(crate) fn once_in(&mut self, turns: usize) -> bool {
        self.below(turns) == 0
    }

    /// Puts the items into random order; all orders are equally likely (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    fn all(mut draw: impl FnMut(&mut Random) -> usize) -> (usize, usize) {
        let mut random = Random::new(1, 0);
        let draws = || draw(&mut random);
        let draws: Vec<_> = std::iter::repeat_with(draws).take(100_000).collect();
        (draws.iter().copied().min().unwrap(), draws.iter().copied().max().unwrap())
    }

    #[test]
    fn both_ends_of_a_range_come_up_and_nothing_beyond() {
        assert_eq!(all(|random| random.below(7)), (0, 6));
        assert_eq!(all(|random| random.within(8, 64)), (8, 64));
        assert_eq!(all(|random| random.doubling(8, 64)), (8, 64));
    }

    #[test]
    fn a_shuffle_loses_nothing_and_changes_the_order() {
        let mut items: Vec<_> = (0..1000).collect();
        Random::new(1, 0).shuffle(&mut items);
        assert_ne!(items, (0..1000).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn streams_differ() {
        assert_ne!(Random::new(1, 0).next(), Random::new(1, 1).next());
        assert_ne!(Random::new(1, 0).next(), Random::new(2, 0).next());
        assert_eq!(Random::new(1, 1).next(), Random::new(1, 1).next());
    }
}
