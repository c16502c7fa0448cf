//! The windows where restartable sequences are missing (no glibc area, refused by a sandbox, switched off, under valgrind): the same
//! words, in slots of their own, each behind a lock that is tried and never waited for. The slot begun with is a hint: whoever finds
//! it taken uses the next.

use super::window::{Place, ROWS};
use crate::base::classes::CLASSES;
use crate::base::sync::{AtomicU64, Ordering};
use crate::base::units::Class;
use crate::region::{Links, Magazine, Object, Table};
use crate::sys::lock::{Guard, Lock};
use crate::sys::thread;
use crate::sys::vm::Span;
use crossbeam_utils::CachePadded;

const SLOTS: usize = 64;
/// Whole cache lines.
const SLOT_WORDS: usize = (CLASSES * 2).next_multiple_of(16);
/// Slots tried before a thread goes without a window.
const TRIES: usize = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct LockedWindows {
    /// Padded: each CPU takes its own at every call.
    locks: [CachePadded<Lock<()>>; SLOTS],
    rows: [Table<AtomicU64>; ROWS],
    growth: Lock<()>,
}

impl LockedWindows {
    pub(super) const fn new() -> LockedWindows {
        LockedWindows {
            locks: [const { CachePadded::new(Lock::new(())) }; SLOTS],
            rows: [const { Table::new() }; ROWS],
            growth: Lock::new(()),
        }
    }
}

impl LockedWindows {
    pub(super) fn metadata_len(rows: usize) -> usize {
        rows * Table::<AtomicU64>::bytes_for(SLOTS * SLOT_WORDS)
    }

    pub(super) fn settle(&self, metadata: Span, rows: usize) -> Span {
        self.rows.iter().take(rows).fold(metadata, |rest, row| row.settle(rest, SLOTS * SLOT_WORDS))
    }

    pub(super) fn metadata_committed(&self) -> usize {
        self.rows.iter().map(Table::committed).sum()
    }

    /// `links` is asked once the slot is held: what lies in it may lead to where the region had not reached before.
    pub(super) fn pop(&self, row: usize, class: Class, links: impl FnOnce() -> Links) -> Option<Object> {
        let (slot, _held) = self.slot(row)?;
        let word = self.word(row, slot, class, Place::Window);
        let mut magazine = Magazine::from_word(word.load(Ordering::Relaxed));
        let object = magazine.pop(links(), class)?;
        word.store(magazine.into_word(), Ordering::Relaxed);
        Some(object)
    }

    pub(super) fn push(&self, row: usize, class: Class, object: Object, links: Links) -> Result<(), Object> {
        let Some((slot, _held)) = self.slot(row) else { return Err(object) };
        let word = self.word(row, slot, class, Place::Window);
        let mut magazine = Magazine::from_word(word.load(Ordering::Relaxed));
        magazine.push(links, object)?;
        word.store(magazine.into_word(), Ordering::Release);
        Ok(())
    }

    pub(super) fn exchange(
        &self,
        row: usize,
        class: Class,
        place: Place,
        magazine: Magazine,
    ) -> Result<Magazine, Magazine> {
        let Some((slot, _held)) = self.slot(row) else { return Err(magazine) };
        let old = self.word(row, slot, class, place).swap(magazine.into_word(), Ordering::AcqRel);
        Ok(Magazine::from_word(old))
    }

    pub(super) fn words(&self, row: usize, class: Class, mut each: impl FnMut(u64)) {
        if self.rows[row].is_empty() {
            return;
        }
        for slot in 0..SLOTS {
            for place in [Place::Window, Place::Previous] {
                each(self.word(row, slot, class, place).load(Ordering::Relaxed));
            }
        }
    }

    /// Takes every magazine of a row, but for the slots that are held now.
    pub(super) fn drain(&self, row: usize, mut each: impl FnMut(usize, Class, Magazine)) {
        if self.rows[row].is_empty() {
            return;
        }
        for (slot, lock) in self.locks.iter().enumerate() {
            let Some(_held) = lock.try_lock() else { continue };
            for (class, place) in Class::all().flat_map(|class| [(class, Place::Window), (class, Place::Previous)]) {
                let word = self.word(row, slot, class, place).swap(0, Ordering::AcqRel);
                let magazine = Magazine::from_word(word);
                if !magazine.is_empty() {
                    each(slot, class, magazine);
                }
            }
        }
    }

    pub(super) fn rebuild(&self) {
        drop(self.growth.inherit());
        for lock in &self.locks {
            drop(lock.inherit());
        }
    }

    fn word(&self, row: usize, slot: usize, class: Class, place: Place) -> &AtomicU64 {
        self.rows[row].get(slot * SLOT_WORDS + class.index() * 2 + place as usize)
    }

    /// A slot that is this thread's until the guard goes.
    fn slot(&self, row: usize) -> Option<(usize, Guard<'_, ()>)> {
        if self.rows[row].is_empty() {
            self.open(row)?;
        }
        let first = thread::slot_hint();
        (0..TRIES).map(|try_| (first + try_) % SLOTS).find_map(|slot| Some((slot, self.locks[slot].try_lock()?)))
    }

    fn open(&self, row: usize) -> Option<()> {
        let _growing = self.growth.lock().ok()?;
        self.rows[row].extend_to(SLOTS * SLOT_WORDS).ok()
    }
}
