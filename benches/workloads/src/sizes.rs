//! Sizes as real programs ask for them.

use crate::random::Random;

/// Mostly a few words, now and then a buffer: the shape that every published trace of small requests has.
pub(crate) fn mixed(random: &mut Random) -> usize {
    match random.below(100) {
        0..60 => random.within(8, 64),
        60..90 => random.within(65, 256),
        90..99 => random.within(257, 1024),
        _ => random.within(1025, 8192),
    }
}
