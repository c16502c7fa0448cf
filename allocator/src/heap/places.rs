//! Where huge objects are known by their addresses: a hash table.
//!
//! It has a fixed place for each of the mappings a process may have at most (65,536), in metadata memory that is committed when the first huge object
//! comes. States of a slot: 0 never used, 1 deleted, 2 taken for an object that is on its way, else the object's address; an address is in the table iff
//! the object is live. Beside it the length, a multiple of a page, and below that a **mark**, which is the heap's.
//!
//! Changes are made under one lock with signals blocked, so no handler can find it held by its own thread: huge objects cost system calls anyway. Who
//! looks up its own object needs neither. The address leaves the table before the mapping goes or moves, so a new mapping at the same address never meets
//! the old entry. An object that is resized, or made of a run's pages, has a [`Place`] meanwhile, which is given up under the same lock under which one
//! is found for it: so there is one, wherever it was moved, for the search for any address comes by every slot.
//!
//! Fork: an entry is written length first, address last; nothing needs rebuilding but the lock and the counts. A place that another thread of the
//! parent had taken is lost to the child.
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
/// Bits of a slot's length that are the mark.
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

    /// The addresses of its object, if it has one.
    fn object(&self) -> Option<Range<usize>> {
        let start = self.address.load(Ordering::Relaxed);
        (start > TAKEN).then(|| start..start + self.len())
    }
}

/// A place taken for an object that is on its way: its holder's until it is given up.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a Slot);

impl Place<'_> {
    /// Nothing comes.
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

    /// Whether the table has memory, and room unless others come first.
    pub(super) fn has_room(&self) -> bool {
        let is_ready = self.hold(&SignalsBlocked::new()).is_some_and(|_held| self.slots.extend_to(SLOTS).is_ok());
        is_ready && self.count.get() < SLOTS as u64
    }

    /// Takes a place for an object at `address`, if there is one.
    pub(super) fn take(&self, signals: &SignalsBlocked, address: usize) -> Option<Place<'_>> {
        let held = self.hold(signals)?;
        let slot = self.vacant(&held, address)?;
        slot.address.store(TAKEN, Ordering::Release);
        Some(Place(slot))
    }

    /// A vacant slot for an object at `address`, if there is one.
    fn vacant(&self, _held: &Guard<'_, ()>, address: usize) -> Option<&Slot> {
        self.slots.extend_to(SLOTS).ok()?;
        self.probe(address).find(|slot| slot.is_vacant())
    }

    /// Makes a mapping an object with a mark, for which a place may be taken already; returns it if there is none.
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

    /// The same where a place is taken, so that there is one.
    pub(super) fn enter_surely(&self, signals: &SignalsBlocked, span: Span, mark: usize, taken: Place<'_>) -> *mut u8 {
        self.enter(signals, span, mark, Some(taken))
            .unwrap_or_else(|span| die(format_args!("internal: no place for the huge object at {:#x}", span.base())))
    }

    /// The mapping of the object at `address`, which is none any more, and its mark.
    pub(super) fn remove(&self, signals: &SignalsBlocked, address: usize) -> Option<(Span, usize)> {
        let (span, mark, place) = self.remove_for_now(signals, address)?;
        place.give_up();
        Some((span, mark))
    }

    /// The same for an object that comes back: with its place, which is taken.
    pub(super) fn remove_for_now(&self, signals: &SignalsBlocked, address: usize) -> Option<(Span, usize, Place<'_>)> {
        let _held = self.hold(signals)?;
        let slot = self.find(address)?;
        let (len, mark) = (slot.len(), slot.mark());
        slot.address.store(TAKEN, Ordering::Release);
        self.bytes.sub(len as u64);
        self.count.sub(1);
        // SAFETY: the slot's numbers are of a token taken apart in `enter`, and the slot just gave them up.
        Some((unsafe { Span::from_raw(address, len) }, mark, Place(slot)))
    }

    /// The bytes of the object at `address`, for whoever holds that: others come and leave, but its slot stays as it is.
    pub(super) fn len_of(&self, address: usize) -> Option<usize> {
        self.find(address).map(Slot::len)
    }

    /// Start and length of the object around `address`: for messages only, walks the whole table.
    pub(super) fn around(&self, address: usize) -> Option<(usize, usize)> {
        let signals = SignalsBlocked::new();
        let _held = self.hold(&signals)?;
        let mut objects = (0..self.len()).filter_map(|index| self.slots.get(index).object());
        objects.find(|object| object.contains(&address)).map(|object| (object.start, object.len()))
    }

    /// Places in which an object may be known.
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

    /// The slots in which `address` may be, likeliest first: neighbours have neighbouring slots, so that a few mappings touch few pages of the table.
    /// They are seldom shorter than a MiB, so few meet.
    fn probe(&self, address: usize) -> impl Iterator<Item = &Slot> {
        let start = (address >> 20).wrapping_add((address >> 36).wrapping_mul(0x9E37));
        (0..SLOTS).map(move |step| self.slots.get(start.wrapping_add(step) % SLOTS))
    }

    /// In a forked child: frees the lock if its holder is gone, and counts what there is.
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

    /// Makes every place but one seem to be an object's.
    pub(super) fn fill(&self) {
        assert!(self.has_room());
        (1..SLOTS).for_each(|index| self.slots.get(index).address.store(usize::MAX, Ordering::Relaxed));
    }
}
