//! Draining the windows of every CPU, from outside.
//!
//! A window may only be changed by its own CPU: whatever another CPU does to it, a sequence there may be just about to commit. So draining touches
//! nobody's window. There are two **banks** of rows, and the sequences read inside the sequence which one to use (its base address). Draining
//!
//! 1. points them to the other bank, whose windows are empty,
//! 2. has the kernel restart every sequence under way (`membarrier`): from then on none uses the first bank,
//! 3. empties the first bank at leisure.
//!
//! Nobody waits: a CPU that is at work finds its windows empty and refills them from the depot, where their magazines have gone. Both banks hold
//! valid windows at any instant, so a fork in between loses at most what the drainer had in its hands. Where the kernel refuses the restart, windows
//! are left to their CPUs.
//!
//! Behind locks (without restartable sequences) there is one bank, and a slot whose lock is held at the moment is left out.

use super::window::{Cpus, SLOT_WORDS};
use crate::base::classes::{CLASSES, LINE, WINDOW_BYTES};
use crate::base::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::base::units::Class;
use crate::region::{Magazine, Table};
use crate::sys::rseq::DEAD_SLOTS;
use crate::sys::vm::Span;
use crate::sys::{Errno, syscall};

/// The two banks. Both are laid out alike, so a row lies at the same distance from the first one in either.
#[derive(Debug)]
pub(super) struct Banks {
    /// Row after row.
    words: [Table<AtomicU64>; 2],
    /// The index of the one in use.
    present: AtomicUsize,
    /// Bytes of a row, and the row that the hit path uses. Fixed at boot.
    row_len: AtomicUsize,
    first: AtomicUsize,
    /// Bytes of a slot before its first window.
    lead: AtomicUsize,
}

impl Banks {
    pub(super) const fn new() -> Banks {
        Banks {
            words: [const { Table::new() }; 2],
            present: AtomicUsize::new(0),
            row_len: AtomicUsize::new(0),
            first: AtomicUsize::new(0),
            lead: AtomicUsize::new(0),
        }
    }

    pub(super) fn metadata_len(rows: usize, slots: usize) -> usize {
        2 * Table::<AtomicU64>::bytes_for(rows * words_of(slots))
    }

    /// Makes `first` the row that the hit path uses. `own` is the place, within its page, of what the calling thread writes to before it looks at a
    /// window: processors take two addresses for the same as long as they have only compared that place, so windows lie behind it where there is
    /// room.
    pub(super) fn settle(&self, metadata: Span, (rows, first): (usize, usize), slots: usize, own: usize) -> Span {
        self.lead.store(lead_behind(own), Ordering::Relaxed);
        self.row_len.store(words_of(slots) * 8, Ordering::Relaxed);
        self.first.store(first, Ordering::Relaxed);
        self.words.iter().fold(metadata, |rest, bank| bank.settle(rest, rows * words_of(slots)))
    }

    /// Returns the one in use.
    #[inline(always)]
    pub(super) fn present(&self) -> &Table<AtomicU64> {
        &self.words[self.present.load(Ordering::Acquire) & 1]
    }

    /// Returns the number of bytes from the hit path's row to this one; wraps around.
    pub(super) fn distance(&self, row: usize) -> usize {
        row.wrapping_sub(self.first.load(Ordering::Relaxed)).wrapping_mul(self.row_len.load(Ordering::Relaxed))
    }

    /// Returns where the hit path finds its row of a bank: the first slot's windows.
    pub(super) fn begin(&self, bank: &Table<AtomicU64>) -> usize {
        let row = bank.base() + self.first.load(Ordering::Relaxed) * self.row_len.load(Ordering::Relaxed);
        row + DEAD_SLOTS * SLOT_WORDS * 8 + self.lead.load(Ordering::Relaxed)
    }

    /// Makes every slot of the first `rows` rows of a bank usable, including the dead ones.
    pub(super) fn commit(&self, bank: &Table<AtomicU64>, rows: usize) -> Result<(), Errno> {
        bank.extend_exactly(rows * self.row_len.load(Ordering::Relaxed) / 8)
    }

    /// Writes to a slot of the hit path's row that nobody uses yet.
    pub(super) fn touch(&self, bank: &Table<AtomicU64>, slot: usize) {
        let row = self.first.load(Ordering::Relaxed);
        self.word(bank, (row, slot), Class::at_offset(0), 0).store(0, Ordering::Relaxed);
    }

    /// Returns a word of a class's window.
    pub(super) fn word<'a>(
        &self,
        bank: &'a Table<AtomicU64>,
        (row, slot): (usize, usize),
        class: Class,
        place: usize,
    ) -> &'a AtomicU64 {
        let window = (DEAD_SLOTS + slot) * SLOT_WORDS * 8 + self.lead.load(Ordering::Relaxed) + class.offset();
        bank.get((row * self.row_len.load(Ordering::Relaxed) + window) / 8 + place)
    }

    pub(super) fn committed(&self) -> usize {
        self.words.iter().map(Table::committed).sum()
    }
}

impl Cpus {
    /// Takes every magazine from every CPU's windows and passes it to `each` with its row, slot and class. Returns false if windows cannot be drained
    /// here. Called by one thread at a time. While `each` runs, no lock is held except a slot's, for which nobody waits: `each` takes other locks,
    /// and a signal handler that interrupted the holder of one of those may come to the slot.
    pub fn drain(&self, mut each: impl FnMut(usize, usize, Class, Magazine)) -> bool {
        let rows = self.row_count.load(Ordering::Relaxed);
        for row in 0..rows {
            self.locked.drain(row, |slot, class, magazine| each(row, slot, class, magazine));
        }
        if self.hot.area.slots() == 0 {
            return true;
        }
        let Some(left) = self.change_banks() else { return false };
        for (row, slot) in (0..rows).flat_map(|row| (0..self.used_slots()).map(move |slot| (row, slot))) {
            self.drain_slot(left, (row, slot), |class, magazine| each(row, slot, class, magazine));
        }
        true
    }

    /// Switches the sequences to the other bank; returns the one that nobody uses any more.
    fn change_banks(&self) -> Option<&Table<AtomicU64>> {
        // Whether this is permitted must be known before anything depends on it.
        syscall::restart_sequences().ok()?;
        let (old, rows) = (self.banks.present.load(Ordering::Relaxed) & 1, self.row_count.load(Ordering::Relaxed));
        let next = &self.banks.words[old ^ 1];
        self.banks.commit(next, rows).ok()?;
        self.banks.present.store(old ^ 1, Ordering::Release);
        self.hot.area.place(self.banks.begin(next), self.hot.area.secret());
        syscall::restart_sequences().ok()?;
        Some(&self.banks.words[old])
    }

    /// In a forked child: a thread that no longer exists may have been half way through changing banks.
    pub(super) fn settle_banks(&self) {
        if self.row_count.load(Ordering::Relaxed) > 0 {
            self.hot.area.place(self.banks.begin(self.banks.present()), self.hot.area.secret());
        }
    }

    fn drain_slot(&self, bank: &Table<AtomicU64>, at: (usize, usize), mut each: impl FnMut(Class, Magazine)) {
        for class in Class::all() {
            let word = |place: usize| self.banks.word(bank, at, class, place);
            // What nobody has used is only read, so that it does not become a page of its own. Acquire: the links that the CPU wrote are seen with
            // the head.
            let take = |place| {
                if word(place).load(Ordering::Relaxed) == 0 { 0 } else { word(place).swap(0, Ordering::Acquire) }
            };
            let window = Magazine::from_window(take(0), take(1));
            let previous = Magazine::from_word(take(2));
            [window, previous]
                .into_iter()
                .filter(|magazine| !magazine.is_empty())
                .for_each(|magazine| each(class, magazine));
        }
    }
}

/// Words of a row of so many slots, including the dead ones before them.
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
