//! The windows by restartable sequences.
#![allow(unsafe_code, reason = "the sequences work on the windows' memory")]

use super::drain::Banks;
use super::hit::Hot;
use super::locked::LockedWindows;
use super::rows::Rows;
use crate::base::classes::{CLASSES, WINDOW_BYTES};
use crate::base::sync::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use crate::base::units::{Class, PAGE};
use crate::region::{Links, Magazine, NO_LINK, Object, Reach, Region, broken_link};
use crate::stats::Mode;
use crate::sys::arch;
use crate::sys::die::warn;
use crate::sys::rseq::{Index, SLOT_SHIFT};
use crate::sys::thread;
use crate::sys::vm::Span;

pub(super) const SLOT_WORDS: usize = 1 << (SLOT_SHIFT - 3);
/// Bytes from a class's window to its previous magazine.
const PREVIOUS: usize = 16;
const _: () = assert!(CLASSES * WINDOW_BYTES <= SLOT_WORDS * 8, "a slot holds every class");

/// Which of a class's two magazines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The window itself.
    Window,
    /// The previous one.
    Previous,
}

/// How windows are wanted to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// In the best way there is.
    Best,
    /// By the CPU's own number, even where the kernel keeps denser numbers.
    Cpu,
    /// Behind locks.
    Locked,
}

/// See the module's head. All zero has no slot: every pop and push answers none.
#[derive(Debug)]
#[repr(C)]
pub struct Cpus {
    pub(super) hot: Hot,
    pub(super) banks: Banks,
    pub(super) rows: Rows,
    pub(super) row_count: AtomicUsize,
    /// Number of slots up to the highest that ever held a magazine: those that a walk looks at.
    used: AtomicUsize,
    /// One more than the slot that the windows of a program of one thread are in; 0: none yet.
    pub(super) station: AtomicUsize,
    pub(super) locked: LockedWindows,
    mode: AtomicUsize,
    rows_open: AtomicUsize,
    /// Not 0 iff the locked windows of the single node serve all threads.
    locks_open: AtomicUsize,
    /// The regions of a single node and of the spare one; null if there are more.
    regions: [AtomicPtr<Region>; 2],
}

impl Cpus {
    /// Without slots.
    pub const fn new() -> Cpus {
        Cpus {
            hot: Hot::new(),
            banks: Banks::new(),
            rows: Rows::new(),
            row_count: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            station: AtomicUsize::new(0),
            locked: LockedWindows::new(),
            mode: AtomicUsize::new(0),
            rows_open: AtomicUsize::new(0),
            locks_open: AtomicUsize::new(0),
            regions: [const { AtomicPtr::new(core::ptr::null_mut()) }; 2],
        }
    }
}

/// The states of the rows; all zero is closed.
const CLOSED: usize = 0;
const PLAIN: usize = 1;
const OPEN: usize = 2;

const MODES: [Mode; 7] = [
    Mode::Fallback("not started"),
    Mode::RseqCid,
    Mode::RseqCpu,
    Mode::Fallback("this libc registers no rseq area"),
    Mode::Fallback("rseq is switched off or refused in this process"),
    Mode::Fallback("the kernel does not say how many CPUs there may be"),
    Mode::Fallback("there was no memory for the windows of each CPU"),
];
const BY_CID: usize = 1;
const BY_CPU: usize = 2;
const CPUS_UNKNOWN: usize = 5;
const NO_WINDOWS: usize = 6;
const SWITCHED_OFF: Mode = Mode::Fallback("percpu:locked was asked for");

impl Cpus {
    /// Metadata bytes to reserve for `rows` rows of `slots` slots.
    pub fn metadata_len(rows: usize, slots: usize) -> usize {
        Banks::metadata_len(rows, slots) + Rows::metadata_len(rows, slots) + LockedWindows::metadata_len(rows)
    }

    /// Cuts room for `rows` rows from `metadata`, with slots for all CPU numbers that there may be, and finds out how windows are reached. Returns
    /// the rest. The number of rows comes with the number of the hit path's row.
    pub fn settle(
        &self,
        metadata: Span,
        rows: (usize, usize),
        cpus: Option<usize>,
        secret: u64,
        wanted: Wanted,
    ) -> Span {
        self.close();
        let found = match self.hot.area.find(wanted == Wanted::Cpu) {
            _ if wanted == Wanted::Locked => MODES.len(),
            Ok(Index::Cid) => BY_CID,
            Ok(Index::Cpu) => BY_CPU,
            Err(reason) => MODES.iter().position(|mode| *mode == Mode::Fallback(reason)).unwrap_or(0),
        };
        let rest = self.banks.settle(metadata, rows, cpus.unwrap_or(0), self.hot.area.own_end() % PAGE);
        let (rows, _) = rows;
        let rest = self.rows.settle(rest, rows, cpus.unwrap_or(0));
        self.row_count.store(rows, Ordering::Relaxed);
        self.hot.area.place(self.banks.begin(self.banks.present()), secret);
        let mode = if found == BY_CID || found == BY_CPU {
            self.begin_slots(rows, cpus).map_or_else(|mode| mode, |()| found)
        } else {
            found
        };
        if mode != BY_CID && mode != BY_CPU {
            thread::settle();
        }
        self.mode.store(mode, Ordering::Relaxed);
        self.locked.settle(rest, rows)
    }

    /// Closes the hit path again: it is open only in a child that was forked when its parent had almost booted.
    fn close(&self) {
        if self.hot.region.load(Ordering::Relaxed) == 0 {
            return;
        }
        let hot = &self.hot;
        for bound in [&hot.end, &hot.link_end, &hot.free_end, &hot.map_origin, &self.rows_open, &self.locks_open] {
            bound.store(CLOSED, Ordering::Relaxed);
        }
        self.hot.set_row_mallocs(false);
        self.hot.set_open(false);
    }

    /// Makes the slots of all CPU numbers usable. If that is impossible, returns the mode to use instead.
    fn begin_slots(&self, rows: usize, cpus: Option<usize>) -> Result<(), usize> {
        let cpus = cpus.ok_or(CPUS_UNKNOWN)?;
        let bank = self.banks.present();
        self.banks.commit(bank, rows).map_err(|_| NO_WINDOWS)?;
        self.hot.area.set_slots(cpus);
        if self.has_slot() {
            // Writes to its first window, which is empty: a page that is read before it is written to costs a second fault.
            self.banks.touch(bank, self.hot.area.present_index());
        }
        Ok(())
    }

    /// Returns how windows are reached.
    pub fn mode(&self) -> Mode {
        MODES.get(self.mode.load(Ordering::Relaxed)).copied().unwrap_or(SWITCHED_OFF)
    }

    /// Returns whether slots are indexed by the CPU's own number.
    pub(super) fn is_by_cpu(&self) -> bool {
        self.mode.load(Ordering::Relaxed) == BY_CPU
    }

    /// Metadata bytes committed.
    pub fn metadata_committed(&self) -> usize {
        self.banks.committed() + self.rows.committed() + self.locked.metadata_committed()
    }

    /// Returns how links are encoded, and where those of a row's objects may lead.
    pub fn links(&self, row: usize) -> Links {
        let regions = match self.rows.get(row) {
            Some(row) => [row.reach(), Reach::default()],
            None => [0, 1].map(|index| self.reach(index)),
        };
        Links { secret: self.hot.area.secret(), regions }
    }

    /// Returns the first word of an object, decoded as a link.
    #[inline(always)]
    pub fn link_in(&self, address: usize) -> u64 {
        Links { secret: self.hot.area.secret(), regions: [Reach::default(); 2] }.read(address)
    }

    /// Returns how far a region of the single node reaches now.
    fn reach(&self, index: usize) -> Reach {
        self.region(index).map_or(Reach::default(), |region| Reach::of(region.base(), region.end()))
    }

    fn region(&self, index: usize) -> Option<&Region> {
        let region = self.regions[index].load(Ordering::Relaxed);
        // SAFETY: null, or the region that `open` stored, which lives as long as the heap.
        unsafe { region.as_ref() }
    }

    fn at(&self, row: usize, class: Class) -> usize {
        self.banks.distance(row) + class.offset()
    }

    /// Returns whether the hit path may be taken for a class that the caller computed.
    #[inline(always)]
    pub fn is_open(&self) -> bool {
        self.hot.is_open()
    }

    /// Announces the region that all threads are served from, and opens the hit path to it if `hits` are wanted. Where no sequences may run, that is the
    /// one behind locks, if there is a single node. `spare` is the spare node's region, if there is no other region beside it.
    pub fn open(&self, region: &Region, spare: Option<&Region>, hits: bool) {
        self.hot.region.store(region.base(), Ordering::Relaxed);
        if let Some(spare) = spare {
            for (place, region) in self.regions.iter().zip([region, spare]) {
                place.store(core::ptr::from_ref(region).cast_mut(), Ordering::Relaxed);
            }
        }
        if hits && matches!(self.mode(), Mode::RseqCid | Mode::RseqCpu) {
            self.hot.map_origin.store(region.map().origin(region.base()), Ordering::Relaxed);
            self.hot.alone.store(usize::from(spare.is_some()), Ordering::Relaxed);
            self.hot.set_open(true);
        } else if hits && spare.is_some() {
            self.locks_open.store(1, Ordering::Release);
        }
        self.show_extent(region);
    }

    /// Returns whether an object may be pushed by its class alone, although its layout does not say where it lies.
    #[inline(always)]
    pub fn is_alone(&self) -> bool {
        self.hot.alone.load(Ordering::Relaxed) != 0
    }

    /// From now on, frees look where an object lies: one that has a class lies outside of the regions.
    pub fn look_at_frees(&self) {
        self.hot.alone.store(0, Ordering::Relaxed);
    }

    /// Lets every row be popped from and pushed to without any other check.
    pub fn open_rows(&self) {
        if matches!(self.mode(), Mode::RseqCid | Mode::RseqCpu) && self.rows.get(0).is_some() {
            self.rows_open.store(PLAIN, Ordering::Release);
            self.open_way();
        }
    }

    /// Sets whether open rows are plain, that is, whether the CPU alone tells which one to pop from. If not, the hit path pops from none.
    pub fn keep_rows_plain(&self, plain: bool) {
        let wanted = if plain { PLAIN } else { OPEN };
        // Every hit reads what would be stored here, and mostly nothing has changed. All three are looked at, because if two threads do this at once,
        // either may have had the last word in each.
        let hits = plain && self.may_hit();
        let is_so = self.rows_open.load(Ordering::Relaxed) == wanted
            && self.hot.is_open() == hits
            && self.hot.has_row_mallocs() == plain;
        if self.has_open_rows() && !is_so {
            self.rows_open.store(wanted, Ordering::Relaxed);
            self.hot.set_open(hits);
            self.hot.set_row_mallocs(plain);
        }
    }

    /// Lets calls that come through the back door hit, too.
    pub fn unlock_back(&self) {
        self.hot.unlock_back();
    }

    /// Returns whether the hit path was ever opened, if only for frees.
    fn may_hit(&self) -> bool {
        self.hot.map_origin.load(Ordering::Relaxed) != 0
    }

    /// Returns whether [`Cpus::pop`] may be tried at once, in the row of this CPU's node.
    #[inline(always)]
    pub fn has_plain_rows(&self) -> bool {
        self.rows_open.load(Ordering::Acquire) == PLAIN
    }

    /// Returns whether [`Cpus::pop`] and [`Cpus::push`] may be tried at once.
    #[inline(always)]
    pub fn has_open_rows(&self) -> bool {
        self.rows_open.load(Ordering::Acquire) != CLOSED
    }

    /// Lets the hit path and the links see how far the single node's region reaches now. The end never moves back: two threads may announce theirs at
    /// once.
    pub fn show_extent(&self, region: &Region) {
        let end = region.end();
        if end <= self.hot.end.load(Ordering::Relaxed) {
            return;
        }
        self.hot.end.fetch_max(end, Ordering::Relaxed);
        self.hot.link_end.fetch_max(Reach::of(region.base(), end).words, Ordering::Relaxed);
        if self.may_hit() {
            self.hot.raise_free_end(end);
        }
    }

    /// Returns offset and size of the class of the object that begins at `address`, iff the hit path covers it.
    #[inline(always)]
    pub fn offset_and_size(&self, address: usize) -> Option<(usize, usize)> {
        let (region, end) = (self.hot.region.load(Ordering::Relaxed), self.hot.free_end.load(Ordering::Relaxed));
        if address < region || address >= end {
            return None;
        }
        let origin = self.hot.map_origin.load(Ordering::Relaxed);
        // SAFETY: what lies below `free_end` is committed, and the map was settled; both happened before the end was announced.
        unsafe { self.hot.find(origin, address) }
    }

    /// A hit: pops a round from the window at `offset`, which is a class's for the single node. Returns its address (0: none) and the link it held.
    /// Only to be called where `is_open`, `has_slot` or `has_open_rows` said yes.
    #[inline(always)]
    pub fn hit_pop(&self, offset: usize) -> (usize, u64) {
        // SAFETY: there are slots, as the caller found out, and by the module's invariant every window is a chain of free objects of its row and
        // class.
        unsafe { self.hot.area.pop(offset) }
    }

    /// A hit: pushes a free object to the window at `offset`; gives it back if there is no room. Only to be called where [`Cpus::hit_pop`] may be.
    #[inline(always)]
    pub fn hit_push(&self, offset: usize, object: Object) -> Result<(), Object> {
        let key = Links::mix(object.address(), self.hot.area.secret());
        // SAFETY: there are slots, as the caller found out, and the module's invariant holds; the token says that the object is free and ours.
        if unsafe { self.hot.area.push(offset, object.address(), key) } { Ok(()) } else { Err(object) }
    }

    /// Pops a round of `class` from this CPU's window of any row. Only to be called where `has_slot` or `has_open_rows` said yes.
    #[inline(always)]
    pub fn pop(&self, row: usize, class: Class) -> Option<Object> {
        let (address, link) = self.hit_pop(self.at(row, class));
        if address == 0 {
            return None;
        }
        if !self.fetch_next_in(row, link) {
            self.odd_link(address, class, link);
        }
        Some(Object::mint(address))
    }

    /// Fetches the next round into the cache, to be written to. Returns false if its link does not lead into the part of its region that the hit path
    /// knows.
    #[inline(always)]
    pub fn fetch_next(&self, link: u64) -> bool {
        let (base, words) = (self.hot.region.load(Ordering::Relaxed), self.hot.link_end.load(Ordering::Relaxed));
        fetch_within(Reach { base, words }, link)
    }

    /// The same in any row.
    #[inline(always)]
    fn fetch_next_in(&self, row: usize, link: u64) -> bool {
        match self.rows.get(row) {
            Some(row) => fetch_within(row.reach(), link),
            None => self.fetch_next(link),
        }
    }

    /// Takes a closer look at an odd link. It may be the end of a chain, or lead into a region that has grown meanwhile or into the spare one;
    /// otherwise the object was written to after it was freed (or freed twice), and the process ends.
    #[cold]
    #[inline(never)]
    pub fn odd_link(&self, address: usize, class: Class, link: u64) {
        if link != 0 && !self.links(self.row_of(address)).leads_to(link) {
            broken_link(address, class);
        }
    }

    /// Pushes a free object to this CPU's window of any row; gives it back if there is no room. Only to be called where `has_slot` or `has_open_rows`
    /// said yes.
    #[inline(always)]
    pub fn push(&self, row: usize, class: Class, object: Object) -> Result<(), Object> {
        self.hit_push(self.at(row, class), object)
    }

    /// Puts `magazine` in the place of a class's window or previous magazine and returns what was there; gives it back if this thread has no slot.
    pub fn exchange(&self, row: usize, class: Class, place: Place, magazine: Magazine) -> Result<Magazine, Magazine> {
        if !self.has_slot() {
            return self.locked.exchange(row, class, place, magazine);
        }
        self.look_at_thread();
        let (at, word) = (self.at(row, class), magazine.into_word());
        let old = match place {
            Place::Window => {
                let (head, room) = Magazine::from_word(word).into_window();
                // SAFETY: there is a slot and the module's invariant holds; the magazine's token ends here, and what was found becomes a token.
                let old = unsafe { self.hot.area.exchange_window(at, head, room) };
                old.map(|((head, room), slot)| (Magazine::from_window(head, room), slot))
            }
            // SAFETY: there is a slot and the module's invariant holds; the magazine's token ends here, and what was found becomes a token.
            Place::Previous => unsafe { self.hot.area.exchange(at + PREVIOUS, word) }
                .map(|(word, slot)| (Magazine::from_word(word), slot)),
        };
        let (old, slot) = old.ok_or(Magazine::from_word(word))?;
        if slot >= self.used_slots() {
            self.used.fetch_max(slot + 1, Ordering::Relaxed);
        }
        Ok(old)
    }

    /// Where slots are indexed by `mm_cid`, says so if the thread's area was unregistered: the thread takes slot 0 for its own, and nothing keeps it
    /// apart from the thread whose slot that is.
    #[inline]
    fn look_at_thread(&self) {
        let is_unregistered = self.hot.area.present_cpu().is_some_and(|cpu| (cpu as i32) < 0);
        if is_unregistered && self.mode.load(Ordering::Relaxed) == BY_CID {
            warn_of_unregistered();
        }
    }

    /// Returns the number of slots that may hold magazines. Every magazine in a window came by an exchange, because a window that never saw one has
    /// no room.
    pub(super) fn used_slots(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Returns the number of CPUs whose windows may hold something, as far as one can tell: all up to the highest that ever did; behind locks, all up
    /// to this one.
    pub fn in_use(&self) -> usize {
        if self.hot.area.slots() == 0 { thread::slot_hint() + 1 } else { self.used_slots() }
    }

    /// Returns what stands for a slot's CPU where something else is kept for each CPU: see [`Cpus::present_slot`].
    pub fn stand_in(&self, slot: usize) -> usize {
        if self.is_on_its_own() { 0 } else { slot }
    }

    /// Returns whether [`Cpus::hit_pop_locked`] and [`Cpus::hit_push_locked`] may be tried.
    #[inline(always)]
    pub fn has_open_locks(&self) -> bool {
        self.locks_open.load(Ordering::Acquire) != 0
    }

    /// A hit where the sequences are missing: pops a round from the window of the slot that this thread tries first. Only to be called where
    /// `has_open_locks` said yes.
    #[inline(always)]
    pub fn hit_pop_locked(&self, class: Class) -> Option<Object> {
        self.locked.hit_pop(class, || self.near_links())
    }

    /// A hit where the sequences are missing: pushes the small object that begins at `address` to that window. Returns false if no small object begins
    /// there, if it looks as if it were free already, or if there is no room. Only to be called where `has_open_locks` said yes.
    #[inline(always)]
    pub fn hit_push_locked(&self, address: usize) -> bool {
        let class = |region: &Region| region.entry(region.page_of(address)?).class_of_object(address);
        let (Some(class), links) = (self.region(0).and_then(class), self.near_links()) else { return false };
        links.read(address) & NO_LINK != 0 && self.locked.hit_push(class, Object::mint(address), links).is_ok()
    }

    /// Links into the part of the single node's region that the hit path knows.
    #[inline(always)]
    fn near_links(&self) -> Links {
        let (base, words) = (self.hot.region.load(Ordering::Relaxed), self.hot.link_end.load(Ordering::Relaxed));
        Links { secret: self.hot.area.secret(), regions: [Reach { base, words }, Reach::default()] }
    }

    /// Pops where the sequences are missing.
    pub fn pop_locked(&self, row: usize, class: Class) -> Option<Object> {
        self.locked.pop(row, class, || self.links(row))
    }

    /// Pushes where the sequences are missing.
    pub fn push_locked(&self, row: usize, class: Class, object: Object) -> Result<(), Object> {
        self.locked.push(row, class, object, self.links(row))
    }

    /// Makes the magazine the window. What was the window becomes the previous magazine; what that was is returned, for the depot. Medium classes
    /// have no previous magazine.
    pub fn install(&self, row: usize, class: Class, magazine: Magazine) -> Option<Magazine> {
        let old = match self.exchange(row, class, Place::Window, magazine) {
            Ok(old) if old.is_empty() => return None,
            Ok(old) if class.is_medium() => return Some(old),
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

    /// Takes the previous magazine and the window of a class in a slot where the program's only thread was. What nobody has used is only read, so
    /// that it does not become a page of its own.
    pub(super) fn take_elsewhere(&self, row: usize, slot: usize, class: Class) -> [Magazine; 2] {
        let (at, bank) = (self.at(row, class).wrapping_add(slot << SLOT_SHIFT), self.banks.present());
        let take = |place: usize| {
            if self.banks.word(bank, (row, slot), class, place).load(Ordering::Relaxed) == 0 {
                return 0;
            }
            // SAFETY: there are slots, this one among them, and libc has the flag, because the caller has just read it.
            unsafe { self.hot.area.take(at.wrapping_add(place * size_of::<u64>())) }
        };
        [Magazine::from_word(take(2)), Magazine::from_window(take(0), take(1))]
    }

    /// Returns the CPU that the thread runs on (a hint), if the kernel tells without a call.
    pub fn present_cpu(&self) -> Option<usize> {
        self.hot.area.present_cpu()
    }

    /// Returns what stands for this thread's CPU where something else is kept for each CPU (a hint), without a call where the kernel tells: what
    /// indexes the slots, or 0 for a program of one thread.
    pub fn present_slot(&self) -> usize {
        match self.hot.area.present_index() {
            usize::MAX => thread::slot_hint(),
            index => self.stand_in(index),
        }
    }

    /// Returns whether this thread has a slot: sequences may run, and the kernel shows it a CPU number.
    pub fn has_slot(&self) -> bool {
        self.hot.area.present_index() < self.hot.area.slots()
    }

    /// Calls `each` with every magazine of a class: a snapshot that is not of one instant.
    pub fn words(&self, row: usize, class: Class, mut each: impl FnMut(u64)) {
        let bank = self.banks.present();
        for slot in 0..self.used_slots() {
            let word = |place: usize| self.banks.word(bank, (row, slot), class, place).load(Ordering::Relaxed);
            each(Magazine::from_window(word(0), word(1)).into_word());
            each(word(2));
        }
        self.locked.words(row, class, each);
    }

    /// In a forked child: frees the locks of threads that no longer exist. What they guard is always whole.
    pub fn rebuild(&self) {
        self.settle_banks();
        self.locked.rebuild();
    }
}

#[cold]
fn warn_of_unregistered() {
    static IS_TOLD: AtomicBool = AtomicBool::new(false);
    if !IS_TOLD.swap(true, Ordering::Relaxed) {
        warn(format_args!(
            "a thread that unregistered its rseq area uses malloc: memory may be given out twice; use percpu:cpu"
        ));
    }
}

/// Fetches what a link leads to into the cache, if that is within reach.
#[inline(always)]
fn fetch_within(reach: Reach, link: u64) -> bool {
    let leads = reach.has(link);
    if leads {
        arch::fetch(link as usize);
    }
    leads
}

#[cfg(test)]
impl Cpus {
    /// As after a thread whose last word came late.
    pub fn shut_hits(&self) {
        self.hot.set_open(false);
    }

    /// As if so many CPUs had been used. Walks over all windows may not be made afterwards.
    pub fn pretend_in_use(&self, cpus: usize) {
        self.used.store(cpus, Ordering::Relaxed);
    }

    /// From now on, whoever looks for a CPU number touches memory that is not there.
    pub fn forbid(&self) {
        self.hot.area.forbid();
    }
}
