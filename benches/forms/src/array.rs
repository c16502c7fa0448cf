//! A window is an array of pointers and the number of its first free slot. A trade copies a
//! magazine's worth of pointers.

use crate::area::Area;
use crate::form::{Form, ROUNDS, Zeroed};
use std::arch::asm;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::ops::Range;

const STRIDE_SHIFT: u32 = 17;
const CAPACITY: usize = 2 * ROUNDS;
/// The tops of all classes come first (slot numbers from the start of the CPU's windows, so that the
/// class is no part of a slot's address), then the slots of class 0, 1, ...
const FIRST_SLOT: usize = 64 / 8;

/// The array. With `PREFETCH`, each pop prefetches the next object.
pub struct Array<const PREFETCH: bool> {
    area: Area,
    windows: Zeroed,
}

/// Pointers on their way between a window and the depot.
pub struct Pointers {
    len: usize,
    at: [usize; ROUNDS],
}

/// Opens a section as in the chain, except that `{at}` becomes the start of this CPU's windows.
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

impl<const PREFETCH: bool> Array<PREFETCH> {
    /// Copies the magazine's pointers onto the window. Returns false if they do not fit.
    fn push_all(&self, class: usize, magazine: &Pointers) -> bool {
        let end = begin(class) + CAPACITY;
        let mut top = end;
        // SAFETY: the copy stays within this class's slots, as top + len <= end; the top is stored last.
        unsafe {
            section!("movzx {top:e}, word ptr [{at} + 2*{class}]", "lea ecx, [{top} + {len}]", "cmp ecx, {end:e}", "ja 33f",
                "lea rdi, [{at} + 8*{top}]", "mov rsi, {from}", "mov ecx, {len:e}", "rep movsq",
                "lea ecx, [{top} + {len}]", "mov word ptr [{at} + 2*{class}], cx";
                cs = in(reg) self.area.cs, index = in(reg) self.area.index, limit = in(reg) self.area.limit,
                shift = const STRIDE_SHIFT, base = in(reg) self.windows.at(), class = in(reg) class, end = in(reg) end,
                from = in(reg) magazine.at.as_ptr(), len = in(reg) magazine.len, top = inout(reg) top,
                out("rcx") _, out("rsi") _, out("rdi") _, options(nostack));
        }
        top + magazine.len <= end
    }
}

const fn begin(class: usize) -> usize {
    FIRST_SLOT + class * CAPACITY
}

impl<const PREFETCH: bool> Form for Array<PREFETCH> {
    type Magazine = Pointers;

    fn new(area: Area, _: u64, _: Range<usize>) -> Self {
        let windows = Zeroed::new((area.limit as usize) << STRIDE_SHIFT);
        for index in 0..area.limit as usize {
            for class in 0..FIRST_SLOT * 8 / 2 {
                let top = windows.at() + (index << STRIDE_SHIFT) + 2 * class;
                // SAFETY: the word lies inside the new mapping, which nobody else uses yet.
                unsafe { *(top as *mut u16) = begin(class) as u16 };
            }
        }
        Self { area, windows }
    }

    #[inline(always)]
    fn pop(&self, class: usize) -> usize {
        let (object, next): (usize, usize);
        // SAFETY: reads a slot below the top of a window in bounds (and the one below it); the store is the commit.
        unsafe {
            section!("xor {object:e}, {object:e}", "movzx {top:e}, word ptr [{at} + 2*{class}]", "cmp {top:e}, {begin:e}", "jbe 33f",
                "mov {object}, [{at} + 8*{top} - 8]", "mov {next}, [{at} + 8*{top} - 16]", "dec {top:e}",
                "mov word ptr [{at} + 2*{class}], {top:x}";
                cs = in(reg) self.area.cs, index = in(reg) self.area.index, limit = in(reg) self.area.limit,
                shift = const STRIDE_SHIFT, base = in(reg) self.windows.at(), class = in(reg) class, begin = in(reg) begin(class),
                top = out(reg) _, object = inout(reg) 0usize => object, next = inout(reg) 0usize => next, options(nostack));
        }
        if PREFETCH {
            // SAFETY: a prefetch never faults, whatever the address.
            unsafe { _mm_prefetch(next as *const i8, _MM_HINT_T0) };
        }
        object
    }

    #[inline(always)]
    fn push(&self, class: usize, object: usize) -> bool {
        let end = begin(class) + CAPACITY;
        let mut top = end;
        // SAFETY: writes the slot at the top, which belongs to nobody yet, then commits the top.
        unsafe {
            section!("movzx {top:e}, word ptr [{at} + 2*{class}]", "cmp {top:e}, {end:e}", "jae 33f",
                "mov [{at} + 8*{top}], {object}", "lea {next:e}, [{top} + 1]", "mov word ptr [{at} + 2*{class}], {next:x}";
                cs = in(reg) self.area.cs, index = in(reg) self.area.index, limit = in(reg) self.area.limit,
                shift = const STRIDE_SHIFT, base = in(reg) self.windows.at(), class = in(reg) class, end = in(reg) end,
                object = in(reg) object, next = out(reg) _, top = inout(reg) top, options(nostack));
        }
        top < end
    }

    fn fill(&self, objects: &[usize]) -> Pointers {
        let mut at = [0; ROUNDS];
        at.iter_mut().zip(objects.iter().rev()).for_each(|(slot, object)| *slot = *object);
        Pointers { len: objects.len(), at }
    }

    fn spare(&self, _: usize) -> Option<Pointers> {
        None
    }

    fn load(&self, class: usize, mut magazine: Pointers) -> (usize, Option<Pointers>) {
        magazine.len -= 1;
        let first = magazine.at[magazine.len];
        let fits = magazine.len == 0 || self.push_all(class, &magazine);
        (first, (!fits).then_some(magazine))
    }

    fn unload(&self, class: usize) -> Option<Pointers> {
        let mut magazine = Pointers { len: 0, at: [0; ROUNDS] };
        let least = begin(class) + ROUNDS;
        // SAFETY: copies slots below the top into a buffer of this call, then commits the lower top.
        unsafe {
            section!("xor {len:e}, {len:e}", "movzx {top:e}, word ptr [{at} + 2*{class}]", "cmp {top:e}, {least:e}", "jb 33f",
                "sub {top:e}, {rounds}", "lea rsi, [{at} + 8*{top}]", "mov rdi, {to}", "mov ecx, {rounds}", "rep movsq",
                "mov {len:e}, {rounds}", "mov word ptr [{at} + 2*{class}], {top:x}";
                cs = in(reg) self.area.cs, index = in(reg) self.area.index, limit = in(reg) self.area.limit,
                shift = const STRIDE_SHIFT, base = in(reg) self.windows.at(), class = in(reg) class, least = in(reg) least,
                rounds = const ROUNDS, to = in(reg) magazine.at.as_mut_ptr(), len = inout(reg) magazine.len, top = out(reg) _,
                out("rcx") _, out("rsi") _, out("rdi") _, options(nostack));
        }
        (magazine.len != 0).then_some(magazine)
    }
}
