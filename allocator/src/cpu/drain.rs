//! Draining the windows of every CPU, from outside.
//!
//! A window may be changed by its own CPU alone: whatever another does to it, a sequence there may just be about to commit. So nobody's
//! window is touched. There are two **banks** of rows; the sequences read which one to use (its base address) inside the sequence, as
//! they always did. Draining
//!
//! 1. points them to the other bank, whose windows are empty,
//! 2. has the kernel restart every sequence under way (`membarrier`): from then on none uses the first bank,
//! 3. empties the first bank at leisure.
//!
//! Nobody waits: a CPU that is at work finds its windows empty and refills them from the depot, where their magazines have gone. Both banks
//! hold valid windows at any instant, so a fork in between loses at most what the drainer had in its hands. Where the kernel refuses the
//! restart, windows are left to their CPUs.
//!
//! Behind locks (no restartable sequences) there is one bank, and a slot that is held now is left out.

use super::window::{Cpus, ROWS, SLOT_WORDS};
use crate::base::classes::{CLASSES, LINE, WINDOW_BYTES};
use crate::base::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::base::units::Class;
use crate::region::{Magazine, Table};
use crate::sys::rseq::DEAD_SLOTS;
use crate::sys::vm::Span;
use crate::sys::{Errno, syscall};

/// The two banks. Both are cut alike, so a row lies at the same distance from the first in either.
#[derive(Debug)]
pub(super) struct Banks {
    rows: [[Table<AtomicU64>; ROWS]; 2],
    /// The one in use.
    present: AtomicUsize,
    /// The row that the hit path uses, and where it lies in the first bank. Fixed at boot.
    first: AtomicUsize,
    origin: AtomicUsize,
    /// Bytes of a slot before its first window.
    lead: AtomicUsize,
}

impl Banks {
    pub(super) const fn new() -> Banks {
        Banks {
            rows: [const { [const { Table::new() }; ROWS] }; 2],
            present: AtomicUsize::new(0),
            first: AtomicUsize::new(0),
            origin: AtomicUsize::new(0),
            lead: AtomicUsize::new(0),
        }
    }

    pub(super) fn metadata_len(rows: usize, slots: usize) -> usize {
        2 * rows * Table::<AtomicU64>::bytes_for(words_of(slots))
    }

    /// The hit path is to use the row `first`. `own` is the place within its page of what the calling thread writes to before it looks at a
    /// window: processors take two addresses for one as long as they have compared but the place, so windows lie behind it where there is room.
    pub(super) fn settle(&self, metadata: Span, (rows, first): (usize, usize), slots: usize, own: usize) -> Span {
        self.lead.store(lead_behind(own), Ordering::Relaxed);
        let tables = self.rows.iter().flat_map(|bank| bank.iter().take(rows));
        let rest = tables.fold(metadata, |rest, row| row.settle(rest, words_of(slots)));
        self.first.store(first, Ordering::Relaxed);
        self.origin.store(self.rows[0][first].base(), Ordering::Relaxed);
        rest
    }

    /// The rows in use.
    #[inline(always)]
    pub(super) fn present(&self) -> &[Table<AtomicU64>; ROWS] {
        &self.rows[self.present.load(Ordering::Acquire) & 1]
    }

    /// Bytes from the row of the hit path to this one; wraps around.
    pub(super) fn distance(&self, row: usize) -> usize {
        self.rows[0][row].base().wrapping_sub(self.origin.load(Ordering::Relaxed))
    }

    /// Where the hit path finds its row of a bank: the first slot's windows.
    pub(super) fn begin(&self, bank: &[Table<AtomicU64>; ROWS]) -> usize {
        let first = bank[self.first.load(Ordering::Relaxed)].base() + DEAD_SLOTS * SLOT_WORDS * 8;
        first + self.lead.load(Ordering::Relaxed)
    }

    /// Makes so many slots of every row of a bank usable, and the dead ones.
    pub(super) fn commit(bank: &[Table<AtomicU64>; ROWS], rows: usize, slots: usize) -> Result<(), Errno> {
        bank.iter().take(rows).try_for_each(|row| row.extend_exactly(words_of(slots)))
    }

    /// A word of a class's window.
    pub(super) fn word<'a>(&self, row: &'a Table<AtomicU64>, slot: usize, class: Class, place: usize) -> &'a AtomicU64 {
        row.get((DEAD_SLOTS + slot) * SLOT_WORDS + ((self.lead.load(Ordering::Relaxed) + class.offset()) >> 3) + place)
    }

    pub(super) fn committed(&self) -> usize {
        self.rows.iter().flatten().map(Table::committed).sum()
    }
}

impl Cpus {
    /// Takes every magazine from every CPU's windows: row, slot, class. False if windows cannot be drained here. Called by one thread at a
    /// time. No lock is held while `each` runs, for it takes others: a signal handler that interrupted the holder of one of those may be waiting
    /// for a slot.
    pub fn drain(&self, mut each: impl FnMut(usize, usize, Class, Magazine)) -> bool {
        let rows = self.row_count.load(Ordering::Relaxed);
        for row in 0..rows {
            self.locked.drain(row, |slot, class, magazine| each(row, slot, class, magazine));
        }
        if self.hot.area.slots() == 0 {
            return true;
        }
        let Some(left) = self.change_banks() else { return false };
        for (row, table) in left.iter().take(rows).enumerate() {
            for slot in 0..self.used_slots() {
                self.drain_slot(table, slot, |class, magazine| each(row, slot, class, magazine));
            }
        }
        true
    }

    /// Points the sequences to the other bank; returns the one that nobody uses any more.
    fn change_banks(&self) -> Option<&[Table<AtomicU64>; ROWS]> {
        // Before anything depends on it: is it permitted?
        syscall::restart_sequences().ok()?;
        let (old, rows) = (self.banks.present.load(Ordering::Relaxed) & 1, self.row_count.load(Ordering::Relaxed));
        let next = &self.banks.rows[old ^ 1];
        Banks::commit(next, rows, self.hot.area.slots()).ok()?;
        self.banks.present.store(old ^ 1, Ordering::Release);
        self.hot.area.place(self.banks.begin(next), self.hot.area.secret());
        syscall::restart_sequences().ok()?;
        Some(&self.banks.rows[old])
    }

    /// In a forked child: whoever changed banks may have been half way.
    pub(super) fn settle_banks(&self) {
        if self.row_count.load(Ordering::Relaxed) > 0 {
            self.hot.area.place(self.banks.begin(self.banks.present()), self.hot.area.secret());
        }
    }

    fn drain_slot(&self, row: &Table<AtomicU64>, slot: usize, mut each: impl FnMut(Class, Magazine)) {
        for class in Class::all() {
            let word = |place: usize| self.banks.word(row, slot, class, place);
            // Acquire: the links that the CPU wrote are seen with the head.
            let (head, room) = (word(0).swap(0, Ordering::Acquire), word(1).swap(0, Ordering::Relaxed));
            let window = Magazine::from_window(head, room);
            let previous = Magazine::from_word(word(2).swap(0, Ordering::Acquire));
            [window, previous]
                .into_iter()
                .filter(|magazine| !magazine.is_empty())
                .for_each(|magazine| each(class, magazine));
        }
    }
}

/// Words of a row of so many slots, with the dead ones before them.
fn words_of(slots: usize) -> usize {
    (DEAD_SLOTS + slots) * SLOT_WORDS
}

fn lead_behind(own: usize) -> usize {
    let behind = own.next_multiple_of(LINE);
    if behind + CLASSES * WINDOW_BYTES <= SLOT_WORDS * 8 { behind } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_behind_what_is_written_before_them_where_there_is_room() {
        let (windows, slot) = (CLASSES * WINDOW_BYTES, SLOT_WORDS * 8);
        for own in (0..slot).step_by(8) {
            let lead = lead_behind(own);
            assert!(lead.is_multiple_of(LINE) && lead + windows <= slot, "{own} {lead}");
            assert!(lead >= own || own + windows > slot - LINE, "{own} {lead}");
        }
        assert!([lead_behind(0), lead_behind(0x70)] == [0, 0x80]);
    }
}
