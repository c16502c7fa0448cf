//! The windows where restartable sequences are missing (no glibc area, refused by a sandbox, switched off, under valgrind): the same words, in slots
//! of their own, each behind a latch, which is tried and never waited for. The slot to begin with is a hint: a thread that finds it taken uses the next.
//! All of this memory is committed when a thread first needs it.

use super::window::Place;
use crate::base::classes::CLASSES;
use crate::base::sync::{AtomicU64, Ordering};
use crate::base::units::Class;
use crate::region::{Links, Magazine, Object, Table};
use crate::sys::latch::{Held, Latch};
use crate::sys::lock::Lock;
use crate::sys::thread;
use crate::sys::vm::Span;
use crossbeam_utils::CachePadded;

const SLOTS: usize = 64;
/// A multiple of whole cache lines.
const SLOT_WORDS: usize = (CLASSES * 2).next_multiple_of(16);
const ROW_WORDS: usize = SLOTS * SLOT_WORDS;
/// Slots tried before a thread goes without a window.
const TRIES: usize = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct LockedWindows {
    latches: Table<Own>,
    /// Row after row, as far as rows were used.
    words: Table<AtomicU64>,
    growth: Lock<()>,
}

/// A slot's latch. Padded, because each CPU takes its own at every call.
type Own = CachePadded<Latch>;

impl LockedWindows {
    pub(super) const fn new() -> LockedWindows {
        LockedWindows { latches: Table::new(), words: Table::new(), growth: Lock::new(()) }
    }

    pub(super) fn metadata_len(rows: usize) -> usize {
        Table::<Own>::bytes_for(SLOTS) + Table::<AtomicU64>::bytes_for(rows * ROW_WORDS)
    }

    pub(super) fn settle(&self, metadata: Span, rows: usize) -> Span {
        self.words.settle(self.latches.settle(metadata, SLOTS), rows * ROW_WORDS)
    }

    pub(super) fn metadata_committed(&self) -> usize {
        self.latches.committed() + self.words.committed()
    }

    /// A hit in the first row, in the first slot that the thread tries. Returns `None` if that has no round or is not free now, or if the link needs a
    /// closer look.
    #[inline(always)]
    pub(super) fn hit_pop(&self, class: Class, links: impl FnOnce() -> Links) -> Option<Object> {
        let (word, _held) = self.first_window(class)?;
        let mut magazine = Magazine::from_word(word.load(Ordering::Relaxed));
        let object = magazine.pop_sound(links(), class)?;
        word.store(magazine.into_word(), Ordering::Relaxed);
        Some(object)
    }

    /// The same way back.
    #[inline(always)]
    pub(super) fn hit_push(&self, class: Class, object: Object, links: Links) -> Result<(), Object> {
        let Some((word, _held)) = self.first_window(class) else { return Err(object) };
        push_to(word, object, links)
    }

    #[inline(always)]
    fn first_window(&self, class: Class) -> Option<(&AtomicU64, Held<'_>)> {
        let slot = thread::slot_hint() % SLOTS;
        let held = self.latches.at(slot)?.hold()?;
        Some((self.words.at(slot * SLOT_WORDS + class.index() * 2)?, held))
    }

    /// `links` is asked once the slot is held: what lies in it may lead to where the region did not reach before.
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
        push_to(self.word(row, slot, class, Place::Window), object, links)
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
        if !self.has(row) {
            return;
        }
        for slot in 0..SLOTS {
            for place in [Place::Window, Place::Previous] {
                each(self.word(row, slot, class, place).load(Ordering::Relaxed));
            }
        }
    }

    /// Takes every magazine of a row, except from slots that are held now.
    pub(super) fn drain(&self, row: usize, mut each: impl FnMut(usize, Class, Magazine)) {
        if !self.has(row) {
            return;
        }
        for slot in 0..SLOTS {
            let Some(_held) = self.latches.get(slot).hold() else { continue };
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
        self.latches.range(0..self.latches.len()).iter().for_each(|latch| latch.rebuild());
    }

    fn word(&self, row: usize, slot: usize, class: Class, place: Place) -> &AtomicU64 {
        self.words.get(row * ROW_WORDS + slot * SLOT_WORDS + class.index() * 2 + place as usize)
    }

    fn has(&self, row: usize) -> bool {
        self.words.len() >= (row + 1) * ROW_WORDS
    }

    /// Returns a slot that is this thread's until the guard is dropped.
    fn slot(&self, row: usize) -> Option<(usize, Held<'_>)> {
        if !self.has(row) {
            self.open(row)?;
        }
        let first = thread::slot_hint();
        tried_from(first).find_map(|slot| Some((slot, self.latches.get(slot).hold()?)))
    }

    /// Makes a row usable. Nobody waits for the lock: a thread that finds it taken goes without a window.
    fn open(&self, row: usize) -> Option<()> {
        let _growing = self.growth.try_lock()?;
        self.latches.extend_to(SLOTS).ok()?;
        self.words.extend_to((row + 1) * ROW_WORDS).ok()
    }
}

/// Pushes to the magazine in a word whose slot is held.
#[inline(always)]
fn push_to(word: &AtomicU64, object: Object, links: Links) -> Result<(), Object> {
    let mut magazine = Magazine::from_word(word.load(Ordering::Relaxed));
    magazine.push(links, object)?;
    word.store(magazine.into_word(), Ordering::Release);
    Ok(())
}

/// The slots that a thread tries whose hint is `first`, which may be any CPU's number.
fn tried_from(first: usize) -> impl Iterator<Item = usize> {
    (0..TRIES).map(move |try_| (first + try_) % SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_cpus_than_slots_share_them() {
        assert!((0..10_000).flat_map(tried_from).all(|slot| slot < SLOTS));
    }
}
