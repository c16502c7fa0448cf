//! # depot: magazines of one class on one node
//!
//! Where a CPU's windows spill to and refill from (Bonwick & Adams 2001). A magazine is a single word, so the depot is a stack of words behind a
//! lock, and a trade is one store. Up to eight magazines lie in the depot itself; further ones lie in a table that is touched only by programs that
//! need it.
//!
//! A depot is cut into **shards**, one stack for each CPU (where there are more CPUs than shards, they share). A CPU leaves magazines in its own
//! shard and takes from there first: what it freed is in its cache, and it seldom meets another CPU at the lock. Only when its shard is empty does it
//! **steal** from the others, before it asks the slabs. Which shards are stocked is a bit each, in a word that changes only when a shard gets its
//! first magazine or loses its last.
//!
//! Objects that move between CPUs are expensive: each is a cache miss, and small ones leave their neighbours in the same line behind, which both CPUs
//! then write to for ever. So a thief only gets what lies beyond the owner's **need**: the most magazines that the owner took, lately, without
//! bringing any back. This serves pipelines, because a CPU that only frees needs none. Anyone may have what a shard holds beyond 4 MiB, and all of it
//! if the owner no longer trades.
//!
//! Working set: a shard remembers the least that lay beyond the need during a number of trades. That many magazines are *surplus*, to be taken back
//! by the slabs (Bonwick's reaping, with trades for a clock, or that of the helper thread where there is one). While memory grows for a CPU, the bytes
//! it grows by are a clock, too ([`Depots::surplus_of_growth`]).
//!
//! The **inbox** takes single objects from a signal handler that interrupted the holder of a lock. It is a lock-free stack that is emptied as a
//! whole, so there is no ABA problem.
//!
//! **Filling** is done by one thread of a CPU at a time: of a thousand threads that start together and miss on a few CPUs, each would fill a
//! magazine, and all but a few of these would lie here unused. (It used to be one thread of a class at a time, but then four threads that build
//! something up wait for each other's page faults.)
//!
//! Invariants: in a shard's stack, the words below `len` are magazines that hold at least one round, and the words from `len` on are 0. While the
//! lock of the stack is free, its bit is set iff `len` is not 0.
//!
//! Locks: a CPU's filling lock, then a shard's for a class, then the one for the tables' growth; these are the lowest ranks. Fork: `len` and the bits
//! are found anew from the words.

mod filling;
mod inbox;
mod shard;
mod stack;

pub use filling::Filling;
pub use inbox::Inbox;

use crate::base::classes::CLASSES;
use crate::base::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::base::units::Class;
use crate::region::{Magazine, Table};
use crate::sys::lock::Lock;
use crate::sys::vm::Span;
use shard::Shard;
use stack::{OVERFLOW, Shelf, Stack};

/// A shard with fewer bytes is not worth a look when memory grows, and its working sets are judged whenever memory has grown by this much.
const LITTLE: usize = 512 << 10;

/// The most shards: each has a bit in a word.
pub const MOST_SHARDS: usize = 64;

/// Words of a table with room for a quarter of the stacks, because few classes have many magazines, and those not on every CPU. There is room for
/// fewer where addresses are scarce, which is where shards are few.
fn overflow_words(shards: usize) -> usize {
    shards * CLASSES / if shards < MOST_SHARDS { 32 } else { 4 } * OVERFLOW
}

/// The depots of a node. All zero is a node whose depots hold nothing.
#[derive(Debug)]
#[repr(C)]
pub struct Depots {
    /// A shard is committed when it is first used.
    shards: Table<Shard>,
    /// Number of shards there may be.
    most: AtomicUsize,
    overflow: Table<AtomicU64>,
    /// Pages of the overflow table in use.
    growth: Lock<u32>,
    /// For each class, which shards hold magazines of it.
    stocked: [AtomicU64; CLASSES],
    inboxes: [Inbox; CLASSES],
    /// For each CPU, the lock of the thread whose turn to fill it is.
    turns: [Lock<()>; MOST_SHARDS],
}

impl Depots {
    /// Metadata bytes to reserve for so many shards.
    pub fn metadata_len(shards: usize) -> usize {
        Table::<Shard>::bytes_for(shards) + Table::<AtomicU64>::bytes_for(overflow_words(shards))
    }

    /// Cuts room for so many shards (at most [`MOST_SHARDS`]) from `metadata`; returns the rest.
    pub fn settle(&self, metadata: Span, shards: usize) -> Span {
        self.most.store(shards, Ordering::Relaxed);
        let rest = self.shards.settle(metadata, shards);
        self.overflow.settle(rest, overflow_words(shards))
    }

    /// Gives addresses of the overflow table back until they are needed.
    pub fn give_up_unused(&self) {
        if let Ok(_growing) = self.growth.lock() {
            self.overflow.give_up_unused();
        }
    }

    /// Metadata bytes committed.
    pub fn metadata_committed(&self) -> usize {
        self.shards.committed() + self.overflow.committed()
    }

    /// Returns whether an address is within a shard.
    pub fn has_shard_at(&self, address: usize) -> bool {
        address.wrapping_sub(self.shards.base()) < self.shards.committed()
    }

    /// Returns whether this thread holds one of the locks of the rank of the one at `address` or above (filling < shard < growth).
    pub fn is_held_from(&self, address: usize) -> bool {
        let stacks = || self.all_stacks().any(Stack::is_held);
        let is_filling = self.turns.iter().any(|lock| lock.is_at(address));
        self.growth.is_mine() || (!self.growth.is_at(address) && (stacks() || (is_filling && self.is_filling())))
    }

    /// Returns whether it is this thread's turn to fill on some CPU.
    pub fn is_filling(&self) -> bool {
        self.turns.iter().any(Lock::is_mine)
    }

    /// Begins to fill a magazine for this CPU from the slabs, once no other thread of it is filling.
    pub fn begin_fill(&self, cpu: usize) -> Filling<'_> {
        Filling::begin(&self.turns[cpu % MOST_SHARDS])
    }

    /// Returns the class's inbox.
    pub fn inbox(&self, class: Class) -> &Inbox {
        &self.inboxes[class.index()]
    }

    /// Takes the magazine that this CPU left last; if it left none, another CPU's.
    pub fn get(&self, cpu: usize, class: Class) -> Option<Magazine> {
        let own = self.shard_of(cpu);
        let got = self.shelf(own, class).and_then(|shelf| shelf.get());
        got.or_else(|| self.others(own, class).find_map(|shelf| shelf.steal()))
    }

    /// Takes a magazine from any shard, even if its owner needs it.
    pub fn get_any(&self, class: Class) -> Option<Magazine> {
        self.shelves(class).find_map(|shelf| shelf.take())
    }

    /// Leaves a magazine that holds at least one round. Gives it back if the shard would hold more than `most` bytes of the class then, if there is
    /// no memory for its word, or if this thread holds the shard's lock.
    pub fn put(&self, cpu: usize, class: Class, magazine: Magazine, most: usize) -> Result<(), Magazine> {
        let shard = self.shard_of(cpu);
        self.open(shard);
        match self.shelf(shard, class) {
            Some(shelf) => shelf.put(magazine, most),
            None => Err(magazine),
        }
    }

    /// Counts an overflow of this CPU's window and returns its number, from 1 on.
    pub fn count_overflow(&self, cpu: usize, class: Class) -> u32 {
        let shard = self.shard_of(cpu);
        self.open(shard);
        self.shelf(shard, class).map_or(1, |shelf| shelf.stack.count_overflow())
    }

    /// Takes a magazine of this CPU's shard that was not needed lately.
    pub fn surplus(&self, cpu: usize, class: Class) -> Option<Magazine> {
        self.shelf(self.shard_of(cpu), class)?.surplus()
    }

    /// Notes that memory grew by `bytes` for this CPU, and takes magazines of its shard that it did not need while memory grew by half a MiB, one class
    /// after another.
    pub fn surplus_of_growth(&self, cpu: usize, bytes: usize) -> impl Iterator<Item = (Class, Magazine)> + '_ {
        let number = self.shard_of(cpu);
        let stocked = self.open_shard(number).filter(|shard| shard.held.load(Ordering::Relaxed) >= LITTLE);
        stocked.into_iter().flat_map(move |shard| {
            if shard.growth.adds_up(bytes, LITTLE) {
                shard.stacks.iter().for_each(Stack::judge_now);
            }
            let surplus = move |class: Class| Some((class, self.shelf(number, class)?.surplus()?));
            shard.growth.walk().flat_map(move |class| core::iter::from_fn(move || surplus(class)))
        })
    }

    /// Takes a magazine of any shard that was not needed lately.
    pub fn any_surplus(&self, class: Class) -> Option<Magazine> {
        self.shelves(class).find_map(|shelf| shelf.surplus())
    }

    /// To be called when time has passed: what each CPU could do without since the last call becomes surplus.
    pub fn judge(&self) {
        self.all_stacks().for_each(Stack::judge_now);
    }

    /// Returns the number of magazines traded so far.
    pub fn activity(&self) -> u32 {
        self.all_stacks().fold(0, |sum, stack| sum.wrapping_add(stack.activity()))
    }

    /// Returns the number of magazines and of rounds of a class.
    pub fn figures(&self, class: Class) -> (u32, u64) {
        let sum = |sum: (u32, u64), (magazines, rounds)| (sum.0 + magazines, sum.1 + rounds);
        self.shelves(class).map(|shelf| shelf.figures(class)).fold((0, 0), sum)
    }

    /// Calls `each` with the word of every magazine of a class (for validation).
    pub fn words(&self, class: Class, mut each: impl FnMut(u64)) {
        self.shelves(class).for_each(|shelf| shelf.words(&mut each));
    }

    /// Checks that the bits say of every shard what its words say. Nothing else may use the depots meanwhile.
    pub fn validate(&self, class: Class) -> Result<(), &'static str> {
        let agrees =
            |shelf: Shelf<'_>| (shelf.stocked.load(Ordering::Relaxed) & shelf.bit != 0) == (shelf.stack.len() > 0);
        if self.shelves(class).all(agrees) {
            Ok(())
        } else {
            Err("a depot's shard is stocked and says it is not, or the other way")
        }
    }

    /// In a forked child: counts anew what threads that no longer exist were changing.
    pub fn rebuild(&self) {
        drop(self.growth.inherit());
        self.turns.iter().for_each(|lock| drop(lock.inherit()));
        for shard in self.open_shards() {
            let shelves = || Class::all().filter_map(move |class| self.shelf(shard, class));
            if shelves().filter(Shelf::rebuild).count() > 0 {
                let bytes = shelves().map(|shelf| shelf.stack.len() * shelf.bytes).sum();
                self.shards.get(shard).held.store(bytes, Ordering::Relaxed);
            }
        }
    }

    fn shard_of(&self, cpu: usize) -> usize {
        cpu % self.most.load(Ordering::Relaxed).max(1)
    }

    /// The shards up to the highest that was ever used.
    fn open_shards(&self) -> core::ops::Range<usize> {
        0..self.shards.len()
    }

    fn open_shard(&self, shard: usize) -> Option<&Shard> {
        self.open_shards().contains(&shard).then(|| self.shards.get(shard))
    }

    fn all_stacks(&self) -> impl Iterator<Item = &Stack> {
        self.open_shards().flat_map(|shard| &self.shards.get(shard).stacks)
    }

    /// The stocked shards except `own`, beginning behind it.
    fn others(&self, own: usize, class: Class) -> impl Iterator<Item = Shelf<'_>> {
        let stocked = self.stocked[class.index()].load(Ordering::Relaxed) & !(1 << own);
        let ahead = stocked.rotate_right(own as u32);
        let places = (0..MOST_SHARDS).filter(move |place| ahead >> place & 1 != 0);
        places.filter_map(move |place| self.shelf((own + place) % MOST_SHARDS, class))
    }

    /// Makes a shard usable, if possible.
    fn open(&self, shard: usize) {
        if self.open_shards().contains(&shard) {
            return;
        }
        if let Ok(_growing) = self.growth.lock()
            && !self.open_shards().contains(&shard)
        {
            // One that cannot be committed stays closed; the caller sees that.
            let _ = self.shards.extend_exactly(shard + 1);
        }
    }

    fn shelves(&self, class: Class) -> impl Iterator<Item = Shelf<'_>> {
        self.open_shards().filter_map(move |shard| self.shelf(shard, class))
    }

    /// Returns a class's stack in a shard, if the shard is open.
    fn shelf(&self, shard: usize, class: Class) -> Option<Shelf<'_>> {
        let open = self.open_shard(shard)?;
        Some(Shelf {
            stack: &open.stacks[class.index()],
            overflow: &self.overflow,
            growth: &self.growth,
            stocked: &self.stocked[class.index()],
            bit: 1 << shard,
            held: &open.held,
            bytes: class.info().rounds as usize * class.size(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depots() -> Depots {
        let depots = Depots {
            shards: Table::new(),
            most: AtomicUsize::new(0),
            stocked: [const { AtomicU64::new(0) }; CLASSES],
            inboxes: core::array::from_fn(|_| Inbox::default()),
            turns: core::array::from_fn(|_| Lock::default()),
            overflow: Table::new(),
            growth: Lock::default(),
        };
        depots.settle(Span::reserve(Depots::metadata_len(MOST_SHARDS), 4096).unwrap(), MOST_SHARDS);
        depots
    }

    #[test]
    fn what_one_cpu_left_any_other_finds() {
        let depots = depots();
        for (class, (leaver, finder)) in (5..).map(Class).zip([(0, 1), (1, 0), (0, 63), (63, 0), (62, 63), (64, 1)]) {
            let magazine = || Magazine::from_word(1 << 20);
            depots.put(leaver, class, magazine(), 1 << 20).unwrap();
            assert_eq!(depots.get(finder, class), Some(magazine()), "CPU {leaver} left it, CPU {finder} looks");
            assert_eq!(depots.validate(class), Ok(()));
        }
    }

    #[test]
    fn what_a_cpu_did_not_need_while_memory_grew_is_surplus() {
        let (depots, classes) = (depots(), [Class(5), Class(9)]);
        let put = |cpu, class, number: u64| {
            depots.put(cpu, class, Magazine::from_word((number + 1) << 20), usize::MAX).unwrap();
        };
        let taken = |cpu, bytes| depots.surplus_of_growth(cpu, bytes).count();
        put(0, classes[0], 0);
        assert_eq!([taken(0, LITTLE), taken(0, LITTLE)], [0, 0], "it is not worth a look");
        for class in classes {
            (1..64).for_each(|number| put(0, class, number));
            (0..64).for_each(|number| put(1, class, number));
        }
        assert_eq!(taken(0, LITTLE), 0, "nobody has looked before");
        (0..10).for_each(|_| assert!(depots.get(0, classes[1]).is_some()));
        (0..10).for_each(|number| put(0, classes[1], number));
        assert_eq!(taken(0, LITTLE / 2), 0, "memory has grown by little since");
        assert_eq!(taken(0, LITTLE / 2), 64 + 53, "it needs ten of one class");
        let left = |class| depots.shelf(0, class).unwrap().stack.len();
        assert_eq!(classes.map(left), [0, 10]);
        assert_eq!(depots.shelf(1, classes[0]).unwrap().stack.len(), 64, "another CPU's");
        assert!(classes.iter().all(|&class| depots.validate(class) == Ok(())));
    }

    #[test]
    fn only_threads_of_the_same_cpu_wait_for_who_fills() {
        let depots = depots();
        let first = depots.begin_fill(0);
        assert!(!first.waited() && !depots.begin_fill(1).waited());
        assert!(depots.begin_fill(0).waited(), "of a signal handler, which takes no turn");
        assert!(depots.begin_fill(MOST_SHARDS).waited(), "more CPUs than turns share them");
        drop(first);
        assert!(!depots.begin_fill(0).waited());
    }
}
