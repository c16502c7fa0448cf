//! The lists of those slabs of one class that have free objects, by how full they are.

use super::descriptor::{Slab, SlabId};
use crate::base::sync::Ordering;
use crate::base::units::Class;
use crate::region::Table;
use core::iter;

/// Number of lists of partial slabs, fullest first.
const PARTIAL: usize = 4;
/// Most slabs that are looked at to find one of a CPU.
const MOST_LOOKS: usize = 16;
/// Slabs' worth of objects that may lie free, beside an eighth of the class, before a CPU is given another CPU's slab.
const SPARED: u64 = 4;
/// The list of empty slabs.
pub(super) const EMPTY: usize = PARTIAL;

/// All zero is "no slabs".
#[derive(Debug, Default)]
pub(super) struct Lists {
    heads: [u32; PARTIAL + 1],
    /// Slabs of the class.
    pub(super) slabs: u32,
    /// Free objects in them.
    pub(super) free: u64,
    /// Objects that the last fill asked for; the next asks for twice as many, so that a small process touches few pages.
    pub(super) batch: u32,
    /// Colour of the next slab.
    pub(super) next_colour: u32,
}

impl Lists {
    /// The list in which a slab belongs, by its free objects; `None` if it is full.
    fn list_for(slab: &Slab, class: Class) -> Option<usize> {
        let (free, all) = (slab.free(), class.info().slab_objects);
        if free == 0 {
            None
        } else if free == all {
            Some(EMPTY)
        } else {
            // Of `PARTIAL` parts of all the whole ones that are free, without a division: this is asked of every object that comes back.
            Some((1..PARTIAL as u32).filter(|part| free * PARTIAL as u32 >= part * all).count())
        }
    }

    /// The fullest slab with a free object.
    pub(super) fn fullest(&self) -> Option<SlabId> {
        self.heads.iter().find(|&&head| head != 0).map(|&head| SlabId(head))
    }

    /// The fullest of the CPU's own slabs with a free object, among the first few; else an empty slab.
    pub(super) fn fullest_of(&self, table: &Table<Slab>, cpu: u8) -> Option<SlabId> {
        let partial = slabs_of(&self.heads[..PARTIAL], table);
        let own = partial.take(MOST_LOOKS).find(|id| table.get(id.0 as usize - 1).owner() == cpu);
        own.or_else(|| self.empty())
    }

    /// The fullest slab with a free object and without hollow pages; if all have some, the one with the fewest.
    pub(super) fn least_hollow(&self, table: &Table<Slab>) -> Option<SlabId> {
        let (all, hollow) = (|| slabs_of(&self.heads, table), |id: &SlabId| table.get(id.0 as usize - 1).hollow());
        all().find(|id| hollow(id) == 0).or_else(|| all().min_by_key(hollow))
    }

    /// Returns whether more lies free than several CPUs with slabs of their own explain: then CPUs share slabs.
    pub(super) fn is_rich(&self, class: Class) -> bool {
        let each = u64::from(class.info().slab_objects);
        self.free > u64::from(self.slabs) * each / 8 + SPARED * each
    }

    /// An empty slab.
    pub(super) fn empty(&self) -> Option<SlabId> {
        (self.heads[EMPTY] != 0).then_some(SlabId(self.heads[EMPTY]))
    }

    /// After a slab's count changed: moves it to the list where it belongs.
    pub(super) fn place(&mut self, table: &Table<Slab>, id: SlabId, class: Class) {
        let slab = table.get(id.0 as usize - 1);
        let wanted = Lists::list_for(slab, class).map_or(0, |list| list as u8 + 1);
        if slab.list.load(Ordering::Relaxed) != wanted {
            self.unlink(table, id);
            self.link(table, id, wanted);
        }
    }

    fn link(&mut self, table: &Table<Slab>, id: SlabId, list: u8) {
        let slab = table.get(id.0 as usize - 1);
        slab.list.store(list, Ordering::Relaxed);
        let Some(head) = (list as usize).checked_sub(1).and_then(|list| self.heads.get_mut(list)) else { return };
        slab.next.store(*head, Ordering::Relaxed);
        slab.previous.store(0, Ordering::Relaxed);
        if *head != 0 {
            table.get(*head as usize - 1).previous.store(id.0, Ordering::Relaxed);
        }
        *head = id.0;
    }

    /// Takes a slab out of its list, if it is on one.
    pub(super) fn unlink(&mut self, table: &Table<Slab>, id: SlabId) {
        let slab = table.get(id.0 as usize - 1);
        let list = slab.list.swap(0, Ordering::Relaxed);
        let Some(head) = (list as usize).checked_sub(1).and_then(|list| self.heads.get_mut(list)) else { return };
        let (next, previous) = (slab.next.load(Ordering::Relaxed), slab.previous.load(Ordering::Relaxed));
        match previous {
            0 => *head = next,
            previous => table.get(previous as usize - 1).next.store(next, Ordering::Relaxed),
        }
        if next != 0 {
            table.get(next as usize - 1).previous.store(previous, Ordering::Relaxed);
        }
    }

    /// Number of slabs on all lists (for validation).
    pub(super) fn listed(&self, table: &Table<Slab>) -> u32 {
        slabs_of(&self.heads, table).count() as u32
    }
}

/// The slabs of the lists with these heads, in order.
fn slabs_of(heads: &[u32], table: &Table<Slab>) -> impl Iterator<Item = SlabId> {
    let some = |id| (id != 0).then_some(SlabId(id));
    let next = move |id: &SlabId| some(table.get(id.0 as usize - 1).next.load(Ordering::Relaxed));
    heads.iter().flat_map(move |&head| iter::successors(some(head), next))
}
