//! The hit path: everything that it reads, in one place, and `malloc` and `free` themselves.
//!
//! The two functions are written in assembly as a whole (`naked`), because a hit is some thirty instructions, and a compiled prologue, a second test
//! of the same result or a spilled register each cost a thirtieth. In words:
//! ```text
//! malloc(size)   size < tiny_end: window = slot of this CPU + words_by_size[size] * 8;   else
//!                size < small_end: window = slot of this CPU + words_by_steps[size / 128] * 8;   else
//!                size < medium_end, else slow: window = slot of this CPU + words_by_pages[size / 4096] * 8
//!                pop it (sys::rseq), else slow;   its link must lead into the region, to a multiple of 8, else odd
//!                fetch the next one into the cache, to be written to;   wipe the object's first word
//! free(object)   object within the region, else slow (null: nothing);   word = map[page of object];   window = slot of this CPU + offset in word
//!                object starts an object (region::pagemap), else slow;   push it, else slow
//! ```
//! Where a program waits for memory, the expensive instructions are those that write a register, because the processor looks only as far ahead as it
//! has registers: two too many cost 40 ns of 170 with some millions of live objects (decision 0033). That is why tiny sizes are looked up by the
//! byte, and why a range is tested by two comparisons instead of a subtraction and one comparison. A window's address is computed into a register all
//! the same: a processor forwards a stored word to the load that follows at once only if both use an equally simple address (decision 0001).
//!
//! The slow functions get the arguments untouched and start over. All zero sends every call there: before boot, and whenever a slow path must see
//! every call. With several nodes from which threads are served, the path continues by [`rows`](super::rows).
//!
//! There are two doors to the hit path. They differ only in where the bounds stand, which are compared in any case, so the second door costs nothing.
//! The back door is for C++: it stays shut where a call must go another way, as in a program that replaces operator new.
#![allow(unsafe_code, reason = "the instructions are in a macro that ffi expands")]

use super::rows::Way;
use crate::base::classes::{
    BY_PAGES_LEN, BY_SIZE_LEN, BY_STEPS_LEN, CLASSES, MAX_MEDIUM, MAX_SMALL, MAX_TINY, WINDOW_BYTES, all_classes,
    reciprocals, words_by_pages, words_by_size, words_by_steps,
};
use crate::base::sync::{AtomicUsize, Ordering};
use crate::region::{Entry, PageMap};
use crate::sys::rseq::Area;

/// What the hit path reads, at the beginning of the heap.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Hot {
    /// Sizes below this may be tiny.
    tiny_end: AtomicUsize,
    /// Where the windows are.
    pub(super) area: Area,
    /// First address of the region that all threads are served from.
    pub(super) region: AtomicUsize,
    /// First address behind the committed part of it (may lag behind): links lead below this.
    pub(super) end: AtomicUsize,
    /// The same for objects that are freed; 0 until the hit path is opened.
    pub(super) free_end: AtomicUsize,
    /// Where its pagemap would have the word of address 0; 0 if the hit path was never opened.
    pub(super) map_origin: AtomicUsize,
    /// Words from a slot's beginning to the window, by size in bytes.
    by_size: [u8; BY_SIZE_LEN],
    /// Sizes from `tiny_end` up to below this may be small.
    small_end: AtomicUsize,
    /// Words to the window, by size in steps of 128 bytes.
    by_steps: [u8; BY_STEPS_LEN],
    /// Sizes from `small_end` up to below this may be medium.
    medium_end: AtomicUsize,
    /// Words to the window of a medium class, by size in pages.
    by_pages: [u16; BY_PAGES_LEN],
    /// The reciprocal of a class's size and the size itself, at the class's offset.
    sizes: [[u64; WINDOW_BYTES / 8]; CLASSES],
    /// The distance from `region` to `end` in units of 8 bytes, for compiled hits, which make a single comparison: a compiler puts a jump between
    /// two.
    pub(super) link_end: AtomicUsize,
    /// Not 0 iff objects of a known class may be pushed without a look at where they lie: in this region, or in the spare node's, whose objects are
    /// sorted out when they go back to their slabs.
    pub(super) alone: AtomicUsize,
    /// Sizes below this may hit by rows; 0 iff none may.
    row_end: AtomicUsize,
    /// Not 0 iff frees may hit by rows.
    row_frees: AtomicUsize,
    pub(super) way: Way,
    back: Back,
}

/// The bounds at the back door: 0 until it is unlocked, from then on those at the front.
#[derive(Debug)]
#[repr(C)]
struct Back {
    tiny_end: AtomicUsize,
    small_end: AtomicUsize,
    medium_end: AtomicUsize,
    free_end: AtomicUsize,
    row_end: AtomicUsize,
    row_frees: AtomicUsize,
    unlocked: AtomicUsize,
}

impl Hot {
    /// The closed path: every call is slow.
    pub const fn new() -> Hot {
        Hot {
            tiny_end: AtomicUsize::new(0),
            area: Area::new(),
            region: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            free_end: AtomicUsize::new(0),
            map_origin: AtomicUsize::new(0),
            by_size: words_by_size(),
            small_end: AtomicUsize::new(0),
            by_steps: words_by_steps(),
            medium_end: AtomicUsize::new(0),
            by_pages: words_by_pages(),
            sizes: sizes(),
            link_end: AtomicUsize::new(0),
            alone: AtomicUsize::new(0),
            row_end: AtomicUsize::new(0),
            row_frees: AtomicUsize::new(0),
            way: Way::new(),
            back: Back {
                tiny_end: AtomicUsize::new(0),
                small_end: AtomicUsize::new(0),
                medium_end: AtomicUsize::new(0),
                free_end: AtomicUsize::new(0),
                row_end: AtomicUsize::new(0),
                row_frees: AtomicUsize::new(0),
                unlocked: AtomicUsize::new(0),
            },
        }
    }

    /// Returns whether the hit path may be taken for a class that the caller computed.
    #[inline(always)]
    pub(super) fn is_open(&self) -> bool {
        self.tiny_end.load(Ordering::Relaxed) != 0
    }

    /// Returns the reciprocal and the size of the class at an offset; zeros if no class has that offset.
    #[inline(always)]
    fn sizes_at(&self, offset: usize) -> (u64, usize) {
        match self.sizes.as_flattened().get(offset / 8..) {
            Some(&[reciprocal, size, ..]) => (reciprocal, size as usize),
            _ => (0, 0),
        }
    }

    /// Returns offset and size of the class of the object that begins at `address`, according to the map with the given `origin`.
    ///
    /// # Safety
    /// The address is committed, and its word in that map is settled.
    #[inline(always)]
    pub(super) unsafe fn find(&self, origin: usize, address: usize) -> Option<(usize, usize)> {
        // SAFETY: the caller promises that the address is committed and settled in the map.
        let entry: Entry = unsafe { PageMap::lookup(origin, address) };
        let (reciprocal, size) = self.sizes_at(entry.offset());
        entry.begins_object(address, reciprocal).then_some((entry.offset(), size))
    }

    /// Opens the hit path of `malloc`, or closes it. Release: a thread that finds it open sees what was stored before.
    pub(super) fn set_open(&self, open: bool) {
        let ends = [(&self.medium_end, MAX_MEDIUM), (&self.small_end, MAX_SMALL), (&self.tiny_end, MAX_TINY)];
        ends.into_iter().for_each(|(end, largest)| end.store(if open { largest + 1 } else { 0 }, Ordering::SeqCst));
        self.follow();
    }

    /// Lets `free` hit below `end`, too, from now on.
    pub(super) fn raise_free_end(&self, end: usize) {
        self.free_end.fetch_max(end, Ordering::SeqCst);
        self.follow();
    }

    /// Lets `free` hit by rows from now on.
    pub(super) fn open_row_frees(&self) {
        self.row_frees.store(1, Ordering::SeqCst);
        self.follow();
    }

    /// Lets `malloc` hit by rows, or no longer lets it.
    pub(super) fn set_row_mallocs(&self, open: bool) {
        self.row_end.store(if open { MAX_MEDIUM + 1 } else { 0 }, Ordering::SeqCst);
        self.follow();
    }

    /// Returns whether `malloc` may hit by rows.
    pub(super) fn has_row_mallocs(&self) -> bool {
        self.row_end.load(Ordering::Relaxed) != 0
    }

    /// Opens the back door whenever the front door is open, from now on.
    pub(super) fn unlock_back(&self) {
        self.back.unlocked.store(1, Ordering::SeqCst);
        self.follow();
    }

    /// Does at the back door what was done at the front. If several threads do so at once, the last one to look sees what all have done.
    fn follow(&self) {
        if self.back.unlocked.load(Ordering::SeqCst) == 0 {
            return;
        }
        let doors = [
            (&self.medium_end, &self.back.medium_end),
            (&self.small_end, &self.back.small_end),
            (&self.tiny_end, &self.back.tiny_end),
            (&self.free_end, &self.back.free_end),
            (&self.row_end, &self.back.row_end),
            (&self.row_frees, &self.back.row_frees),
        ];
        for (front, back) in doors {
            let mut end = front.load(Ordering::SeqCst);
            loop {
                back.store(end, Ordering::SeqCst);
                let now = front.load(Ordering::SeqCst);
                if now == end {
                    break;
                }
                end = now;
            }
        }
    }
}

const fn sizes() -> [[u64; WINDOW_BYTES / 8]; CLASSES] {
    let (reciprocals, classes) = (reciprocals(), all_classes());
    let mut table = [[0; WINDOW_BYTES / 8]; CLASSES];
    let mut index = 0;
    while index < CLASSES {
        table[index][0] = reciprocals[index];
        table[index][1] = classes[index].size as u64;
        index += 1;
    }
    table
}

/// Byte offsets in `Hot`, for the macros' assembly.
pub mod at {
    use super::Hot;
    use core::mem::offset_of;
    /// `by_size`.
    pub const BY_SIZE: usize = offset_of!(Hot, by_size);
    /// `by_steps`.
    pub const BY_STEPS: usize = offset_of!(Hot, by_steps);
    /// `by_pages`.
    pub const BY_PAGES: usize = offset_of!(Hot, by_pages);
    /// The reciprocal in `sizes`.
    pub const RECIPROCAL: usize = offset_of!(Hot, sizes);
    const _: () = assert!(offset_of!(Hot, area) == 8 && offset_of!(Hot, region) == 48 && offset_of!(Hot, end) == 56);
    const _: () = assert!(offset_of!(Hot, map_origin) == 72);

    /// The bounds at the front door.
    pub mod front {
        use super::{Hot, offset_of};
        /// `tiny_end`.
        pub const TINY_END: usize = offset_of!(Hot, tiny_end);
        /// `small_end`.
        pub const SMALL_END: usize = offset_of!(Hot, small_end);
        /// `medium_end`.
        pub const MEDIUM_END: usize = offset_of!(Hot, medium_end);
        /// `free_end`.
        pub const FREE_END: usize = offset_of!(Hot, free_end);
        /// `row_end`.
        pub const ROW_END: usize = offset_of!(Hot, row_end);
        /// `row_frees`.
        pub const ROW_FREES: usize = offset_of!(Hot, row_frees);
    }

    /// The bounds at the back door.
    pub mod back {
        use super::{Hot, offset_of};
        /// `tiny_end`.
        pub const TINY_END: usize = offset_of!(Hot, back.tiny_end);
        /// `small_end`.
        pub const SMALL_END: usize = offset_of!(Hot, back.small_end);
        /// `medium_end`.
        pub const MEDIUM_END: usize = offset_of!(Hot, back.medium_end);
        /// `free_end`.
        pub const FREE_END: usize = offset_of!(Hot, back.free_end);
        /// `row_end`.
        pub const ROW_END: usize = offset_of!(Hot, back.row_end);
        /// `row_frees`.
        pub const ROW_FREES: usize = offset_of!(Hot, back.row_frees);
    }
}

/// The parts of the hit path's functions, with one node and with several. The heap is in rdx; the size or the object is in rdi; the class is in rsi,
/// as the distance from a slot's beginning to its window in words (`malloc`) or bytes (`free`). `slot` puts the address of this CPU's slot into r8.
#[macro_export]
#[doc(hidden)]
macro_rules! hit_part {
    // Begins the sequence: a thread that is interrupted after this comes back to before it.
    (enter) => {
        "mov r8, [rdx + 8]
         lea rcx, [rip + 29b]
         mov fs:[r8], rcx
         22:"
    };
    (slot) => {
        "mov r8, [rdx + 16]
         movsxd r8, dword ptr fs:[r8]
         shl r8, {shift}
         add r8, [rdx + 32]"
    };
    // The sequence of `malloc`, with its end and the return. Parameters: where to go if there is no object, and the bounds between which links lead.
    (pop $none:literal, $begin:literal, $end:literal) => {
        concat!(
            "lea r8, [r8 + rsi * 8]
             mov rax, [r8]
             test rax, rax\n",
            concat!("jz ", $none, "\n"),
            "imul rcx, rax, {mix}
             xor rcx, [rdx + 40]
             xor rcx, [rax]
             add qword ptr [r8 + 8], 1
             mov [r8], rcx
             23:
             test cl, 7
             jnz 27f\n",
            concat!("cmp rcx, ", $begin, "\n"),
            "jb 27f\n",
            concat!("cmp rcx, ", $end, "\n"),
            "jae 27f
             prefetchw [rcx]
             mov qword ptr [rax], 0
             ret
             27:
             test rcx, rcx
             jnz 28f
             mov qword ptr [rax], 0
             ret\n",
        )
    };
    // Small sizes, and medium ones.
    (steps) => {
        "lea rax, [rdi + {within_step}]
         shr rax, {step_shift}
         movzx esi, byte ptr [rdx + rax + {by_steps}]
         jmp 21b"
    };
    (pages) => {
        "lea rax, [rdi + 4095]
         shr rax, 12
         movzx esi, word ptr [rdx + rax * 2 + {by_pages}]
         jmp 21b"
    };
    // A link that leads elsewhere.
    (odd) => {
        "28:
         mov rdi, rax
         shl rsi, 3
         mov rdx, rcx
         jmp {odd_link}"
    };
    // Finds the object's class by the map and puts what its link is mixed with into rax. Parameters: the map's origin, and where to go if no object
    // begins there.
    (object $map:literal, $none:literal) => {
        concat!(
            "mov rax, rdi
             shr rax, 12\n",
            concat!("mov r9, ", $map, "\n"),
            "movzx esi, word ptr [r9 + rax * 8]
             mov rcx, rdi
             imul rcx, [rdx + rsi + {reciprocal}]
             sub rcx, [r9 + rax * 8]
             cmp rcx, -{starts}\n",
            concat!("jb ", $none, "\n"),
            "imul rax, rdi, {mix}
             xor rax, [rdx + 40]\n",
        )
    };
    // The sequence of `free`, with its end and the return. Parameter: where to go if there is no room.
    (push $none:literal) => {
        concat!(
            "add r8, rsi
             mov r9, [r8]
             cmp r9, rdi\n",
            concat!("je ", $none, "\n"),
            "sub qword ptr [r8 + 8], 1\n",
            concat!("js ", $none, "\n"),
            "xor r9, rax
             mov [rdi], r9
             mov [r8], rdi
             23:
             ret\n",
        )
    };
}

/// Defines a `malloc` as function `$name`, exported as the attributes say: the hit path behind a door (`front` or `back`), or a jump to
/// `$slow(size)`. `$head` is assembly before the first instruction: a second name.
#[macro_export]
#[doc(hidden)]
macro_rules! define_malloc {
    ($(#[$meta:meta])* $name:ident, $slow:path, $door:ident $(, $head:expr)?) => {
        $(#[$meta])*
        #[unsafe(naked)]
        extern "C" fn $name(size: usize) -> *mut ::core::ffi::c_void {
            ::core::arch::naked_asm!(
                ".cfi_startproc",
                $($head,)?
                $crate::rseq_descriptor!(),
                "lea rdx, [rip + {heap}]",
                "cmp rdi, [rdx + {tiny_end}]",
                "jae 26f",
                "movzx esi, byte ptr [rdx + rdi + {by_size}]",
                "21:",
                $crate::hit_part!(enter),
                $crate::hit_part!(slot),
                $crate::hit_part!(pop "{slow}", "[rdx + 48]", "[rdx + 56]"),
                "26:",
                "cmp rdi, [rdx + {small_end}]",
                "jae 20f",
                $crate::hit_part!(steps),
                "20:",
                "cmp rdi, [rdx + {medium_end}]",
                "jae 30f",
                $crate::hit_part!(pages),
                $crate::hit_part!(odd),
                "30:",
                "cmp rdi, [rdx + {row_end}]",
                "jae {slow}",
                "lea r11, [rip + {slow}]",
                "jmp {by_row}",
                $crate::rseq_abort!(),
                "jmp 21b",
                ".cfi_endproc",
                heap = sym $crate::hit::HEAP,
                slow = sym $slow,
                odd_link = sym $crate::hit::odd_link,
                by_size = const $crate::hit::at::BY_SIZE,
                tiny_end = const $crate::hit::at::$door::TINY_END,
                small_end = const $crate::hit::at::$door::SMALL_END,
                by_steps = const $crate::hit::at::BY_STEPS,
                step_shift = const $crate::hit::STEP_SHIFT,
                within_step = const (1 << $crate::hit::STEP_SHIFT) - 1,
                medium_end = const $crate::hit::at::$door::MEDIUM_END,
                by_pages = const $crate::hit::at::BY_PAGES,
                row_end = const $crate::hit::at::$door::ROW_END,
                by_row = sym $crate::hit::malloc_by_row,
                mix = const $crate::hit::MIX,
                shift = const $crate::hit::SLOT_SHIFT,
            )
        }
    };
}

/// Freeing null does nothing. At the back door, however, null goes to the slow function: the function that stands there may be the program's own, and
/// is called with it.
#[macro_export]
#[doc(hidden)]
macro_rules! test_for_null {
    (front) => {
        "test rdi, rdi\njz 31f"
    };
    (back) => {
        ""
    };
}

/// Defines a `free` as function `$name`, exported as the attributes say: the hit path behind a door, or a jump to `$slow(object)`. `$head` is as in
/// [`define_malloc`].
#[macro_export]
#[doc(hidden)]
macro_rules! define_free {
    ($(#[$meta:meta])* $name:ident, $slow:path, $door:ident $(, $head:expr)?) => {
        $(#[$meta])*
        #[unsafe(naked)]
        unsafe extern "C" fn $name(object: *mut ::core::ffi::c_void) {
            ::core::arch::naked_asm!(
                ".cfi_startproc",
                $($head,)?
                $crate::rseq_descriptor!(),
                "lea rdx, [rip + {heap}]",
                "cmp rdi, [rdx + 48]",
                "jb 30f",
                "cmp rdi, [rdx + {free_end}]",
                "jae 30f",
                $crate::hit_part!(object "[rdx + 72]", "{slow}"),
                "21:",
                $crate::hit_part!(enter),
                $crate::hit_part!(slot),
                $crate::hit_part!(push "{slow}"),
                "30:",
                $crate::test_for_null!($door),
                "cmp qword ptr [rdx + {row_frees}], 0",
                "je {slow}",
                "lea r11, [rip + {slow}]",
                "jmp {by_row}",
                "31:",
                "ret",
                $crate::rseq_abort!(),
                "mov qword ptr [rdi], 0",
                "jmp 21b",
                ".cfi_endproc",
                heap = sym $crate::hit::HEAP,
                slow = sym $slow,
                free_end = const $crate::hit::at::$door::FREE_END,
                row_frees = const $crate::hit::at::$door::ROW_FREES,
                by_row = sym $crate::hit::free_by_row,
                reciprocal = const $crate::hit::at::RECIPROCAL,
                starts = const $crate::hit::STARTS,
                mix = const $crate::hit::MIX,
                shift = const $crate::hit::SLOT_SHIFT,
            )
        }
    };
}
