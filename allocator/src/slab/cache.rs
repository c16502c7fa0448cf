//! The slabs of one class on one node, behind one lock.

use super::descriptor::SlabId;
use super::lists::Lists;
use super::returns::Returns;
use super::table::Slabs;
use crate::arena::Arena;
use crate::base::sync::{Gauge, Ordering};
use crate::base::units::{Class, PAGE};
use crate::region::{Entry, Links, Magazine, Object, Run};
use crate::sys::lock::{Guard, Lock};

/// Bytes of the first fill of a class.
const FIRST_FILL: usize = 1024;
/// Bytes of a later fill: about as much as one page fault brings. Threads that miss at the same time each fill, so after larger fills more would lie unused.
const FULL_FILL: usize = 4096;
/// In a class of many slabs a fill takes this part of them, at most a magazine,
const PART_OF_CLASS: usize = 64;
/// and at most this many objects, because the stack of every thread that fills must have room for them,
const MOST_FILLED: usize = 128;
/// but only this many bytes from pages that were never touched, because each of these costs a fault.
const FRESH_FILL: usize = 2 * FULL_FILL;
/// While a class has fewer slabs than this, they serve all CPUs even if they are fresh: a page for each CPU is much in a small process.
const SHARED_SLABS: u32 = 16;
/// Objects of at most this many bytes, several of which lie on a line, are dealt out:
const DEALT_SIZE: usize = 32;
/// one from each of this many groups, then the next from each.
const DEALT_GROUPS: usize = 8;

/// See the module. All zero is a class without slabs.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) lists: Lock<Lists>,
    /// Slabs, and free objects in them, as of the last time that a magazine or an empty slab was taken or given back.
    outline: [Gauge; 2],
}

/// Figures of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// Slabs.
    pub slabs: u32,
    /// Free objects in them.
    pub free: u64,
}

/// The addresses of the objects that one fill takes.
struct Hand {
    addresses: [usize; MOST_FILLED],
    len: usize,
    /// The run of a slab that nothing had been taken from, if its pages were zero. The hand holds its first object.
    untouched: Option<Run>,
}

impl Hand {
    fn new() -> Hand {
        Hand { addresses: [0; MOST_FILLED], len: 0, untouched: None }
    }

    fn add(&mut self, address: usize) {
        if let Some(slot) = self.addresses.get_mut(self.len) {
            *slot = address;
            self.len += 1;
        }
    }

    fn taken(&self) -> &[usize] {
        self.addresses.get(..self.len).unwrap_or_default()
    }

    /// The addresses in an order in which very small objects that are taken in a row lie on different lines, so that objects that one thread makes for several
    /// others do not tie these together.
    fn dealt(&self, group: usize) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.taken().chunks(group * DEALT_GROUPS).flat_map(move |groups| {
            (0..group).flat_map(move |number| groups.iter().skip(number).step_by(group).copied())
        })
    }
}

impl Cache {
    /// Takes objects under the lock, but touches their memory, which may fault, after the lock is released.
    pub(super) fn fill(&self, slabs: &Slabs, arena: &Arena, class: Class, cpu: u8, links: Links) -> Option<Magazine> {
        let mut hand = Hand::new();
        self.take(&mut hand, slabs, arena, class, cpu);
        if let Some(run) = &hand.untouched {
            arena.watch_first_touch(run);
        }
        let mut magazine = Magazine::empty(class);
        // The last one is pushed first.
        let mut push = |address| magazine.push(links, Object::mint(address)).is_ok();
        let _all_or_a_magazine = if class.size() <= DEALT_SIZE {
            hand.dealt(class.info().group as usize).rev().all(&mut push)
        } else {
            hand.taken().iter().rev().copied().all(&mut push)
        };
        (!magazine.is_empty()).then_some(magazine)
    }

    /// Fills a hand that the caller owns, because every thread that was ever here has its stack as deep as this goes.
    fn take(&self, hand: &mut Hand, slabs: &Slabs, arena: &Arena, class: Class, cpu: u8) {
        let Ok(mut lists) = self.lists.lock() else { return };
        let mut want = next_batch(&mut lists, class);
        while hand.len < want {
            let may_use = |id: &SlabId| slabs.descriptors.get(id.0 as usize - 1).fill_hollow(arena);
            let chosen = choose(&mut lists, slabs, arena, class, cpu, hand.len == 0).filter(may_use);
            // Looks at every slab of the class, and so only for a hand that would stay empty.
            let other = || if hand.len == 0 { lists.least_hollow(&slabs.descriptors).filter(may_use) } else { None };
            let Some(id) = chosen.or_else(other) else { break };
            let slab = slabs.descriptors.get(id.0 as usize - 1);
            if slab.free() == class.info().slab_objects {
                slab.set_owner(cpu);
                let run = Run { page: slab.page(), pages: class.info().slab_pages, zero: true };
                hand.untouched = slab.is_fresh().then_some(run);
            }
            let first = arena.region().address(slab.page()) + slab.colour();
            if slab.is_fresh() {
                want = want.min(in_groups(FRESH_FILL / class.size(), class));
            }
            let taken = slab.take(want.saturating_sub(hand.len) as u32, class.info().group, |number| {
                hand.add(first + number as usize * class.size())
            });
            lists.free -= u64::from(taken);
            lists.place(&slabs.descriptors, id, class);
        }
        self.note(&lists);
    }

    pub(super) fn take_back(
        &self,
        slabs: &Slabs,
        arena: &Arena,
        class: Class,
        magazine: Magazine,
        links: Links,
        stray: impl FnMut(Object),
    ) -> Result<(), Magazine> {
        let Ok(mut lists) = self.lists.lock() else { return Err(magazine) };
        Returns::new(&mut lists, slabs, arena, class).put_all(magazine, links, stray);
        self.note(&lists);
        Ok(())
    }

    fn note(&self, lists: &Lists) {
        let [slabs, free] = &self.outline;
        slabs.set(lists.slabs.into());
        free.set(lists.free);
    }

    /// The figures as they were a moment ago, without the lock; not both of the same moment.
    pub(super) fn outline(&self) -> CacheFigures {
        let [slabs, free] = &self.outline;
        CacheFigures { slabs: slabs.get() as u32, free: free.get() }
    }

    pub(super) fn release_empty(&self, slabs: &Slabs, arena: &Arena, class: Class) {
        let Ok(mut lists) = self.lists.lock() else { return };
        while let Some(id) = lists.empty() {
            end_slab(&mut lists, slabs, arena, class, id);
        }
        self.note(&lists);
    }

    /// Keeps every slab of the class as it is, if the lock is free now.
    pub(super) fn try_hold(&self) -> Option<Guard<'_, Lists>> {
        self.lists.try_lock()
    }

    pub(super) fn has_lock_at(&self, address: usize) -> bool {
        self.lists.is_at(address)
    }

    pub(super) fn is_held(&self) -> bool {
        self.lists.is_mine()
    }

    pub(super) fn figures(&self) -> CacheFigures {
        self.lists
            .lock()
            .map_or_else(|_| CacheFigures::default(), |lists| CacheFigures { slabs: lists.slabs, free: lists.free })
    }

    /// In a forked child: returns whether there was anything to rebuild.
    pub(super) fn rebuild(&self, slabs: &Slabs, class: Class) -> bool {
        let Some(mut lists) = self.lists.inherit() else { return false };
        *lists = Lists::default();
        for (id, slab, _) in slabs.in_use().filter(|(_, _, of)| *of == class) {
            slab.recount();
            lists.slabs += 1;
            lists.free += u64::from(slab.free());
            lists.place(&slabs.descriptors, id, class);
        }
        self.note(&lists);
        true
    }

    pub(super) fn validate(&self, slabs: &Slabs, class: Class) -> Result<(), &'static str> {
        let Ok(lists) = self.lists.lock() else { return Err("a slab cache's lock is held by this thread") };
        let (mut count, mut free, mut listed) = (0, 0_u64, 0);
        for (_, slab, _) in slabs.in_use().filter(|(_, _, of)| *of == class) {
            count += 1;
            free += u64::from(slab.free());
            listed += u32::from(slab.list.load(Ordering::Relaxed) != 0);
        }
        if count != lists.slabs || free != lists.free {
            return Err("a slab cache's counts are wrong");
        }
        if listed != lists.listed(&slabs.descriptors) { Err("a slab cache's lists are broken") } else { Ok(()) }
    }
}

/// The slab to take from. For classes whose objects share lines a CPU has slabs of its own until much lies free, so that no two CPUs get objects of one line.
/// For other classes it has slabs of its own while they are fresh and the class has many, so that no two CPUs touch new pages side by side.
fn choose(lists: &mut Lists, slabs: &Slabs, arena: &Arena, class: Class, cpu: u8, begin: bool) -> Option<SlabId> {
    let is_for = |id: &SlabId| {
        let slab = slabs.descriptors.get(id.0 as usize - 1);
        class.info().group == 1 && (lists.slabs < SHARED_SLABS || !slab.is_fresh() || slab.owner() == cpu)
    };
    let shared = lists.fullest().filter(|id| lists.is_rich(class) || is_for(id));
    let found = shared.or_else(|| lists.fullest_of(&slabs.descriptors, cpu));
    found.or_else(|| if begin { begin_slab(lists, slabs, arena, class, cpu).or_else(|| lists.fullest()) } else { None })
}

/// How many objects the next fill takes: twice as many as the last, from little up to a page's worth or a part of the class.
fn next_batch(lists: &mut Lists, class: Class) -> usize {
    let info = class.info();
    let part = lists.slabs as usize * info.slab_pages as usize * PAGE / PART_OF_CLASS;
    let most = (part.max(FULL_FILL) / class.size()).min(MOST_FILLED.min(info.rounds as usize));
    let batch = if lists.batch == 0 { FIRST_FILL / class.size() } else { lists.batch as usize * 2 };
    let batch = in_groups(batch.min(most), class);
    lists.batch = batch as u32;
    batch
}

/// Rounds a number of objects down to whole groups, but to one group at least.
fn in_groups(objects: usize, class: Class) -> usize {
    let group = class.info().group as usize;
    (objects / group).max(1) * group
}

fn begin_slab(lists: &mut Lists, slabs: &Slabs, arena: &Arena, class: Class, cpu: u8) -> Option<SlabId> {
    let info = class.info();
    let run = if class.is_medium() {
        arena.alloc_beside_slabs(info.slab_pages)
    } else {
        arena.alloc_slab(info.slab_pages, cpu)
    }?;
    let Some(id) = slabs.number() else {
        arena.free(run);
        return None;
    };
    let colour = lists.next_colour * info.colour_step;
    lists.next_colour = (lists.next_colour + 1) % info.colours;
    let slab = slabs.descriptors.get(id.0 as usize - 1);
    slab.prepare(class, run.page, colour, run.zero);
    let first = arena.region().address(run.page) + colour as usize;
    for index in 0..run.pages {
        let page = run.page.plus(index);
        arena.region().links(page).first.store(id.0, Ordering::Relaxed);
        arena.region().map().set(page, Entry::slab(class, first));
    }
    // Last: a forked child assumes that all pages of a slab whose descriptor has a class say so.
    slab.begin(class);
    lists.slabs += 1;
    lists.free += u64::from(info.slab_objects);
    lists.place(&slabs.descriptors, id, class);
    Some(id)
}

pub(super) fn end_slab(lists: &mut Lists, slabs: &Slabs, arena: &Arena, class: Class, id: SlabId) {
    let slab = slabs.descriptors.get(id.0 as usize - 1);
    let run = Run { page: slab.page(), pages: class.info().slab_pages, zero: false };
    lists.unlink(&slabs.descriptors, id);
    lists.slabs -= 1;
    lists.free -= u64::from(class.info().slab_objects);
    slab.count_hollow(arena, 0);
    slab.end();
    for index in 0..run.pages {
        arena.region().map().set(run.page.plus(index), Entry::NONE);
    }
    slabs.forget(id);
    arena.free(run);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_free_objects_than_32_bits_can_count_are_told() {
        let (cache, figures) = (Cache::default(), CacheFigures { slabs: 1 << 24, free: 5 << 30 });
        let mut lists = cache.lists.lock().unwrap();
        (lists.slabs, lists.free) = (figures.slabs, figures.free);
        cache.note(&lists);
        drop(lists);
        assert_eq!([cache.outline(), cache.figures()], [figures; 2]);
    }
}
