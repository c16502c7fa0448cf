//! The slabs of a node: descriptors by number, and one cache per class.

use super::cache::{Cache, CacheFigures};
use super::descriptor::{Slab, SlabId};
use crate::arena::Arena;
use crate::base::classes::CLASSES;
use crate::base::sync::Ordering;
use crate::base::units::{Class, PAGE, Page};
use crate::region::{Links, Magazine, Object, Table};
use crate::sys::arch;
use crate::sys::lock::Lock;
use crate::sys::vm::Span;

/// The numbers that are in use: 1 to `used`, except those on the list that begins at `unused`.
#[derive(Debug, Default)]
struct Numbers {
    unused: u32,
    used: u32,
}

/// See the module. All zero is a node without slabs. Fields written at boot come first.
#[derive(Debug)]
#[repr(C)]
pub struct Slabs {
    pub(super) descriptors: Table<Slab>,
    numbers: Lock<Numbers>,
    caches: [Cache; CLASSES],
}

impl Slabs {
    /// Metadata bytes to reserve for a region of `pages` pages: a slab has at least one page, on average many more.
    pub fn metadata_len(pages: usize) -> usize {
        Table::<Slab>::bytes_for(pages)
    }

    /// Cuts room for the descriptors from `metadata`; returns the rest.
    pub fn settle(&self, metadata: Span, pages: usize) -> Span {
        self.descriptors.settle(metadata, pages)
    }

    /// Gives addresses back until they are needed ([`Table::give_up_unused`]).
    pub fn give_up_unused(&self) {
        if let Ok(_numbers) = self.numbers.lock() {
            self.descriptors.give_up_unused();
        }
    }

    /// Metadata bytes committed.
    pub fn metadata_committed(&self) -> usize {
        self.descriptors.committed()
    }

    /// Returns whether this thread holds one of the locks whose rank is that of the lock at `address` or higher (a class's < the numbers'). If no lock of
    /// this table is at `address`, any of them counts.
    pub fn is_held_from(&self, address: usize) -> bool {
        self.numbers.is_mine() || (!self.numbers.is_at(address) && self.caches.iter().any(Cache::is_held))
    }

    /// Returns whether one of the locks is the one at `address`.
    pub fn has_lock_at(&self, address: usize) -> bool {
        self.numbers.is_at(address) || self.caches.iter().any(|cache| cache.has_lock_at(address))
    }

    /// A magazine with some free objects of a class for a CPU; `None` if there is no memory (or this thread holds the lock).
    pub fn fill(&self, arena: &Arena, class: Class, cpu: usize, links: Links) -> Option<Magazine> {
        self.caches[class.index()].fill(self, arena, class, cpu as u8, links)
    }

    /// Puts a magazine's rounds back into their slabs; returns the magazine if this thread already holds the lock.
    /// Passes rounds that are no objects of this node to `stray`.
    pub fn take_back(
        &self,
        arena: &Arena,
        class: Class,
        magazine: Magazine,
        links: Links,
        stray: impl FnMut(Object),
    ) -> Result<(), Magazine> {
        self.caches[class.index()].take_back(self, arena, class, magazine, links, stray)
    }

    /// Gives the runs of all empty slabs back.
    pub fn release_empty(&self, arena: &Arena) {
        for class in Class::all() {
            self.caches[class.index()].release_empty(self, arena, class);
        }
    }

    /// Descriptors committed so far: no slab has a higher number.
    pub fn numbers(&self) -> usize {
        self.descriptors.len()
    }

    pub(super) fn cache(&self, class: Class) -> &Cache {
        &self.caches[class.index()]
    }

    /// Slabs and free objects of a class.
    pub fn figures(&self, class: Class) -> CacheFigures {
        self.caches[class.index()].figures()
    }

    /// Slabs and free objects of a class as they were a moment ago, without a lock.
    pub fn outline(&self, class: Class) -> CacheFigures {
        self.caches[class.index()].outline()
    }

    /// Beginning and class of the object that covers `address`, and whether it is free in its slab.
    pub fn object_around(&self, arena: &Arena, address: usize) -> Option<(usize, Class, bool)> {
        let page = arena.region().page_of(address)?;
        let class = arena.region().entry(page).class()?;
        let (slab, number) = self.locate(arena, page, class, address)?;
        let start = arena.region().address(slab.page()) + slab.colour() + number as usize * class.size();
        Some((start, class, slab.has(number)))
    }

    /// Bytes of free objects in slabs as they were a moment ago, without a lock.
    pub fn free_bytes(&self) -> usize {
        Class::all().map(|class| self.outline(class).free as usize * class.size()).sum()
    }

    /// The slab to which a page belongs, and the number of the object that covers `address`. The class must be the page's.
    pub(super) fn locate(&self, arena: &Arena, page: Page, class: Class, address: usize) -> Option<(&Slab, u32)> {
        let (slab, first) = self.slab(arena, self.id_of(arena, page)?);
        let number = class.objects_in(address.checked_sub(first)?);
        (number < class.info().slab_objects as usize).then_some((slab, number as u32))
    }

    /// A slab by its number, and the address of its first object.
    pub(super) fn slab(&self, arena: &Arena, id: SlabId) -> (&Slab, usize) {
        let slab = self.descriptors.get(id.0 as usize - 1);
        (slab, arena.region().address(slab.page()) + slab.colour())
    }

    /// Returns whether the slab of an object is another CPU's.
    pub fn is_of_other(&self, arena: &Arena, address: usize, cpu: usize) -> bool {
        let id = arena.region().page_of(address).and_then(|page| self.id_of(arena, page));
        id.is_some_and(|id| self.descriptors.get(id.0 as usize - 1).owner() != cpu as u8)
    }

    /// The number of the slab to which a page belongs.
    pub(super) fn id_of(&self, arena: &Arena, page: Page) -> Option<SlabId> {
        let id = arena.region().links(page).first.load(Ordering::Relaxed);
        (id != 0 && id as usize <= self.descriptors.len()).then_some(SlabId(id))
    }

    /// Fetches the slab number of the object at `address` into the cache.
    pub(super) fn fetch_id(&self, arena: &Arena, address: usize) {
        if let Some(page) = arena.region().page_of(address) {
            arch::fetch(core::ptr::from_ref(arena.region().links(page)).addr());
        }
    }

    /// Fetches the descriptor of the slab of the object at `address`.
    pub(super) fn fetch_descriptor(&self, arena: &Arena, address: usize) {
        if let Some(id) = arena.region().page_of(address).and_then(|page| self.id_of(arena, page)) {
            self.descriptors.get(id.0 as usize - 1).fetch();
        }
    }

    /// Takes a number, and with it a descriptor, for a new slab.
    pub(super) fn number(&self) -> Option<SlabId> {
        let mut numbers = self.numbers.lock().ok()?;
        if numbers.unused != 0 {
            let id = numbers.unused;
            numbers.unused = self.descriptors.get(id as usize - 1).next.load(Ordering::Relaxed);
            return Some(SlabId(id));
        }
        self.descriptors.extend_to(numbers.used as usize + 1).ok()?;
        numbers.used += 1;
        Some(SlabId(numbers.used))
    }

    /// Gives a number back. If this thread already holds the numbers' lock (it is in a signal handler), the number is lost.
    pub(super) fn forget(&self, id: SlabId) {
        if let Ok(mut numbers) = self.numbers.lock() {
            self.descriptors.get(id.0 as usize - 1).next.store(numbers.unused, Ordering::Relaxed);
            numbers.unused = id.0;
        }
    }

    /// All slabs in use, with their numbers. Takes no lock: in a forked child this thread may hold that of the numbers.
    pub(super) fn in_use(&self) -> impl Iterator<Item = (SlabId, &Slab, Class)> {
        (1..=self.descriptors.len() as u32).map(SlabId).filter_map(|id| {
            let slab = self.descriptors.get(id.0 as usize - 1);
            Some((id, slab, slab.class()?))
        })
    }

    /// In a forked child: rebuilds what was locked by threads that no longer exist.
    pub fn rebuild(&self, arena: &Arena) {
        if let Some(mut numbers) = self.numbers.inherit() {
            // The unused numbers are lost. `used` is one word, and right at any time. The highest number with a class may be lower than that, because
            // this thread may be about to begin a slab.
            numbers.unused = 0;
        }
        let rebuilt = Class::all().filter(|&class| self.cache(class).rebuild(self, class));
        // A slab's number of hollow pages changes under the lock of its class.
        if rebuilt.count() > 0 {
            arena.recount_hollow(self.hollow());
        }
    }

    /// Hollow pages of all slabs.
    fn hollow(&self) -> u32 {
        self.in_use().map(|(_, slab, _)| slab.hollow()).sum()
    }

    /// Checks every invariant; the caller must have stopped the world.
    pub fn validate(&self, arena: &Arena) -> Result<(), &'static str> {
        for (id, slab, class) in self.in_use() {
            if slab.count() != slab.free() {
                return Err("a slab's count and its bits disagree");
            }
            let region = arena.region();
            let pages = (0..class.info().slab_pages).map(|offset| slab.page().plus(offset));
            for page in pages {
                if region.entry(page).class() != Some(class) || self.id_of(arena, page) != Some(id) {
                    return Err("a slab's page does not name its slab");
                }
            }
        }
        if self.hollow() as usize * PAGE != arena.hollow_bytes() {
            return Err("the arena's count of hollow pages is wrong");
        }
        Class::all().try_for_each(|class| self.caches[class.index()].validate(self, class))
    }
}

#[cfg(test)]
impl Slabs {
    /// Holds the lock of a class, as if a signal handler had interrupted this thread as its holder.
    pub fn seize(&self, class: Class) -> impl Sized + '_ {
        self.caches[class.index()].try_hold().unwrap()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::units::HUGE_PAGE;
    use crate::region::{Object, Region};
    extern crate std;
    use std::vec::Vec;

    const REGION: usize = 32 << 20;
    pub(in crate::slab) const CLASS: Class = Class(20);

    /// Links of no real process; they may lead anywhere.
    fn links() -> Links {
        Links { secret: 0x5eed, regions: Default::default() }
    }

    /// Runs `test` with an arena and its slabs, and validates them afterwards.
    pub(in crate::slab) fn with_slabs(test: impl FnOnce(&Slabs, &Arena)) {
        let (arena, pages) = (Arena::default(), REGION / PAGE);
        let caches = core::array::from_fn(|_| Cache::default());
        let slabs = Slabs { descriptors: Table::new(), numbers: Lock::default(), caches };
        let metadata = Span::reserve(Region::metadata_len(REGION) + Slabs::metadata_len(pages), PAGE).unwrap();
        let rest = arena.settle(Span::reserve(REGION, REGION).unwrap(), metadata);
        slabs.settle(rest, pages);
        test(&slabs, &arena);
        assert_eq!(slabs.validate(&arena), Ok(()));
        assert_eq!(arena.validate(), Ok(()));
    }

    /// The objects of as many fills as give `count`, in the order in which they came.
    pub(in crate::slab) fn objects(slabs: &Slabs, arena: &Arena, count: usize) -> Vec<usize> {
        objects_for(0, CLASS, slabs, arena, count)
    }

    fn objects_for(cpu: usize, class: Class, slabs: &Slabs, arena: &Arena, count: usize) -> Vec<usize> {
        let mut found = Vec::new();
        while found.len() < count {
            found.extend(fill(cpu, class, slabs, arena));
        }
        found
    }

    /// The objects of one fill.
    fn fill(cpu: usize, class: Class, slabs: &Slabs, arena: &Arena) -> Vec<usize> {
        let mut magazine = slabs.fill(arena, class, cpu, links()).unwrap();
        core::iter::from_fn(|| magazine.pop(links(), class)).map(|object| object.address()).collect()
    }

    pub(in crate::slab) fn give_back(slabs: &Slabs, arena: &Arena, addresses: &[usize]) {
        for few in addresses.chunks(CLASS.info().rounds as usize) {
            let mut magazine = Magazine::empty(CLASS);
            few.iter().for_each(|&address| magazine.push(links(), Object::mint(address)).unwrap());
            slabs.take_back(arena, CLASS, magazine, links(), |stray| panic!("{stray:?} is of this node")).unwrap();
        }
    }

    #[test]
    fn objects_do_not_overlap_and_know_where_they_begin() {
        with_slabs(|slabs, arena| {
            let mut found = objects(slabs, arena, 3 * CLASS.info().slab_objects as usize);
            found.sort_unstable();
            assert!(found.windows(2).all(|pair| pair[1] - pair[0] >= CLASS.size()));
            for &address in &found {
                let inside = address + CLASS.size() - 1;
                assert_eq!(slabs.object_around(arena, inside), Some((address, CLASS, false)));
            }
        });
    }

    #[test]
    fn an_address_inside_an_object_is_none() {
        with_slabs(|slabs, arena| {
            let (found, mut magazine, mut strays) = (objects(slabs, arena, 4), Magazine::empty(CLASS), 0);
            magazine.push(links(), Object::mint(found[1] + 16)).unwrap();
            slabs.take_back(arena, CLASS, magazine, links(), |_| strays += 1).unwrap();
            assert_eq!(strays, 1);
            assert_eq!(slabs.object_around(arena, found[1]), Some((found[1], CLASS, false)));
        });
    }

    #[test]
    fn a_child_of_who_held_the_numbers_finds_every_slab() {
        with_slabs(|slabs, arena| {
            objects(slabs, arena, 3 * CLASS.info().slab_objects as usize);
            let before = slabs.figures(CLASS);
            let interrupted = slabs.numbers.lock();
            slabs.caches[CLASS.index()].lists.orphan();
            slabs.rebuild(arena);
            drop(interrupted);
            assert_eq!(slabs.figures(CLASS), before);
        });
    }

    #[test]
    fn a_child_gives_no_number_out_that_is_in_a_hand() {
        with_slabs(|slabs, arena| {
            objects(slabs, arena, 1);
            let in_hand = slabs.number().unwrap();
            slabs.numbers.orphan();
            slabs.rebuild(arena);
            assert!(slabs.number().unwrap().0 > in_hand.0);
        });
    }

    #[test]
    fn empty_slabs_give_their_pages_back() {
        with_slabs(|slabs, arena| {
            let found = objects(slabs, arena, 5 * CLASS.info().slab_objects as usize);
            assert!(slabs.figures(CLASS).slabs >= 5);
            assert_eq!(slabs.outline(CLASS), slabs.figures(CLASS));
            let few = found.len() / 10;
            give_back(slabs, arena, &found[..few]);
            let free = slabs.figures(CLASS).free as usize;
            assert!(free >= few && slabs.free_bytes() == free * CLASS.size());
            give_back(slabs, arena, &found[few..]);
            slabs.release_empty(arena);
            assert_eq!(slabs.figures(CLASS).slabs, 0);
            assert_eq!(slabs.outline(CLASS), slabs.figures(CLASS));
            let (warm, zero) = arena.free_pages();
            assert_eq!(warm + zero, arena.region().pages());
        });
    }

    #[test]
    fn a_child_gives_no_number_twice() {
        with_slabs(|slabs, arena| {
            let [_, second] = [(); 2].map(|()| slabs.number().unwrap());
            slabs.forget(second);
            slabs.numbers.orphan();
            slabs.rebuild(arena);
            let mut given = [(); 4].map(|()| slabs.number().unwrap().0);
            given.sort_unstable();
            assert_eq!(given, [3, 4, 5, 6], "what was given out before the fork is lost");
        });
    }

    #[test]
    fn objects_of_one_line_go_to_one_cpu() {
        with_slabs(|slabs, arena| {
            let class = Class::of(48);
            let lines = |objects: &[usize]| -> Vec<usize> {
                objects.iter().flat_map(|&address| [address / 64, (address + class.size() - 1) / 64]).collect()
            };
            let (first, second) = (objects_for(0, class, slabs, arena, 500), objects_for(1, class, slabs, arena, 500));
            let of_second = lines(&second);
            assert!(lines(&first).iter().all(|line| !of_second.contains(line)));
            assert!(first.iter().all(|&address| slabs.is_of_other(arena, address, 1)));
            assert!(second.iter().all(|&address| !slabs.is_of_other(arena, address, 1)));
        });
    }

    #[test]
    fn of_many_slabs_the_fresh_ones_are_a_cpus_own_and_the_others_shared() {
        with_slabs(|slabs, arena| {
            let is_of = |objects: &[usize], cpu| objects.iter().all(|&address| !slabs.is_of_other(arena, address, cpu));
            let [_, few] = [2, 3].map(|cpu| fill(cpu, CLASS, slabs, arena));
            assert!(is_of(&few, 2), "there are few slabs yet");
            let _many = objects_for(2, CLASS, slabs, arena, 20 * CLASS.info().slab_objects as usize);
            let [first, second] = [0, 1].map(|cpu| fill(cpu, CLASS, slabs, arena));
            assert!(is_of(&first, 0) && is_of(&second, 1));
            let rest = objects_for(0, CLASS, slabs, arena, CLASS.info().slab_objects as usize - first.len());
            assert!(is_of(&rest, 0));
            give_back(slabs, arena, &rest[1..]);
            assert!(is_of(&fill(1, CLASS, slabs, arena), 0), "it is the fullest that is not fresh");
        });
    }

    #[test]
    fn very_small_objects_in_a_row_lie_on_different_lines() {
        // The first fill of 24 bytes has five groups of eight.
        for (size, in_a_row) in [(8, 8), (16, 8), (24, 5), (32, 8)] {
            with_slabs(|slabs, arena| {
                let class = Class::of(size);
                let found = objects_for(0, class, slabs, arena, class.info().slab_objects as usize);
                let line = |address: usize| address / 64;
                let few = found.get(..in_a_row).unwrap();
                for (index, &one) in few.iter().enumerate() {
                    let shares =
                        |&&other: &&usize| line(other) <= line(one + size - 1) && line(one) <= line(other + size - 1);
                    assert_eq!(few.iter().filter(shares).count(), 1, "{size} bytes, number {index}: {few:x?}");
                }
                let mut all = found.clone();
                all.sort_unstable();
                all.dedup();
                assert_eq!(all.len(), found.len());
            });
        }
    }

    #[test]
    fn a_fill_of_a_large_class_is_a_magazine_but_not_of_fresh_pages() {
        with_slabs(|slabs, arena| {
            let bytes = |objects: &Vec<usize>| objects.len() * CLASS.size();
            let next = || fill(0, CLASS, slabs, arena);
            let found: Vec<_> = (0..300).map(|_| next()).collect();
            let most_fresh = found.iter().map(bytes).max().unwrap();
            assert!((4097..=8192).contains(&most_fresh), "{most_fresh} bytes of pages that were never touched");
            let (kept, freed): (Vec<_>, Vec<_>) =
                found.concat().iter().partition(|&&address| address % 16384 < CLASS.size());
            give_back(slabs, arena, &freed);
            assert!(kept.len() > 100, "no slab is empty");
            let largest = (0..20).map(|_| bytes(&next())).max().unwrap();
            assert!(largest > 3 * 8192 && largest <= CLASS.info().rounds as usize * CLASS.size(), "{largest} bytes");
        });
    }

    #[test]
    fn who_begins_a_slab_in_a_huge_page_touches_it_first() {
        with_slabs(|slabs, arena| {
            let next = || arena.region().page_of(objects(slabs, arena, 1)[0]).unwrap().0;
            let first = (0..).map(|_| next()).find(|_| arena.watched() > 0).unwrap();
            assert!((first + 1..=first + HUGE_PAGE as u32 / PAGE as u32).contains(&arena.watched()));
        });
    }

    #[test]
    fn the_fullest_slab_serves_first() {
        with_slabs(|slabs, arena| {
            let each = CLASS.info().slab_objects as usize;
            let found = objects(slabs, arena, 3 * each);
            let slab_of = |address: usize| slabs.id_of(arena, arena.region().page_of(address).unwrap());
            let of_slab = |id| found.iter().copied().filter(|&address| slab_of(address) == id).collect::<Vec<_>>();
            let (sparse, dense) = (of_slab(slab_of(found[0])), of_slab(slab_of(found[each])));
            assert_ne!(slab_of(sparse[0]), slab_of(dense[0]));
            give_back(slabs, arena, &sparse[..each * 7 / 8]);
            give_back(slabs, arena, &dense[..1]);
            let next = objects(slabs, arena, 1)[0];
            assert_ne!(slab_of(next), slab_of(sparse[0]), "a slab that could drain is filled up again");
        });
    }
}
