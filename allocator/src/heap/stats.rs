//! Figures: gathered from the layers when asked for, so the hit path counts nothing.

use super::Heap;
use crate::arena::Arena;
use crate::base::units::{Class, NodeId, ORDERS, Order, PAGE};
use crate::region::Magazine;
use crate::stats::{ClassStats, GivenBack, OrderStats, PageStats, Stats};
use crate::sys::limit::{LIMIT, NONE};

fn add_bounds(stats: &mut Stats) {
    let bound = |bytes| if bytes == NONE { 0 } else { bytes };
    (stats.limit, stats.ceiling) = (bound(LIMIT.most()), bound(LIMIT.ceiling()));
    (stats.held, stats.limit_hits) = (LIMIT.held(), LIMIT.refused());
}

impl Heap {
    /// All figures of all nodes.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        self.read_stats(&mut stats);
        stats
    }

    /// As [`Heap::stats`], into figures that are still all zero: they are 6 KiB, which threads of little stack have room for once but not
    /// twice.
    pub fn read_stats(&self, stats: &mut Stats) {
        if self.enter() {
            stats.nodes = self.node_count();
            self.all_nodes().for_each(|id| self.add_node(stats, id));
            self.add_huge(stats);
            add_bounds(stats);
            stats.sum_classes();
        }
        stats.mode = self.cpus.mode();
    }

    fn add_huge(&self, stats: &mut Stats) {
        let (bytes, count) = self.huge.places.in_use();
        (stats.huge_in_use, stats.huge_count, stats.huge_warm) =
            (bytes as usize, count as usize, self.huge.warm_bytes());
        let (taken, refused) = self.huge.pages.pool_figures();
        (stats.hugetlb, stats.hugetlb_refused) = (taken as usize, refused);
        stats.metadata = self.metadata_committed();
        let mapped = stats.huge_in_use + stats.huge_warm;
        stats.committed += stats.metadata + mapped;
        stats.reserved += mapped;
    }

    /// Committed bytes of tables.
    fn metadata_committed(&self) -> usize {
        let of_nodes: usize = self.all_nodes().map(|id| self.node(id).metadata_committed()).sum();
        let of_all = self.huge.places.metadata_committed() + self.cpus.metadata_committed() + self.nodes.committed();
        of_nodes + of_all + self.threads.metadata_committed()
    }

    /// What counts towards the limits, computed from what there is.
    pub(super) fn held(&self) -> usize {
        let of_arena = |arena: &Arena| arena.held().saturating_sub(arena.hollow_bytes());
        let in_arenas: usize = self.all_nodes().map(|id| of_arena(&self.node(id).arena)).sum();
        let (in_mappings, _) = self.huge.places.in_use();
        in_arenas + in_mappings as usize + self.huge.warm_bytes() + self.metadata_committed()
    }

    fn add_node(&self, stats: &mut Stats, id: NodeId) {
        let node = self.node(id);
        let (pages, count) = node.arena.large_in_use();
        stats.large_in_use += pages as usize * PAGE;
        stats.large_count += count as usize;
        stats.thp_asked += node.arena.huge_pages_asked() as usize * PAGE;
        stats.reserved += node.arena.region().reserved();
        stats.committed += node.arena.region().pages() as usize * PAGE;
        for (sum, free) in stats.orders.iter_mut().zip(self.order_stats_of(id)) {
            sum.warm += free.warm;
            sum.zero += free.zero;
        }
        let pages = self.page_stats_of(id);
        stats.warm += pages.warm;
        stats.zero += pages.zero;
        stats.given_back.add(pages.given_back);
        stats.purged = stats.given_back.total();
        stats.refaulted += pages.refaulted;
        for class in Class::all() {
            self.add_class(&mut stats.classes[class.index()], id, class);
        }
    }

    /// The free runs of node number `index` by order; the spare node comes after the last.
    pub fn order_stats(&self, index: usize) -> Option<[OrderStats; ORDERS]> {
        (self.enter() && index <= self.spare().index()).then(|| self.order_stats_of(NodeId(index as u8)))
    }

    fn order_stats_of(&self, id: NodeId) -> [OrderStats; ORDERS] {
        core::array::from_fn(|order| {
            let (warm, zero) = self.node(id).arena.free_runs(Order(order as u8));
            OrderStats { warm: warm as usize, zero: zero as usize }
        })
    }

    /// The pages of node number `index`; the spare node comes after the last.
    pub fn page_stats(&self, index: usize) -> Option<PageStats> {
        (self.enter() && index <= self.spare().index()).then(|| self.page_stats_of(NodeId(index as u8)))
    }

    fn page_stats_of(&self, id: NodeId) -> PageStats {
        let arena = &self.node(id).arena;
        let bytes = |pages: u32| pages as usize * PAGE;
        let (warm, zero) = arena.free_pages();
        let (committed, marks) = (arena.region().pages(), arena.marks(self.purge_policy_of(id)));
        let [direct, decay, idle, limit, trim] = arena.given_back().map(|pages| pages as usize * PAGE);
        PageStats {
            committed: bytes(committed),
            in_use: bytes(committed.saturating_sub(warm + zero)),
            warm: bytes(warm),
            zero: bytes(zero),
            min: bytes(marks.min),
            low: bytes(marks.low),
            high: bytes(marks.high),
            given_back: GivenBack { direct, decay, idle, limit, trim },
            refaulted: arena.refaults() as usize * PAGE,
        }
    }

    fn add_class(&self, stats: &mut ClassStats, id: NodeId, class: Class) {
        let node = self.node(id);
        let figures = node.slabs.figures(class);
        let (_, in_depot) = node.depots.figures(class);
        let mut in_windows = 0;
        self.cpus.words(id.index(), class, |word| in_windows += Magazine::rounds_in(word, class) as usize);
        stats.size = class.size();
        stats.slabs += figures.slabs as usize;
        stats.slab_bytes += figures.slabs as usize * class.info().slab_pages as usize * PAGE;
        stats.in_slabs += figures.free as usize;
        stats.in_depots += in_depot as usize;
        stats.in_windows += in_windows;
        let objects = stats.slabs * class.info().slab_objects as usize;
        stats.in_use = objects.saturating_sub(stats.in_slabs + stats.in_depots + stats.in_windows);
    }
}
