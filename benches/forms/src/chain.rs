//! A window is one word: `address of the first round << 16 | room`. Each round's first word holds,
//! encoded, the window as it was before that round was pushed.

use crate::area::Area;
use crate::form::{Form, ROUNDS, Zeroed};
use std::arch::asm;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::ops::Range;

const EMPTY: u64 = ROUNDS as u64;
const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Bytes from the loaded to the previous window of one class, and from one CPU to the next.
const PREVIOUS: usize = 256;
const STRIDE_SHIFT: u32 = 9;

/// The chain. Each of its possible extras is switched on or off at compile time.
pub struct Chain<const PREFETCH: bool, const CLEAR: bool, const CHECK: bool, const TWICE: bool> {
    area: Area,
    windows: Zeroed,
    secret: u64,
    region: Range<usize>,
}

/// Opens a section: puts the address of this index's window into `{at}`, or jumps to 77 if the index is out of bounds.
macro_rules! section {
    ($($line:literal),* ; $($operand:tt)*) => {
        asm!(
            ".pushsection __rseq_cs, \"aw\"", ".balign 32",
            "99:", ".long 0, 0", ".quad 22f, 33f - 22f, 44f", ".popsection",
            ".pushsection __rseq_failure, \"ax\"", ".byte 0x0f, 0xb9, 0x3d", ".long 0x53053053",
            "44:", "jmp 55f", ".popsection",
            "55:", "lea {at}, [rip + 99b]", "mov fs:[{cs}], {at}",
            "22:", "mov {at:e}, fs:[{index}]", "cmp {at:e}, {limit:e}", "jae 77f",
            "shl {at}, {shift}", "add {at}, {base}",
            $($line,)*
            "33:", "77:",
            at = out(reg) _, $($operand)*
        )
    };
}

impl<const P: bool, const CLEAR: bool, const CHECK: bool, const TWICE: bool> Chain<P, CLEAR, CHECK, TWICE> {
    fn key(&self, object: u64) -> u64 {
        object.wrapping_mul(SCATTER) ^ self.secret
    }

    /// The window below `word`'s first round.
    pub fn below(&self, word: u64) -> u64 {
        let object = word >> 16;
        // SAFETY: this call owns the chain, so its rounds are mapped and belong to nobody else.
        unsafe { *(object as *const u64) ^ self.key(object) }
    }

    /// Puts `new` into the window at `base` of this CPU and returns the previous content.
    fn swap(&self, base: usize, new: u64) -> u64 {
        let mut old = new;
        // SAFETY: the one store is the commit, to a window in bounds.
        unsafe {
            section!("mov {old}, [{at}]", "mov [{at}], {new}";
                cs = in(reg) self.area.cs, index = in(reg) self.area.index, limit = in(reg) self.area.limit,
                shift = const STRIDE_SHIFT, base = in(reg) base, new = in(reg) new, old = inout(reg) old, options(nostack));
        }
        old
    }

    fn loaded(&self, class: usize) -> usize {
        self.windows.at() + class * 8
    }

    /// Looks for `object` in this CPU's window. Other threads may pop meanwhile, so each link is
    /// followed only if its count and its address are plausible.
    #[cold]
    #[inline(never)]
    fn verify(&self, class: usize, object: u64) {
        let mut word = self.peek(class);
        while word >> 16 != 0 {
            assert!(word >> 16 != object, "double free of {object:#x}");
            let below = self.below(word);
            let next = (below >> 16) as usize;
            let plausible = below as u16 == (word as u16).wrapping_add(1) && self.region.contains(&next);
            word = if plausible { below } else { 0 };
        }
    }

    fn peek(&self, class: usize) -> u64 {
        let mut word = EMPTY;
        // SAFETY: reads a window in bounds.
        unsafe {
            section!("mov {word}, [{at}]";
                cs = in(reg) self.area.cs, index = in(reg) self.area.index, limit = in(reg) self.area.limit,
                shift = const STRIDE_SHIFT, base = in(reg) self.loaded(class), word = inout(reg) word, options(nostack));
        }
        word
    }
}

impl<const PREFETCH: bool, const CLEAR: bool, const CHECK: bool, const TWICE: bool> Form
    for Chain<PREFETCH, CLEAR, CHECK, TWICE>
{
    type Magazine = u64;

    fn new(area: Area, secret: u64, region: Range<usize>) -> Self {
        let windows = Zeroed::new((area.limit as usize) << STRIDE_SHIFT);
        for word in (0..windows.len() / 8).map(|n| windows.at() + n * 8) {
            // SAFETY: the word lies inside the new mapping, which nobody else uses yet.
            unsafe { *(word as *mut u64) = EMPTY };
        }
        Self { area, windows, secret, region }
    }

    #[inline(always)]
    fn pop(&self, class: usize) -> usize {
        let (word, object, link): (u64, u64, u64);
        // SAFETY: reads a window in bounds and its first round, which stays mapped; the one store is the commit.
        unsafe {
            section!("mov {word}, [{at}]", "mov {object}, {word}", "shr {object}, 16", "jz 33f",
                "mov {link}, {object}", "imul {link}, {scatter}", "xor {link}, {secret}", "xor {link}, [{object}]",
                "mov [{at}], {link}";
                cs = in(reg) self.area.cs, index = in(reg) self.area.index, limit = in(reg) self.area.limit,
                shift = const STRIDE_SHIFT, base = in(reg) self.loaded(class), scatter = in(reg) SCATTER,
                secret = in(reg) self.secret, word = out(reg) word, object = inout(reg) 0u64 => object,
                link = out(reg) link, options(nostack));
        }
        if object == 0 {
            return 0;
        }
        if CHECK && link as u16 != (word as u16).wrapping_add(1) {
            broken(object);
        }
        if CLEAR {
            // SAFETY: the object was popped, so it belongs to this call.
            unsafe { *(object as *mut u64) = 0 };
        }
        if PREFETCH {
            // SAFETY: a prefetch never faults, whatever the address.
            unsafe { _mm_prefetch((link >> 16) as *const i8, _MM_HINT_T0) };
        }
        object as usize
    }

    #[inline(always)]
    fn push(&self, class: usize, object: usize) -> bool {
        let object = object as u64;
        let key = self.key(object);
        // SAFETY: the caller gives up an object that it holds, so its first word may be read.
        if TWICE && (unsafe { *(object as *const u64) } ^ key) as u16 <= 255 {
            self.verify(class, object);
        }
        let mut room = 0u64;
        // SAFETY: writes the caller's object, then commits to a window in bounds.
        unsafe {
            section!("mov {link}, [{at}]", "movzx {room:e}, {link:x}", "test {room:e}, {room:e}", "jz 33f",
                "xor {link}, {key}", "mov [{object}], {link}", "lea {link}, [{top} + {room} - 1]", "mov [{at}], {link}";
                cs = in(reg) self.area.cs, index = in(reg) self.area.index, limit = in(reg) self.area.limit,
                shift = const STRIDE_SHIFT, base = in(reg) self.loaded(class), key = in(reg) key, object = in(reg) object,
                top = in(reg) object << 16, room = inout(reg) room, link = out(reg) _, options(nostack));
        }
        room != 0
    }

    fn fill(&self, objects: &[usize]) -> u64 {
        objects.iter().rev().fold(EMPTY, |word, &object| {
            let object = object as u64;
            // SAFETY: the object is a new one of the caller's slab, and nobody else has it.
            unsafe { *(object as *mut u64) = word ^ self.key(object) };
            (object << 16) + (word & 0xffff) - 1
        })
    }

    fn spare(&self, class: usize) -> Option<u64> {
        let previous = self.swap(self.loaded(class) + PREVIOUS, EMPTY);
        (previous >> 16 != 0).then_some(previous)
    }

    fn load(&self, class: usize, magazine: u64) -> (usize, Option<u64>) {
        let rest = self.below(magazine);
        let met = self.swap(self.loaded(class), rest);
        ((magazine >> 16) as usize, (met >> 16 != 0).then_some(met))
    }

    fn unload(&self, class: usize) -> Option<u64> {
        let full = self.swap(self.loaded(class), EMPTY);
        let previous = self.swap(self.loaded(class) + PREVIOUS, full);
        (previous >> 16 != 0).then_some(previous)
    }
}

#[cold]
#[inline(never)]
fn broken(object: u64) -> ! {
    eprintln!("the link of {object:#x} was overwritten");
    std::process::abort()
}
