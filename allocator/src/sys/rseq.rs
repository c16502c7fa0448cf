//! The restartable sequences: `pop`, `push` and `exchange` on the CPU's own slot of windows.
//!
//! A slot is a page of words, one slot per CPU number. The kernel restarts a sequence whenever the thread was preempted, moved or signalled inside
//! it, so a plain load-compute-store on the slot is atomic towards every other thread of that CPU. The area is the one that glibc (2.35 and later)
//! registers for each thread; larder only ever writes its `rseq_cs` field, as the ABI has it, and never registers one itself.
//!
//! A window is three words: `head` (the first round's address), `room` and `previous`. Each sequence in pseudo-code; the last store is the commit.
//! The room is stored before it, so a restart may count twice: the room is a hint.
//! ```text
//! pop       object = head; none if 0
//!           room += 1;  head = *object ^ key(object)
//! push      none if the object is the head already (a double free)
//!           room -= 1;  none if it is below 0 now;  *object = head ^ key(object);  head = object
//! exchange  room, head = new ones          (and the same for `previous`, which is one word)
//! take      0 if the program has threads;  a word = 0, of any slot
//! ```
//! A program of one thread may take from any slot: nobody else runs, and a signal handler that makes a thread interrupts the sequence, which then
//! starts over.
//!
//! An interrupted push wipes the object's first word before it starts over, because it may end without a push (no room on another CPU), and an object
//! that holds a link is taken for a free one.
//!
//! Rules kept: the descriptor is stored on every entry; the CPU number is read inside the sequence; there is no call and no system call inside; there
//! is one commit store, and it comes last.
//!
//! A CPU number is trusted to be one that the kernel may give, because there is a slot for each of those. In a thread without a registered area
//! `cpu_id` is -1 or -2 (somebody unregistered the area, or rseq is switched off), and in larder's own helper every number is -1. So the number is
//! read as a signed one, and before the first slot lie two **dead** ones: their windows are empty and without room for ever, so everything misses
//! there. `exchange`, which would fill one, compares the number with the slots there are. (A comparison in `pop` and `push` as well made a
//! replacement among a million objects a third slower: decision 0034.) `mm_cid`, however, is 0 in a thread whose area was unregistered, and no
//! comparison tells: such a thread must not use larder.
#![allow(unsafe_code, reason = "the sequences are assembly")]

use super::arch;
use super::environment::{AT_RSEQ_FEATURE_SIZE, auxiliary};
use crate::base::sync::{AtomicU64, AtomicUsize, Ordering};
use core::arch::asm;

/// log2 of the bytes of a slot.
pub const SLOT_SHIFT: u32 = 12;
/// Number of slots before the first, for the CPU numbers -1 and -2.
pub const DEAD_SLOTS: usize = 2;
/// An odd constant that spreads an object's address over the word that its link is mixed with.
pub const MIX: u64 = 0x5BD1_E995;

const CPU_ID: isize = 4;
const RSEQ_CS: isize = 8;
/// From `rseq_cs` to the CPU's own number.
pub const CPU_FROM_CS: isize = CPU_ID - RSEQ_CS;
const MM_CID: isize = 24;
const MM_CID_END: u64 = 28;

/// What the sequences need, in the order in which their assembly reads it.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Area {
    /// From the thread pointer to `rseq_cs`.
    cs_offset: AtomicUsize,
    /// From the thread pointer to the CPU number.
    index_offset: AtomicUsize,
    /// Number of slots, one for each CPU number that the kernel may give; 0: no sequence may run.
    slots: AtomicUsize,
    /// Address of slot 0.
    base: AtomicUsize,
    /// The process's secret.
    secret: AtomicU64,
}

/// Which CPU number indexes the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// `mm_cid`: dense, so a process with few threads touches few slots.
    Cid,
    /// `cpu_id`.
    Cpu,
}

/// A sequence's descriptor: it runs from label 22 to 23 and is aborted to 24. Its own label is 29. Read-only once the library is relocated.
#[macro_export]
#[doc(hidden)]
macro_rules! rseq_descriptor {
    () => {
        ".pushsection .data.rel.ro.rseq_cs, \"aw\"
        .balign 32
        29:
        .long 0, 0
        .quad 22f, 23f - 22f, 24f
        .popsection"
    };
}

/// Label 24, to which the kernel sends an interrupted thread, behind the signature that the kernel asks for.
#[macro_export]
#[doc(hidden)]
macro_rules! rseq_abort {
    () => {
        ".byte 0x0f, 0xb9, 0x3d
        .long 0x53053053
        24:"
    };
}

/// Assembles one sequence: its descriptor, its entry, the way to the window (in `{slot}`), the body, and where the kernel sends an interrupted
/// thread. The four lists are: what is done first with the CPU number (in `{slot}`), what makes the result "none", what undoes an interrupted
/// attempt, and the body. Labels: 21 entry, 22-23 the sequence, 24 abort, 25 the end, 26 "none" out of line.
macro_rules! sequence {
    ([$($number:literal),*], [$($none:literal),*], [$($abort:literal),*], [$($body:literal),*], $($operands:tt)*) => {
        asm!(
            $crate::rseq_descriptor!(),
            "21:",
            "mov {slot}, [{area}]",
            "lea {scratch}, [rip + 29b]",
            "mov fs:[{slot}], {scratch}",
            "22:",
            "mov {slot}, [{area} + 8]",
            "movsxd {slot}, dword ptr fs:[{slot}]",
            $($number,)*
            "shl {slot}, {shift}",
            "add {slot}, {at}",
            "add {slot}, [{area} + 24]",
            $($body,)*
            "23:",
            ".pushsection __rseq_failure, \"ax\"",
            $crate::rseq_abort!(),
            $($abort,)*
            "jmp 21b",
            "26:",
            $($none,)*
            "jmp 25f",
            ".popsection",
            "25:",
            slot = out(reg) _,
            shift = const SLOT_SHIFT,
            $($operands)*
            options(nostack),
        )
    };
}

impl Area {
    /// An area without slots.
    pub const fn new() -> Area {
        Area {
            cs_offset: AtomicUsize::new(0),
            index_offset: AtomicUsize::new(0),
            slots: AtomicUsize::new(0),
            base: AtomicUsize::new(0),
            secret: AtomicU64::new(0),
        }
    }

    /// Looks for glibc's registered area; if there is none, returns why. Without one no sequence may run, and there are no slots. The index is
    /// `mm_cid` where the kernel keeps it, unless `by_cpu` is asked for.
    pub fn find(&self, by_cpu: bool) -> Result<Index, &'static str> {
        let Some((offset, size)) = glibc_area() else { return Err("this libc registers no rseq area") };
        if size == 0 || registered_cpu(offset) < 0 {
            return Err("rseq is switched off or refused in this process");
        }
        let cid = !by_cpu && auxiliary(AT_RSEQ_FEATURE_SIZE) >= MM_CID_END;
        let index = offset + if cid { MM_CID } else { CPU_ID };
        self.index_offset.store(index as usize, Ordering::Relaxed);
        self.cs_offset.store((offset + RSEQ_CS) as usize, Ordering::Relaxed);
        Ok(if cid { Index::Cid } else { Index::Cpu })
    }

    /// Returns where the calling thread's `rseq_cs` ends; 0 if there is no area.
    pub fn own_end(&self) -> usize {
        match self.cs_offset.load(Ordering::Relaxed) {
            0 => 0,
            offset => arch::thread_pointer().wrapping_add(offset) + size_of::<u64>(),
        }
    }

    /// Sets the slots' address and the secret; the number of slots comes with [`Area::set_slots`].
    pub fn place(&self, base: usize, secret: u64) {
        self.base.store(base, Ordering::Relaxed);
        self.secret.store(secret, Ordering::Relaxed);
    }

    /// Lets the sequences run. The slots, and the dead ones before them, are committed by then. Release: pairs with the Acquire in `slots`.
    pub fn set_slots(&self, slots: usize) {
        self.slots.store(slots, Ordering::Release);
    }

    /// Returns the number of slots in use.
    #[inline(always)]
    pub fn slots(&self) -> usize {
        self.slots.load(Ordering::Acquire)
    }

    /// Returns the process's secret.
    #[inline(always)]
    pub fn secret(&self) -> u64 {
        self.secret.load(Ordering::Relaxed)
    }

    /// Returns what indexes the slots for the calling thread now (a hint outside a sequence); `usize::MAX` if there is no area.
    pub fn present_index(&self) -> usize {
        match self.index_offset.load(Ordering::Relaxed) {
            0 => usize::MAX,
            offset => own_word(offset as isize) as usize,
        }
    }

    /// Returns the CPU that the thread runs on now (a hint outside a sequence); `None` if there is no area.
    pub fn present_cpu(&self) -> Option<usize> {
        match self.cs_offset.load(Ordering::Relaxed) {
            0 => None,
            offset => Some(own_word(offset as isize + CPU_FROM_CS) as usize),
        }
    }

    /// Pops a round from the window at byte `at` of this CPU's slot. Returns its address (0 for none) and the address of the next round, as its link
    /// says.
    ///
    /// # Safety
    /// There are slots, `at` is a window within a slot (plus a whole number of rows), the windows are chains of free objects, and no thread's area
    /// was unregistered if the index is `mm_cid`.
    #[inline(always)]
    pub unsafe fn pop(&self, at: usize) -> (usize, u64) {
        let (object, link);
        // SAFETY: writes only `rseq_cs` and this CPU's window; the kernel sends an interrupted sequence to label 24, which starts over.
        unsafe {
            sequence!(
                [],
                ["xor {object:e}, {object:e}"],
                [],
                [
                    "mov {object}, [{slot}]",
                    "test {object}, {object}",
                    "jz 25f",
                    "imul {scratch}, {object}, {mix}",
                    "xor {scratch}, [{area} + 32]",
                    "xor {scratch}, [{object}]",
                    "add qword ptr [{slot} + 8], 1",
                    "mov [{slot}], {scratch}"
                ],
                area = in(reg) self,
                at = in(reg) at,
                mix = const MIX,
                object = out(reg) object,
                scratch = out(reg) link,
            );
        }
        (object, link)
    }

    /// Pushes `object` to the window at byte `at` of this CPU's slot; `key` is what its link is mixed with. Returns false if there is no room, or if
    /// the object is the one that was pushed last.
    ///
    /// # Safety
    /// As for `pop`; the object is free, of the window's class, and in nobody else's hands.
    #[inline(always)]
    pub unsafe fn push(&self, at: usize, object: usize, key: u64) -> bool {
        let done: u64;
        // SAFETY: writes `rseq_cs`, the free object's first word and this CPU's window; the kernel sends an interrupted sequence to label 24, which
        // starts over.
        unsafe {
            sequence!(
                [],
                ["xor {done:e}, {done:e}"],
                ["mov qword ptr [{object}], 0"],
                [
                    "mov {scratch}, [{slot}]",
                    "cmp {scratch}, {object}",
                    "je 26f",
                    "sub qword ptr [{slot} + 8], 1",
                    "js 26f",
                    "xor {scratch}, {key}",
                    "mov [{object}], {scratch}",
                    "mov {done:e}, 1",
                    "mov [{slot}], {object}"
                ],
                area = in(reg) self,
                at = in(reg) at,
                object = in(reg) object,
                key = in(reg) key,
                done = out(reg) done,
                scratch = out(reg) _,
            );
        }
        done != 0
    }

    /// Makes `head` and `room` the window at byte `at` of this CPU's slot. Returns what was there and the slot's number; `None` if the thread has no
    /// slot.
    ///
    /// # Safety
    /// As for `pop`; `head` is a chain in the caller's hands (or 0).
    #[inline(never)]
    pub unsafe fn exchange_window(&self, at: usize, head: u64, room: u64) -> Option<((u64, u64), usize)> {
        let (old_head, old_room, behind): (u64, u64, usize);
        // SAFETY: writes `rseq_cs` and this CPU's window; the kernel sends an interrupted sequence to label 24, which starts over.
        unsafe {
            sequence!(
                ["cmp {slot}, [{area} + 16]", "jae 26f", "lea {behind}, [{slot} + 1]"],
                ["xor {behind:e}, {behind:e}", "xor {old_room:e}, {old_room:e}"],
                [],
                [
                    "mov {scratch}, [{slot}]",
                    "mov {old_room}, [{slot} + 8]",
                    "mov [{slot} + 8], {room}",
                    "mov [{slot}], {head}"
                ],
                area = in(reg) self,
                at = in(reg) at,
                head = in(reg) head,
                room = in(reg) room,
                old_room = out(reg) old_room,
                behind = out(reg) behind,
                scratch = out(reg) old_head,
            );
        }
        Some(((old_head, old_room), behind.checked_sub(1)?))
    }

    /// Stores `word` at byte `at` of this CPU's slot. Returns what was there and the slot's number; `None` if the thread has no slot.
    ///
    /// # Safety
    /// As for `pop`; `word` is a magazine in the caller's hands (or empty), and so is what the place holds.
    #[inline(never)]
    pub unsafe fn exchange(&self, at: usize, word: u64) -> Option<(u64, usize)> {
        let (old, behind): (u64, usize);
        // SAFETY: writes `rseq_cs` and the word of this CPU's slot; the kernel sends an interrupted sequence to label 24, which starts over.
        unsafe {
            sequence!(
                ["cmp {slot}, [{area} + 16]", "jae 26f", "lea {behind}, [{slot} + 1]"],
                ["xor {behind:e}, {behind:e}"],
                [],
                ["mov {scratch}, [{slot}]", "mov [{slot}], {word}"],
                area = in(reg) self,
                at = in(reg) at,
                word = in(reg) word,
                behind = out(reg) behind,
                scratch = out(reg) old,
            );
        }
        Some((old, behind.checked_sub(1)?))
    }

    /// Stores 0 at byte `at` of slot 0 (or of another slot: they lie one after the other) and returns what was there. Returns 0 and stores nothing if
    /// the program has threads.
    ///
    /// # Safety
    /// As for `pop`; libc has a flag that says whether the program has threads.
    #[inline(never)]
    pub unsafe fn take(&self, at: usize) -> u64 {
        let old: u64;
        // SAFETY: writes `rseq_cs` and, while the program has one thread, the word; the kernel sends an interrupted sequence to label 24, which
        // starts over.
        unsafe {
            sequence!(
                ["cmp byte ptr [{alone}], 0", "je 26f", "xor {slot:e}, {slot:e}"],
                ["xor {old:e}, {old:e}"],
                [],
                ["mov {old}, [{slot}]", "mov qword ptr [{slot}], 0"],
                area = in(reg) self,
                at = in(reg) at,
                alone = in(reg) arch::libc_single_threaded_flag(),
                old = out(reg) old,
                scratch = out(reg) _,
            );
        }
        old
    }
}

/// Returns the distance from a thread pointer to the area of glibc's threads, registered or not; 0 if it has none.
pub fn area_offset() -> isize {
    glibc_area().map_or(0, |(offset, _)| offset)
}

/// Returns `__rseq_offset` and `__rseq_size` of glibc, if it has them. They are read through the GOT because the address of a weak `extern static`
/// would be assumed never to be null.
fn glibc_area() -> Option<(isize, u32)> {
    let (offset, size): (*const isize, *const u32);
    // SAFETY: reads two GOT entries, which are null where the symbols do not exist.
    unsafe {
        asm!(
            ".weak __rseq_offset",
            ".weak __rseq_size",
            "mov {0}, [rip + __rseq_offset@GOTPCREL]",
            "mov {1}, [rip + __rseq_size@GOTPCREL]",
            out(reg) offset,
            out(reg) size,
            options(nostack, preserves_flags, pure, readonly),
        );
    }
    if offset.is_null() || size.is_null() {
        return None;
    }
    // SAFETY: not null, hence glibc's constant.
    let offset = unsafe { offset.read() };
    // SAFETY: not null, hence glibc's constant.
    let size = unsafe { size.read() };
    Some((offset, size))
}

/// Returns the thread's `cpu_id` field; negative iff the thread has no registered area.
fn registered_cpu(offset: isize) -> i32 {
    own_word(offset + CPU_ID) as i32
}

/// Returns a word of the thread's own control block.
fn own_word(offset: isize) -> u32 {
    let word: u32;
    // SAFETY: reads within glibc's area, which is part of every thread's control block.
    unsafe { asm!("mov {0:e}, fs:[{1}]", out(reg) word, in(reg) offset, options(nostack, preserves_flags, readonly)) };
    word
}

#[cfg(test)]
impl Area {
    /// From now on, whoever looks for a CPU number touches memory that is not there.
    pub fn forbid(&self) {
        let nowhere = (crate::base::units::PAGE / 2).wrapping_sub(arch::thread_pointer());
        self.cs_offset.store(nowhere, Ordering::Relaxed);
        self.index_offset.store(nowhere, Ordering::Relaxed);
    }
}
