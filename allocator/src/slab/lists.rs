//! The lists of one class's slabs that have free objects, by how full they are.

use super::descriptor::{Slab, SlabId};
use crate::base::sync::Ordering;
use crate::base::units::Class;
use crate::region::Table;

/// Partial lists, fullest first.
const PARTIAL: usize = 4;
/// Slabs that are looked at for a CPU's own.
const MOST_LOOKS: u32 = 16;
/// Slabs that may lie free, beside a quarter, before a CPU is given another's.
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
    pub(super) free: u32,
    /// Objects of the next fill: grows from little to a whole magazine, so that a small process touches few pages.
    pub(super) batch: u32,
    /// Colour of the next slab.
    pub(super) next_colour: u32,
}

impl Lists {
    /// The list a slab belongs in, by its free objects; none if it is full.
    fn list_for(slab: &Slab, class: Class) -> Option<usize> {
        let (free, all) = (slab.free(), class.info().slab_objects);
        if free == 0 {
            None
        } else if free == all {
            Some(EMPTY)
        } else {
            Some((free * PARTIAL as u32 / all) as usize)
        }
    }

    /// The fullest slab with a free object.
    pub(super) fn fullest(&self) -> Option<SlabId> {
        self.heads.iter().find(|&&head| head != 0).map(|&head| SlabId(head))
    }

    /// A slab with a free object that is a CPU's or, being empty, nobody's; the fullest of the first few.
    pub(super) fn fullest_of(&self, table: &Table<Slab>, cpu: u8) -> Option<SlabId> {
        let mut looks = MOST_LOOKS;
        for &head in &self.heads[..PARTIAL] {
            let mut id = head;
            while id != 0 && looks > 0 {
                let slab = table.get(id as usize - 1);
                if slab.owner() == cpu {
                    return Some(SlabId(id));
                }
                id = slab.next.load(Ordering::Relaxed);
                looks -= 1;
            }
        }
        self.empty()
    }

    /// Whether more lies free than slabs of several CPUs explain: then they share.
    pub(super) fn is_rich(&self, class: Class) -> bool {
        let each = u64::from(class.info().slab_objects);
        u64::from(self.free) > u64::from(self.slabs) * each / 8 + SPARED * each
    }

    /// An empty slab.
    pub(super) fn empty(&self) -> Option<SlabId> {
        (self.heads[EMPTY] != 0).then_some(SlabId(self.heads[EMPTY]))
    }

    /// Moves a slab to the list it belongs in after its count changed.
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

    /// Takes a slab out of its list, if it is in one.
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

    /// Slabs in all lists (for validation).
    pub(super) fn listed(&self, table: &Table<Slab>) -> u32 {
        let mut count = 0;
        for &head in &self.heads {
            let mut id = head;
            while id != 0 {
                count += 1;
                id = table.get(id as usize - 1).next.load(Ordering::Relaxed);
            }
        }
        count
    }
}
