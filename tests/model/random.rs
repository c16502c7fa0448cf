//! Random numbers that are the same in every run.

/// SplitMix64.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A size: nine in ten are small objects, one in a hundred is a MiB or more, one in five hundred is beyond every run.
    pub fn size(&mut self) -> usize {
        match self.below(500) {
            0 => self.below(8 << 20) + (32 << 20),
            1..5 => self.below(32 << 20),
            5..50 => self.below(1 << 20),
            50..200 => self.below(33 << 10),
            _ => self.below(1 << 10),
        }
    }
}
