//! The requests, which are the same for every contender and every run.

use std::alloc::Layout;

/// xorshift: repeatable, and too cheap to affect the measurement.
struct Dice(u64);

impl Default for Dice {
    fn default() -> Self {
        Self(0x2545_f491_4f6c_dd1d)
    }
}

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % limit
    }

    /// A size as programs ask for it: two in five are below 64, few above 512.
    fn small(&mut self) -> usize {
        let limit = [64, 64, 128, 256, 1024][self.below(5)];
        8 + self.below(limit - 7)
    }
}

/// A layout of `size` bytes, aligned like most Rust types.
pub fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap_or(Layout::new::<u64>())
}

/// `count` small layouts of mixed sizes.
pub fn mixed_layouts(count: usize) -> Vec<Layout> {
    let mut dice = Dice::default();
    (0..count).map(|_| layout(dice.small())).collect()
}

/// `0..count` in random order.
pub fn shuffled(count: usize) -> Vec<usize> {
    let mut dice = Dice::default();
    let mut order: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        order.swap(at, dice.below(at + 1));
    }
    order
}
