//! The restartable sequences: `pop`, `push` and `exchange` on the CPU's own slot of windows.
//!
//! A slot is 2 KiB of words, one slot per CPU number; the kernel restarts a sequence whenever the thread was preempted, moved or
//! signalled inside it, so a plain load-compute-store on the slot is atomic towards every other thread of that CPU. The area is
//! the one glibc (2.35 and later) registers for each thread; larder only ever writes its `rseq_cs` field, as the ABI has it, and
//! never registers one itself.
//!
//! Each sequence, in pseudo-code; the last store is the commit:
//! ```text
//! pop       word = slot[class]; none if it holds no address
//!           slot[class] = decode(object, *object)                       object = word's address
//! push      word = slot[class]; none if it has no room, or the object is its first round already (a double free)
//!           *object = encode(object, word); slot[class] = object's address, room - 1
//! exchange  old = slot[at]; slot[at] = new
//! ```
//! Rules kept (see `man 2 rseq` in librseq): the descriptor is stored on every entry, the CPU number is read inside and compared
//! with the number of slots, no call and no system call inside, one commit store and it comes last.
#![allow(unsafe_code, reason = "the sequences are assembly")]

use super::environment::auxiliary;
use crate::base::sync::{AtomicU64, AtomicUsize, Ordering};
use core::arch::asm;

/// log2 of the bytes of a slot.
pub const SLOT_SHIFT: u32 = 11;
/// Odd constant that spreads an object's address over the word its link is mixed with.
pub const MIX: u64 = 0x5BD1_E995;

const AT_RSEQ_FEATURE_SIZE: u64 = 27;
const CPU_ID: isize = 4;
const RSEQ_CS: isize = 8;
const MM_CID: isize = 24;
const MM_CID_END: u64 = 28;

/// What the sequences need, in the order in which their assembly reads it.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Area {
    /// From the thread pointer to the CPU number.
    index_offset: AtomicUsize,
    /// From the thread pointer to `rseq_cs`.
    cs_offset: AtomicUsize,
    /// Number of slots; 0 makes every sequence answer none.
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

/// Answer of [`Area::pop`].
#[derive(Clone, Copy, Debug)]
pub struct Popped {
    /// The object, 0 for none.
    pub object: usize,
    /// The window before.
    pub word: u64,
    /// The window now.
    pub link: u64,
}

impl Area {
    /// An area without slots.
    pub const fn new() -> Area {
        Area {
            index_offset: AtomicUsize::new(0),
            cs_offset: AtomicUsize::new(0),
            slots: AtomicUsize::new(0),
            base: AtomicUsize::new(0),
            secret: AtomicU64::new(0),
        }
    }
}

impl Area {
    /// Looks for glibc's registered area; says why there is none.
    pub fn find(&self) -> Result<Index, &'static str> {
        let Some((offset, size)) = glibc_area() else { return Err("this libc registers no rseq area") };
        if size == 0 || registered_cpu(offset) < 0 {
            return Err("rseq is switched off or refused in this process");
        }
        let cid = auxiliary(AT_RSEQ_FEATURE_SIZE) >= MM_CID_END;
        let index = offset + if cid { MM_CID } else { CPU_ID };
        self.index_offset.store(index as usize, Ordering::Relaxed);
        self.cs_offset.store((offset + RSEQ_CS) as usize, Ordering::Relaxed);
        Ok(if cid { Index::Cid } else { Index::Cpu })
    }

    /// Sets the slots' address and the secret; the slots come with [`Area::set_slots`].
    pub fn place(&self, base: usize, secret: u64) {
        self.base.store(base, Ordering::Relaxed);
        self.secret.store(secret, Ordering::Relaxed);
    }

    /// Lets the sequences use the first `slots` slots. Release: pairs with nothing but the data dependency of who sees the number.
    pub fn set_slots(&self, slots: usize) {
        self.slots.store(slots, Ordering::Release);
    }

    /// Number of slots in use.
    pub fn slots(&self) -> usize {
        self.slots.load(Ordering::Acquire)
    }

    /// The process's secret.
    #[inline(always)]
    pub fn secret(&self) -> u64 {
        self.secret.load(Ordering::Relaxed)
    }

    /// The calling thread's CPU number now (a hint outside a sequence).
    pub fn present_index(&self) -> usize {
        let number: u32;
        let offset = self.index_offset.load(Ordering::Relaxed);
        // SAFETY: `find` set the offset of a word in the thread's own control block.
        unsafe { asm!("mov {0:e}, fs:[{1}]", out(reg) number, in(reg) offset, options(nostack, preserves_flags, readonly)) };
        number as usize
    }

    /// Pops a round from the window at byte `at` of this CPU's slot.
    ///
    /// # Safety
    /// The area is placed, `at` is within a slot (plus a whole number of rows), and the window's words are chains of free objects.
    #[inline(always)]
    pub unsafe fn pop(&self, at: usize) -> Popped {
        let (object, word, link);
        // SAFETY: writes only `rseq_cs` and the window; the kernel sends an interrupted sequence to label 24, which starts over.
        unsafe {
            asm!(
                ".pushsection __rseq_cs, \"aw\"",
                ".balign 32",
                "29:",
                ".long 0, 0",
                ".quad 22f, 23f - 22f, 24f",
                ".popsection",
                ".pushsection __rseq_cs_ptr_array, \"aw\"",
                ".quad 29b",
                ".popsection",
                "21:",
                "mov {slot}, [{area} + 8]",
                "lea {word}, [rip + 29b]",
                "xor {object:e}, {object:e}",
                "mov fs:[{slot}], {word}",
                "22:",
                "mov {slot}, [{area}]",
                "mov {slot:e}, fs:[{slot}]",
                "cmp {slot}, [{area} + 16]",
                "jae 25f",
                "shl {slot}, {shift}",
                "add {slot}, [{area} + 24]",
                "mov {word}, [{slot} + {at}]",
                "mov {object}, {word}",
                "shr {object}, 16",
                "jz 25f",
                "imul {link}, {object}, {mix}",
                "xor {link}, [{area} + 32]",
                "xor {link}, [{object}]",
                "mov [{slot} + {at}], {link}",
                "23:",
                ".pushsection __rseq_failure, \"ax\"",
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "24:",
                "jmp 21b",
                ".popsection",
                "25:",
                area = in(reg) self,
                at = in(reg) at,
                shift = const SLOT_SHIFT,
                mix = const MIX,
                slot = out(reg) _,
                object = out(reg) object,
                word = out(reg) word,
                link = out(reg) link,
                options(nostack),
            );
        }
        Popped { object, word, link }
    }

    /// Pushes `object` on the window at byte `at` of this CPU's slot; `key` is what its link is mixed with. False if there is no room, or if
    /// the object is the one that was pushed last.
    ///
    /// # Safety
    /// As `pop`; the object is free, of the window's class, and in nobody else's hands.
    #[inline(always)]
    pub unsafe fn push(&self, at: usize, object: usize, key: u64) -> bool {
        let room: i32;
        // SAFETY: writes `rseq_cs`, the free object's first word and the window; label 24 starts over.
        unsafe {
            asm!(
                ".pushsection __rseq_cs, \"aw\"",
                ".balign 32",
                "39:",
                ".long 0, 0",
                ".quad 32f, 33f - 32f, 34f",
                ".popsection",
                ".pushsection __rseq_cs_ptr_array, \"aw\"",
                ".quad 39b",
                ".popsection",
                "31:",
                "mov {slot}, [{area} + 8]",
                "lea {word}, [rip + 39b]",
                "mov {room:e}, -1",
                "mov fs:[{slot}], {word}",
                "32:",
                "mov {slot}, [{area}]",
                "mov {slot:e}, fs:[{slot}]",
                "cmp {slot}, [{area} + 16]",
                "jae 35f",
                "shl {slot}, {shift}",
                "add {slot}, [{area} + 24]",
                "mov {word}, [{slot} + {at}]",
                "movzx {room:e}, {word:x}",
                "sub {room:e}, 1",
                "jb 35f",
                "mov {slot2}, {word}",
                "shr {slot2}, 16",
                "cmp {slot2}, {object}",
                "je 36f",
                "xor {word}, {key}",
                "mov [{object}], {word}",
                "mov {word}, {object}",
                "shl {word}, 16",
                "or {word}, {room:r}",
                "mov [{slot} + {at}], {word}",
                "33:",
                ".pushsection __rseq_failure, \"ax\"",
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "34:",
                "jmp 31b",
                "36:",
                "mov {room:e}, -1",
                "jmp 35f",
                ".popsection",
                "35:",
                area = in(reg) self,
                at = in(reg) at,
                object = in(reg) object,
                key = in(reg) key,
                shift = const SLOT_SHIFT,
                slot = out(reg) _,
                slot2 = out(reg) _,
                word = out(reg) _,
                room = out(reg) room,
                options(nostack),
            );
        }
        room >= 0
    }

    /// Stores `new` at byte `at` of this CPU's slot and returns what was there; `None` without a slot.
    ///
    /// # Safety
    /// As `pop`; `new` is a chain in the caller's hands (or empty).
    #[inline(never)]
    pub unsafe fn exchange(&self, at: usize, new: u64) -> Option<u64> {
        let (old, done): (u64, u32);
        // SAFETY: writes `rseq_cs` and the word; label 44 starts over.
        unsafe {
            asm!(
                ".pushsection __rseq_cs, \"aw\"",
                ".balign 32",
                "49:",
                ".long 0, 0",
                ".quad 42f, 43f - 42f, 44f",
                ".popsection",
                ".pushsection __rseq_cs_ptr_array, \"aw\"",
                ".quad 49b",
                ".popsection",
                "41:",
                "mov {slot}, [{area} + 8]",
                "lea {old}, [rip + 49b]",
                "xor {done:e}, {done:e}",
                "mov fs:[{slot}], {old}",
                "42:",
                "mov {slot}, [{area}]",
                "mov {slot:e}, fs:[{slot}]",
                "cmp {slot}, [{area} + 16]",
                "jae 45f",
                "shl {slot}, {shift}",
                "add {slot}, [{area} + 24]",
                "mov {done:e}, 1",
                "mov {old}, [{slot} + {at}]",
                "mov [{slot} + {at}], {new}",
                "43:",
                ".pushsection __rseq_failure, \"ax\"",
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "44:",
                "jmp 41b",
                ".popsection",
                "45:",
                area = in(reg) self,
                at = in(reg) at,
                new = in(reg) new,
                shift = const SLOT_SHIFT,
                slot = out(reg) _,
                old = out(reg) old,
                done = out(reg) done,
                options(nostack),
            );
        }
        (done != 0).then_some(old)
    }
}

/// `__rseq_offset` and `__rseq_size` of glibc, if it has them. They are read through the GOT because a weak `extern static` would
/// be taken for never null.
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
    // SAFETY: likewise.
    let size = unsafe { size.read() };
    Some((offset, size))
}

/// The thread's `cpu_id` field; negative iff the thread has no registered area.
fn registered_cpu(offset: isize) -> i32 {
    let cpu: i32;
    let field = offset + CPU_ID;
    // SAFETY: glibc says that its area lies at this offset in every thread's control block.
    unsafe { asm!("mov {0:e}, fs:[{1}]", out(reg) cpu, in(reg) field, options(nostack, preserves_flags, readonly)) };
    cpu
}
