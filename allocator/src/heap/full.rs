//! Nodes without memory left, and the zonelist.
//!
//! A region is bound such that the kernel prefers its node. When that node is full, the kernel silently takes pages of the nearest other
//! one. Those pages would then belong to a region on whose node they do not lie, for as long as they are in use there. So a slow path that
//! got fresh pages checks now and then where one of them lies (`move_pages`). If that is elsewhere, the node's arena is **full**: it gives
//! warm pages only, and the request goes on along the zonelist to an arena whose node has memory, where the pages are at home.
//!
//! | attempt | nodes | pages |
//! |---|---|---|
//! | first | along the zonelist | warm ones; fresh ones unless the node is full |
//! | second | the same, after what lies idle was gathered | the same |
//! | third | the same; full ones are tried again | any: the kernel decides |
//! | last | the spare node | any |
//!
//! This is the kernel's own order (low watermark; reclaim; lower marks; reserves), with one difference: that a node is below the mark is
//! only known afterwards. A full node is tried again after some requests, ever less often while it stays full.
//!
//! One look costs 240 ns, and there is at most one per [`LOOK_AFTER`] fresh pages, which cost the kernel a hundred times that. A look is
//! taken only where regions are bound, and in programs of more than one thread, as with [`threads`](super::threads).

use super::Heap;
use crate::arena::Arena;
use crate::base::sync::{AtomicU32, AtomicUsize, Ordering};
use crate::base::units::{NodeId, PAGE};
use crate::sys::arch;
use crate::sys::numa;

/// Fresh pages between two looks (256 KiB).
const LOOK_AFTER: u32 = 64;
/// How many requests a full node turns away before it is tried again: at first, and at most.
const LEAST_PATIENCE: u32 = 64;
const MOST_PATIENCE: u32 = 4096;
/// Fresh pages that a node gives without a look when all nodes are full (16 MiB).
const GRACE: u32 = 4096;

/// What is known of a node. All zero is nothing.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// [`Arena::fresh_taken`] at the last look.
    looked_at: AtomicU32,
    /// A fresh large object, which may not have been touched yet when it was handed out.
    suspect: AtomicUsize,
    patience: AtomicU32,
    refused: AtomicU32,
}

impl Room {
    pub(super) fn is_found_full(&self, arena: &Arena) {
        let patience = (self.patience.load(Ordering::Relaxed) * 2).clamp(LEAST_PATIENCE, MOST_PATIENCE);
        self.patience.store(patience, Ordering::Relaxed);
        self.refused.store(0, Ordering::Relaxed);
        arena.set_full(true);
    }

    /// Forgets the suspect, which is from before pages were moved to another node.
    pub(super) fn forget(&self, arena: &Arena) {
        self.suspect.store(0, Ordering::Relaxed);
        self.looked_at.store(arena.fresh_taken(), Ordering::Relaxed);
    }
}

impl Heap {
    /// Notes that a node gave fresh pages, one of which is at `address`; `touched` if somebody has written to it.
    pub(super) fn note_fresh(&self, id: NodeId, address: usize, touched: bool) {
        let room = &self.node(id).room;
        let since = self.node(id).arena.fresh_taken().wrapping_sub(room.looked_at.load(Ordering::Relaxed));
        if (since as i32) < LOOK_AFTER as i32 || !self.may_look(id) {
            return;
        }
        let page = if touched { address } else { room.suspect.swap(address, Ordering::Relaxed) };
        if page != 0 {
            self.look_at(id, page & !(PAGE - 1));
        }
    }

    fn may_look(&self, id: NodeId) -> bool {
        self.are_bound.load(Ordering::Relaxed)
            && id.index() < self.node_count()
            && arch::libc_single_threaded() == Some(false)
    }

    #[cold]
    fn look_at(&self, id: NodeId, page: usize) {
        let (arena, room) = (&self.node(id).arena, &self.node(id).room);
        let mut place = [0];
        let Ok(()) = self.ask_kernel(|| numa::places_of(&[page], &mut place)) else { return };
        // Nobody has touched it yet, so nothing is known.
        let Ok(place) = usize::try_from(place[0]) else { return };
        room.looked_at.store(arena.fresh_taken(), Ordering::Relaxed);
        if place == self.system_id(id) {
            room.patience.store(0, Ordering::Relaxed);
        } else {
            room.is_found_full(arena);
        }
    }

    /// Notes that a node did not serve a request. If it is full, it is tried again some requests later, and then looked at at once.
    pub(super) fn note_refused(&self, id: NodeId) {
        let (arena, room) = (&self.node(id).arena, &self.node(id).room);
        if !arena.is_full() {
            return;
        }
        let refused = room.refused.load(Ordering::Relaxed) + 1;
        room.refused.store(refused, Ordering::Relaxed);
        if refused >= room.patience.load(Ordering::Relaxed) {
            room.suspect.store(0, Ordering::Relaxed);
            room.looked_at.store(arena.fresh_taken().wrapping_sub(LOOK_AFTER), Ordering::Relaxed);
            arena.set_full(false);
        }
    }

    /// No node has anything within the mark: lets those that are full give whatever the kernel finds. Returns false if no node is full.
    pub(super) fn lift_marks(&self) -> bool {
        let full = || self.regular_nodes().filter(|id| self.node(*id).arena.is_full());
        let any = full().next().is_some();
        for id in full() {
            let node = self.node(id);
            node.room.looked_at.store(node.arena.fresh_taken().wrapping_add(GRACE), Ordering::Relaxed);
            node.arena.set_full(false);
        }
        any
    }
}
