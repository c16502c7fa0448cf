//! The windows by restartable sequences.
#![allow(unsafe_code, reason = "the sequences work on the windows' memory")]

use super::locked::LockedWindows;
use crate::base::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::base::units::Class;
use crate::region::{Links, Magazine, Object, Table, broken_link, follows};
use crate::stats::Mode;
use crate::sys::Errno;
use crate::sys::lock::Lock;
use crate::sys::rseq::{Area, Index, SLOT_SHIFT};
use crate::sys::topology::MAX_NODES;
use crate::sys::vm::Span;

/// One row per node, and one for the spare arena.
pub const ROWS: usize = MAX_NODES + 1;
const SLOT_WORDS: usize = 1 << (SLOT_SHIFT - 3);
const CLASS_SHIFT: u32 = 4;

/// Which of a class's two magazines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one in use.
    Window = 0,
    /// The one before.
    Previous = 1,
}

/// See the module's head. All zero has no slot: every pop and push answers none.
#[derive(Debug)]
pub struct Cpus {
    area: Area,
    rows: [Table<AtomicU64>; ROWS],
    row_count: AtomicUsize,
    max_slots: AtomicUsize,
    growth: Lock<()>,
    locked: LockedWindows,
    mode: AtomicUsize,
}

impl Cpus {
    /// Without slots.
    pub const fn new() -> Cpus {
        Cpus {
            area: Area::new(),
            rows: [const { Table::new() }; ROWS],
            row_count: AtomicUsize::new(0),
            max_slots: AtomicUsize::new(0),
            growth: Lock::new(()),
            locked: LockedWindows::new(),
            mode: AtomicUsize::new(0),
        }
    }
}

const MODES: [Mode; 5] = [
    Mode::Fallback("not started"),
    Mode::RseqCid,
    Mode::RseqCpu,
    Mode::Fallback("this libc registers no rseq area"),
    Mode::Fallback("rseq is switched off or refused in this process"),
];
const SWITCHED_OFF: Mode = Mode::Fallback("percpu:locked was asked for");

impl Cpus {
    /// Metadata bytes to reserve for `rows` rows of `slots` slots.
    pub fn metadata_len(rows: usize, slots: usize) -> usize {
        rows * Table::<AtomicU64>::bytes_for(slots * SLOT_WORDS) + LockedWindows::metadata_len(rows)
    }

    /// Cuts room for `rows` rows of `slots` slots from `metadata` and finds out how windows are reached; returns the rest.
    pub fn settle(&self, metadata: Span, rows: usize, slots: usize, secret: u64, locked_only: bool) -> Span {
        let rest = self.rows.iter().take(rows).fold(metadata, |rest, row| row.settle(rest, slots * SLOT_WORDS));
        self.row_count.store(rows, Ordering::Relaxed);
        self.area.place(self.rows[0].base(), secret);
        let mode = match self.area.find() {
            _ if locked_only => MODES.len(),
            Ok(Index::Cid) => 1,
            Ok(Index::Cpu) => 2,
            Err(reason) => MODES.iter().position(|mode| *mode == Mode::Fallback(reason)).unwrap_or(0),
        };
        self.mode.store(mode, Ordering::Relaxed);
        self.max_slots.store(if mode == 1 || mode == 2 { slots } else { 0 }, Ordering::Relaxed);
        self.locked.settle(rest, rows)
    }

    /// How windows are reached.
    pub fn mode(&self) -> Mode {
        MODES.get(self.mode.load(Ordering::Relaxed)).copied().unwrap_or(SWITCHED_OFF)
    }

    /// Metadata bytes committed.
    pub fn metadata_committed(&self) -> usize {
        self.rows.iter().map(Table::committed).sum::<usize>() + self.locked.metadata_committed()
    }

    /// How links are encoded.
    #[inline(always)]
    pub fn links(&self) -> Links {
        Links { secret: self.area.secret() }
    }

    #[inline(always)]
    fn at(&self, row: usize, class: Class) -> usize {
        // Row 0 is the single node's: its distance is 0 whatever the table says, so the hit path does not ask.
        let distance = if row == 0 { 0 } else { self.rows[row].base() - self.rows[0].base() };
        distance + (class.index() << CLASS_SHIFT)
    }

    /// Pops a round of `class` from this CPU's window, wiped and ready for the program.
    #[inline(always)]
    pub fn pop(&self, row: usize, class: Class) -> Option<Object> {
        // SAFETY: `settle` placed the area; rows, classes and magazines are as the module's invariant says.
        let popped = unsafe { self.area.pop(self.at(row, class)) };
        if popped.object == 0 {
            return None;
        }
        if !follows(popped.word, popped.link) {
            broken_link(popped.object, class);
        }
        let object = Object::mint(popped.object);
        self.links().wipe(&object);
        Some(object)
    }

    /// Pushes a free object on this CPU's window; gives it back if there is no room.
    #[inline(always)]
    pub fn push(&self, row: usize, class: Class, object: Object) -> Result<(), Object> {
        let key = self.links().key(object.address());
        // SAFETY: as in `pop`; the token says that the object is free and ours.
        if unsafe { self.area.push(self.at(row, class), object.address(), key) } { Ok(()) } else { Err(object) }
    }

    /// Puts `magazine` in place of a class's window or previous one and returns what was there; gives it back if this thread has no
    /// slot.
    pub fn exchange(&self, row: usize, class: Class, place: Place, magazine: Magazine) -> Result<Magazine, Magazine> {
        let at = self.at(row, class) + place as usize * size_of::<u64>();
        let word = magazine.into_word();
        // SAFETY: as in `pop`; the magazine's token ends here and the one found is made a token.
        match unsafe { self.area.exchange(at, word) } {
            Some(old) => Ok(Magazine::from_word(old)),
            None if self.is_locked_only() => self.locked.exchange(row, class, place, Magazine::from_word(word)),
            None => Err(Magazine::from_word(word)),
        }
    }

    /// Pop where the sequences are missing.
    pub fn pop_locked(&self, row: usize, class: Class) -> Option<Object> {
        self.locked.pop(row, class, self.links())
    }

    /// Push where the sequences are missing.
    pub fn push_locked(&self, row: usize, class: Class, object: Object) -> Result<(), Object> {
        self.locked.push(row, class, object, self.links())
    }

    /// Makes the magazine the window; what was there becomes the previous one; returns the one before, for the depot.
    pub fn install(&self, row: usize, class: Class, magazine: Magazine) -> Option<Magazine> {
        let old = match self.exchange(row, class, Place::Window, magazine) {
            Ok(old) if old.is_empty() => return None,
            Ok(old) => old,
            Err(magazine) => return Some(magazine),
        };
        let (Ok(before) | Err(before)) = self.exchange(row, class, Place::Previous, old);
        (!before.is_empty()).then_some(before)
    }

    /// Takes a class's magazine from its place, if it holds a round.
    pub fn take(&self, row: usize, class: Class, place: Place) -> Option<Magazine> {
        self.exchange(row, class, place, Magazine::empty(class)).ok().filter(|magazine| !magazine.is_empty())
    }

    /// Whether this thread will never have a slot: there are none, or its CPU number is beyond them.
    fn is_locked_only(&self) -> bool {
        self.area.present_index() >= self.max_slots.load(Ordering::Relaxed)
    }

    /// Whether the sequences reach a slot for this thread now (a hint; the sequences check for themselves).
    pub fn has_slot(&self) -> bool {
        self.area.present_index() < self.area.slots()
    }

    /// Commits the slot of a CPU number that was not seen before, in every row.
    pub fn admit(&self) {
        let most = self.max_slots.load(Ordering::Relaxed);
        let have = self.area.slots();
        if have == most {
            return;
        }
        let index = self.area.present_index();
        if index < have || index >= most {
            return;
        }
        let wanted = (index + 1).next_power_of_two().clamp(2, most);
        let Ok(_growing) = self.growth.lock() else { return };
        if wanted > self.area.slots() && self.commit(wanted).is_ok() {
            self.area.set_slots(wanted);
        }
    }

    fn commit(&self, slots: usize) -> Result<(), Errno> {
        let rows = self.row_count.load(Ordering::Relaxed);
        self.rows.iter().take(rows).try_for_each(|row| row.extend_exactly(slots * SLOT_WORDS))
    }

    /// Calls `each` with every word of a class: a snapshot that is not of one instant.
    pub fn words(&self, row: usize, class: Class, mut each: impl FnMut(u64)) {
        let slots = self.area.slots();
        for slot in 0..slots {
            for place in [Place::Window, Place::Previous] {
                let index = slot * SLOT_WORDS + (class.index() << 1) + place as usize;
                each(self.rows[row].get(index).load(Ordering::Relaxed));
            }
        }
        self.locked.words(row, class, each);
    }

    /// In a forked child: makes free the locks of threads that no longer exist. What they guard is always whole.
    pub fn rebuild(&self) {
        drop(self.growth.inherit());
        self.locked.rebuild();
    }
}
