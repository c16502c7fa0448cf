//! Boot, continued, where there are several nodes: decides the placement, binds the regions, and learns distances and CPUs.
//!
//! This is the only place where larder calls `mbind` for regions: for each as a whole, so that each stays one mapping, and never again, so
//! that a process may forbid itself the call later on.

use super::Heap;
use super::placement::Placement;
use super::whereabouts::Whereabout;
use crate::base::sync::Ordering;
use crate::base::units::NodeId;
use crate::stats::NumaPolicy;
use crate::sys::die::warn;
use crate::sys::nodeset::NodeSet;
use crate::sys::numa::{self, MemoryPolicy, NumaCall};
use crate::sys::topology::Topology;

impl Heap {
    /// The placement that results from the process's cpuset and policy and from the options.
    pub(super) fn placement(&self, topology: &Topology<'_>) -> Placement {
        if topology.online().len() == 1 {
            return self.asked_placement(topology);
        }
        let get = NumaCall::GetMempolicy;
        let allowed = self.refusals.attempt(get, numa::allowed_nodes).ok().or_else(numa::allowed_nodes_by_proc);
        let usable = allowed.map(|allowed| topology.memory().and(&allowed)).filter(|usable| !usable.is_empty());
        let usable = usable.unwrap_or(*topology.memory());
        match self.asked_policy(&usable) {
            Some(policy) => Placement::new(&policy, &usable, false),
            None => {
                let own = self.refusals.attempt(get, numa::own_policy);
                own.iter().for_each(|own| self.threads.differ_from(own));
                Placement::new(&own.unwrap_or(MemoryPolicy::Local), &usable, true)
            }
        }
    }

    /// The placement that results from the options alone: on a machine of one node, or one that is only described.
    pub(super) fn asked_placement(&self, topology: &Topology<'_>) -> Placement {
        let policy = self.asked_policy(topology.memory()).unwrap_or(MemoryPolicy::Local);
        Placement::new(&policy, topology.memory(), false)
    }

    /// The policy of the options, unless it names a node that cannot be used.
    fn asked_policy(&self, usable: &NodeSet) -> Option<MemoryPolicy> {
        let policy = self.settings.memory_policy(usable)?;
        let (MemoryPolicy::Preferred(nodes) | MemoryPolicy::Bind(nodes) | MemoryPolicy::Interleave(nodes)) = policy
        else {
            return Some(policy);
        };
        if nodes.and(usable) == nodes {
            return Some(policy);
        }
        warn(format_args!(
            "LARDER_CONF: numa names node(s) {nodes}, but this process can use memory only of node(s) {usable}; using local"
        ));
        None
    }

    /// Carries out the placement. With one node there is nothing to do except to bind it, if that was asked for.
    pub(super) fn place(&self, topology: &Topology<'_>, placement: &Placement) {
        let mut are_bound = true;
        for (index, system_id) in placement.arenas.iter().enumerate() {
            self.node(NodeId(index as u8)).system_id.store(system_id as u16, Ordering::Relaxed);
            are_bound &= self.bind_region(NodeId(index as u8), placement.binding_of(system_id), system_id);
        }
        self.policy.store(placement.policy() as u8, Ordering::Relaxed);
        self.are_bound.store(are_bound, Ordering::Relaxed);
        self.binds_mappings.store(placement.binds_mappings(), Ordering::Relaxed);
        self.warn_if_refused(placement);
        self.common_home.store(self.common_home_under(placement).map_or(0, |home| home.0 + 1), Ordering::Relaxed);
        let first = self.system_id(NodeId(0));
        self.bind_region(self.spare(), placement.binding_of_spare(), first);
        if self.node_count() == 1 {
            return;
        }
        self.bind_region(NodeId(self.node_count() as u8), placement.binding_of_interleaved(), first);
        self.regular_nodes().for_each(|id| self.order_zonelist(topology, placement, id));
        self.spread.store(placement.spread.len(), Ordering::Relaxed);
        topology.online().iter().for_each(|system_id| self.settle_cpus(topology, placement, system_id));
    }

    fn warn_if_refused(&self, placement: &Placement) {
        let errno = self.refusals.errno_of(NumaCall::Mbind);
        if errno != 0 && placement.binds_mappings() {
            warn(format_args!(
                "LARDER_CONF: numa: the system refuses mbind (error {errno}): each page will lie on the node of the thread that touches it first"
            ));
        }
    }

    fn common_home_under(&self, placement: &Placement) -> Option<NodeId> {
        match placement.homes.len() {
            0 => Some(NodeId(self.node_count() as u8)),
            1 => placement.homes.iter().next().and_then(|home| self.node_with(home)),
            _ => None,
        }
    }

    /// Binds a region, if there is a policy for it. Returns whether its pages will come from this home first.
    fn bind_region(&self, id: NodeId, policy: Option<MemoryPolicy>, home: usize) -> bool {
        policy.is_some_and(|policy| self.node(id).arena.region().bind(&self.refusals, &policy, home).is_ok())
    }

    /// Orders a node's zonelist: itself, then the others as the kernel would take them, so that both agree on where memory comes from when
    /// the node is full. Of equally distant nodes the one that follows this node comes first, so that neighbours do not all turn to the
    /// same node. For the interleaved arena, the nodes it is spread over come first.
    fn order_zonelist(&self, topology: &Topology<'_>, placement: &Placement, id: NodeId) {
        let count = self.node_count();
        let mut keys = [(u32::MAX, 0_u8); crate::sys::topology::MAX_NODES];
        for (index, key) in keys[..count].iter_mut().enumerate() {
            let other = NodeId(index as u8);
            let first = other == id || (id.index() == count && placement.spread.contains(self.system_id(other)));
            *key = (if first { 0 } else { u32::MAX }, other.0);
        }
        if id.index() < count {
            topology.ranks_from(self.system_id(id), |system_id, rank| {
                if let Some(other) = self.node_with(system_id) {
                    keys[other.index()].0 = rank;
                }
            });
        }
        let order = |&(rank, index): &(u32, u8)| (rank, (index as usize + count - id.index() % count) % count);
        // By insertion: the library's sort is 17 KiB of text, which every process would have to map for so short a list.
        for next in 1..count {
            let place = keys[..next].partition_point(|key| order(key) < order(&keys[next]));
            keys[place..=next].rotate_right(1);
        }
        for (place, (_, index)) in self.node(id).zonelist.iter().zip(&keys[..count]) {
            place.store(*index, Ordering::Relaxed);
        }
    }

    /// Notes the home of a node's CPUs. The node may have no arena.
    fn settle_cpus(&self, topology: &Topology<'_>, placement: &Placement, system_id: usize) {
        let own = self.node_with(system_id);
        let home = topology.nearest(system_id, &placement.homes).and_then(|nearest| self.node_with(nearest));
        let home = home.unwrap_or(NodeId(self.node_count() as u8));
        if let Some(own) = own {
            self.node(own).home.store(home.0, Ordering::Relaxed);
        }
        topology.cpus_of(system_id, |cpu| self.whereabouts.note(cpu, Whereabout { home, own }));
    }

    /// The policy that was carried out.
    pub(super) fn policy(&self) -> NumaPolicy {
        let number = self.policy.load(Ordering::Relaxed);
        [NumaPolicy::Preferred, NumaPolicy::Bind, NumaPolicy::Interleave]
            .into_iter()
            .find(|&policy| policy as u8 == number)
            .unwrap_or_default()
    }

    /// The kernel's number of a node.
    pub(super) fn system_id(&self, id: NodeId) -> usize {
        self.node(id).system_id.load(Ordering::Relaxed) as usize
    }

    /// The node with the kernel's number `system_id`, if it has an arena.
    pub(super) fn node_with(&self, system_id: usize) -> Option<NodeId> {
        (0..self.node_count() as u8).map(NodeId).find(|&id| self.system_id(id) == system_id)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Shape;
    use super::*;
    extern crate std;
    use std::path::PathBuf;
    use std::string::String;
    use std::{format, fs};

    const REGION: usize = 8 << 20;
    const HUGE: usize = 40 << 20;

    /// Two nodes, of which the first exists wherever this runs.
    pub(in crate::heap) fn tree(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("larder-place-{name}-{}", std::process::id()));
        for node in ["node0", "node1"] {
            fs::create_dir_all(root.join(node)).unwrap();
        }
        for file in ["online", "has_memory", "has_cpu"] {
            fs::write(root.join(file), "0-1\n").unwrap();
        }
        root
    }

    /// Boots on this machine with these options. Returns false where memory cannot be bound.
    fn boot(heap: &Heap, topology: Topology<'_>, conf: &str) -> bool {
        heap.settings().read(conf);
        let placement = heap.asked_placement(&topology);
        let shape = Shape { topology, region_len: REGION };
        assert!(heap.boot.open_with(|| heap.boot_with(&shape, &placement)));
        heap.refusals.errno_of(NumaCall::Mbind) == 0
    }

    /// What the kernel reports as the policy of the mapping around an address.
    fn policy_at(address: usize) -> String {
        let maps = fs::read_to_string("/proc/self/numa_maps").unwrap();
        let start = |line: &str| usize::from_str_radix(line.split(' ').next().unwrap_or_default(), 16).unwrap();
        let line = maps.lines().take_while(|line| start(line) <= address).last().unwrap();
        line.split(' ').nth(1).unwrap().into()
    }

    /// The policies of the region, the spare one, and an object that is a mapping of its own.
    fn policies(heap: &Heap) -> [String; 3] {
        let huge = heap.alloc(HUGE, 16);
        let region = |id| heap.node(id).arena.region().base();
        let said = [region(NodeId(0)), region(heap.spare()), huge as usize].map(policy_at);
        heap.free(huge);
        said
    }

    #[test]
    fn what_is_bound_to_one_node_of_several_is_so_wholly() {
        let (heap, root) = (Heap::new(), tree("one"));
        let is_bound = boot(&heap, Topology::read(root.to_str().unwrap()), "numa:bind:0");
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(heap.node_count(), 1);
        if is_bound && fs::exists("/proc/self/numa_maps").unwrap() {
            assert_eq!(policies(&heap), ["bind=static:0"; 3]);
        }
    }

    #[test]
    fn where_there_is_one_node_nothing_is_bound() {
        let heap = Heap::new();
        boot(&heap, Topology::single(), "numa:bind:0");
        if fs::exists("/proc/self/numa_maps").unwrap() {
            let own = policy_at(&raw const heap as usize);
            assert_eq!(policies(&heap), [own.as_str(); 3]);
        }
    }
}
