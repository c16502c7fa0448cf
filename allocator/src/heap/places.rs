//! The table in which huge objects are known by their addresses: a hash table.
//!
//! It has a fixed slot for each of the mappings that a process may have at most (65,536), in metadata memory that is committed when the
//! first huge object comes. A slot's address word is 0 if the slot was never used, 1 if it was deleted, 2 if it is taken for an object that
//! is on its way, and else the object's address; an address is in the table iff the object is live. Beside it lies the length, a multiple
//! of a page, whose low bits hold a **mark** that belongs to the heap.
//!
//! Slots are filled and emptied under one lock with signals blocked, so no handler can find the lock held by its own thread; huge objects
//! cost system calls anyway. A thread that looks up its own object needs neither. The address leaves the table before the mapping goes or
//! moves, so a new mapping at the same address never meets the old entry. An object that is being resized, or made of a run's pages, has a
//! [`Place`] meanwhile. That place is given up under the same hold of the lock under which a slot is found for the object. So there always
//! is one, wherever the object was moved, because the search for any address visits every slot.
//!
//! Fork: an entry is written length first, address last; nothing needs rebuilding but the lock and the counts. A place that another thread
//! of the parent had taken is lost to the child.
#![allow(unsafe_code, reason = "tokens of mappings kept as numbers")]

use crate::base::sync::{AtomicUsize, Gauge, Ordering};
use crate::base::units::PAGE;
use crate::region::{Table, Zeroed};
use crate::sys::die::die;
use crate::sys::lock::{Guard, Lock};
use crate::sys::thread::SignalsBlocked;
use crate::sys::vm::Span;
use core::ops::Range;

const SLOTS: usize = 1 << 16;
const DELETED: usize = 1;
const TAKEN: usize = 2;
/// The bits of a slot's length that hold the mark.
const MARK: usize = PAGE - 1;

#[derive(Debug)]
struct Slot {
    address: AtomicUsize,
    len: AtomicUsize,
}

// SAFETY: atomics are plain numbers.
unsafe impl Zeroed for Slot {}

impl Slot {
    fn is_vacant(&self) -> bool {
        self.address.load(Ordering::Relaxed) <= DELETED
    }

    fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed) & !MARK
    }

    fn mark(&self) -> usize {
        self.len.load(Ordering::Relaxed) & MARK
    }

    /// The addresses of the slot's object, if it has one.
    fn object(&self) -> Option<Range<usize>> {
        let start = self.address.load(Ordering::Relaxed);
        (start > TAKEN).then(|| start..start + self.len())
    }
}

/// A place taken for an object that is on its way. It belongs to its holder until it is given up.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a Slot);

impl Place<'_> {
    /// Gives the place up: no object comes.
    pub(super) fn give_up(self) {
        self.0.address.store(DELETED, Ordering::Release);
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Places {
    slots: Table<Slot>,
    lock: Lock<()>,
    bytes: Gauge,
    count: Gauge,
}

impl Places {
    pub(super) const fn new() -> Places {
        Places { slots: Table::new(), lock: Lock::new(()), bytes: Gauge::new(), count: Gauge::new() }
    }

    pub(super) fn metadata_len() -> usize {
        Table::<Slot>::bytes_for(SLOTS)
    }

    pub(super) fn settle(&self, metadata: Span) -> Span {
        self.slots.settle(metadata, SLOTS)
    }

    pub(super) fn metadata_committed(&self) -> usize {
        self.slots.committed()
    }

    /// Bytes and number of objects.
    pub(super) fn in_use(&self) -> (u64, u64) {
        (self.bytes.get(), self.count.get())
    }

    /// Takes the lock, for no longer than signals are blocked.
    fn hold<'a>(&'a self, _signals: &'a SignalsBlocked) -> Option<Guard<'a, ()>> {
        self.lock.lock().ok()
    }

    /// Returns whether the table has memory, and room unless others come first.
    pub(super) fn has_room(&self) -> bool {
        let is_ready = self.hold(&SignalsBlocked::new()).is_some_and(|_held| self.slots.extend_to(SLOTS).is_ok());
        is_ready && self.count.get() < SLOTS as u64
    }

    /// Takes a place for an object at `address`. Returns `None` if there is none.
    pub(super) fn take(&self, signals: &SignalsBlocked, address: usize) -> Option<Place<'_>> {
        let held = self.hold(signals)?;
        let slot = self.vacant(&held, address)?;
        slot.address.store(TAKEN, Ordering::Release);
        Some(Place(slot))
    }

    /// Finds a vacant slot for an object at `address`. Returns `None` if there is none.
    fn vacant(&self, _held: &Guard<'_, ()>, address: usize) -> Option<&Slot> {
        self.slots.extend_to(SLOTS).ok()?;
        self.probe(address).find(|slot| slot.is_vacant())
    }

    /// Makes a mapping an object with a mark; a place may have been `taken` for it already. Returns the mapping if there is no slot.
    pub(super) fn enter(
        &self,
        signals: &SignalsBlocked,
        span: Span,
        mark: usize,
        taken: Option<Place<'_>>,
    ) -> Result<*mut u8, Span> {
        let Some(held) = self.hold(signals) else { return Err(span) };
        if let Some(place) = taken {
            place.give_up();
        }
        let Some(slot) = self.vacant(&held, span.base()) else { return Err(span) };
        let (address, len) = span.into_raw();
        self.bytes.add(len as u64);
        self.count.add(1);
        slot.len.store(len | mark, Ordering::Relaxed);
        slot.address.store(address, Ordering::Release);
        Ok(address as *mut u8)
    }

    /// As [`Places::enter`] where a place is taken, so that there certainly is a slot.
    pub(super) fn enter_surely(&self, signals: &SignalsBlocked, span: Span, mark: usize, taken: Place<'_>) -> *mut u8 {
        self.enter(signals, span, mark, Some(taken))
            .unwrap_or_else(|span| die(format_args!("internal: no place for the huge object at {:#x}", span.base())))
    }

    /// Removes the object at `address` from the table; returns its mapping and its mark.
    pub(super) fn remove(&self, signals: &SignalsBlocked, address: usize) -> Option<(Span, usize)> {
        let (span, mark, place) = self.remove_for_now(signals, address)?;
        place.give_up();
        Some((span, mark))
    }

    /// As [`Places::remove`] for an object that comes back: returns its place too, which stays taken.
    pub(super) fn remove_for_now(&self, signals: &SignalsBlocked, address: usize) -> Option<(Span, usize, Place<'_>)> {
        let _held = self.hold(signals)?;
        let slot = self.find(address)?;
        let (len, mark) = (slot.len(), slot.mark());
        slot.address.store(TAKEN, Ordering::Release);
        self.bytes.sub(len as u64);
        self.count.sub(1);
        // SAFETY: the address and length are those of a token that `enter` took apart. The slot held them, and under the lock, which is
        // held here, it just gave them up, so no other token is made of them.
        Some((unsafe { Span::from_raw(address, len) }, mark, Place(slot)))
    }

    /// The length in bytes of the object at `address`, for a caller that holds the object: other objects come and go, but its slot stays as
    /// it is.
    pub(super) fn len_of(&self, address: usize) -> Option<usize> {
        self.find(address).map(Slot::len)
    }

    /// Start and length of the object around `address`. For messages only: walks the whole table.
    pub(super) fn around(&self, address: usize) -> Option<(usize, usize)> {
        let signals = SignalsBlocked::new();
        let _held = self.hold(&signals)?;
        let mut objects = (0..self.len()).filter_map(|index| self.slots.get(index).object());
        objects.find(|object| object.contains(&address)).map(|object| (object.start, object.len()))
    }

    /// Number of places in which an object may be known.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The addresses of the object known at a place, if there is one. It may be freed as soon as this returns.
    pub(super) fn object_at(&self, place: usize) -> Option<Range<usize>> {
        let slot = self.slots.get(place);
        slot.object()?;
        let signals = SignalsBlocked::new();
        let _held = self.hold(&signals)?;
        slot.object()
    }

    fn find(&self, address: usize) -> Option<&Slot> {
        if self.slots.is_empty() || address <= TAKEN {
            return None;
        }
        self.probe(address)
            .take_while(|slot| slot.address.load(Ordering::Relaxed) != 0)
            .find(|slot| slot.address.load(Ordering::Relaxed) == address)
    }

    /// The slots in which `address` may be, the likeliest first. Neighbours have neighbouring slots, so that a few mappings touch few pages
    /// of the table. Mappings are seldom shorter than 1 MiB, so few collide.
    fn probe(&self, address: usize) -> impl Iterator<Item = &Slot> {
        let start = (address >> 20).wrapping_add((address >> 36).wrapping_mul(0x9E37));
        (0..SLOTS).map(move |step| self.slots.get(start.wrapping_add(step) % SLOTS))
    }

    /// In a forked child: releases the lock if its holder is gone, and counts the objects there are.
    pub(super) fn rebuild(&self) {
        let Some(_held) = self.lock.inherit() else { return };
        let objects = || (0..self.len()).filter_map(|index| self.slots.get(index).object());
        self.bytes.set(objects().map(|object| object.len() as u64).sum());
        self.count.set(objects().count() as u64);
    }
}

#[cfg(test)]
impl Places {
    /// The mark of the object at `address`.
    pub(super) fn mark_of(&self, address: usize) -> Option<usize> {
        self.find(address).map(Slot::mark)
    }

    /// Makes every place but one look like an object's.
    pub(super) fn fill(&self) {
        assert!(self.has_room());
        (1..SLOTS).for_each(|index| self.slots.get(index).address.store(usize::MAX, Ordering::Relaxed));
    }
}
