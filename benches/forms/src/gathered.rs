//! A chain that records the addresses of its rounds when it leaves a CPU, while they are still in that CPU's cache.
//! The CPU that loads the chain can then prefetch all of them at once instead of one after the other.

use crate::area::Area;
use crate::chain::Chain;
use crate::form::{Form, ROUNDS};
use std::arch::asm;
use std::ops::Range;

type Plain = Chain<true, true, true, false>;

pub struct Gathered(Plain);

/// A chain, and the addresses of its rounds (of all rounds only if it was gathered).
pub struct Noted {
    chain: u64,
    len: usize,
    at: [usize; ROUNDS],
}

impl Noted {
    fn fresh(chain: u64) -> Self {
        Self { chain, len: 0, at: [0; ROUNDS] }
    }
}

impl Gathered {
    fn note(&self, chain: u64) -> Noted {
        let mut noted = Noted::fresh(chain);
        let mut word = chain;
        while word >> 16 != 0 {
            noted.at[noted.len] = (word >> 16) as usize;
            noted.len += 1;
            word = self.0.below(word);
        }
        noted
    }
}

impl Form for Gathered {
    type Magazine = Noted;

    fn new(area: Area, secret: u64, region: Range<usize>) -> Self {
        Self(Plain::new(area, secret, region))
    }

    #[inline(always)]
    fn pop(&self, class: usize) -> usize {
        self.0.pop(class)
    }

    #[inline(always)]
    fn push(&self, class: usize, object: usize) -> bool {
        self.0.push(class, object)
    }

    fn fill(&self, objects: &[usize]) -> Noted {
        Noted::fresh(self.0.fill(objects))
    }

    fn spare(&self, class: usize) -> Option<Noted> {
        self.0.spare(class).map(Noted::fresh)
    }

    fn load(&self, class: usize, magazine: Noted) -> (usize, Option<Noted>) {
        for object in &magazine.at[..magazine.len] {
            // SAFETY: a prefetch never faults, whatever the address. This one fetches the line for writing.
            unsafe { asm!("prefetchw [{}]", in(reg) *object, options(nostack, readonly, preserves_flags)) };
        }
        let (object, met) = self.0.load(class, magazine.chain);
        (object, met.map(Noted::fresh))
    }

    fn unload(&self, class: usize) -> Option<Noted> {
        self.0.unload(class).map(|chain| self.note(chain))
    }
}
