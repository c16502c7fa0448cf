//! Which nodes there are, what CPUs they have, and how far they are from each other: read from sysfs, or from a tree laid out like it.
//!
//! Nodes have the kernel's own numbers here, which may have gaps; [`NodeId`](crate::base::units::NodeId) numbers the arenas. Only sets of nodes are
//! kept: CPUs and distances are passed to the caller one by one, so a large machine costs no stack.

use super::file::read_text;
use super::nodeset::{NodeSet, range};
use core::fmt;

/// The most arenas for nodes; the CPUs of further nodes use the nearest.
pub const MAX_NODES: usize = 64;
/// The most CPUs whose node is remembered; for further CPUs it is asked each time.
pub const MAX_CPUS: usize = 1024;
/// The distance of a node from itself, in the firmware's units.
const LOCAL_DISTANCE: u32 = 10;
/// The distance of another node where none is given.
const REMOTE_DISTANCE: u32 = 20;
/// Bytes of the longest file: a list of 4096 CPUs with gaps.
const BUFFER: usize = 8192;

/// The machine's nodes.
#[derive(Clone, Copy, Debug)]
pub struct Topology<'a> {
    root: &'a str,
    online: NodeSet,
    memory: NodeSet,
    with_cpus: NodeSet,
}

impl<'a> Topology<'a> {
    /// A single node with every CPU.
    pub fn single() -> Topology<'static> {
        Topology { root: "", online: NodeSet::of(0), memory: NodeSet::of(0), with_cpus: NodeSet::of(0) }
    }

    /// Reads the tree below `root`, for instance `/sys/devices/system/node`; a tree that cannot be read counts as a single node.
    pub fn read(root: &'a str) -> Topology<'a> {
        let Some(online) = read_set(root, "online") else { return Topology::single() };
        if online.len() < 2 {
            return Topology { root, online, memory: online, with_cpus: online };
        }
        let memory = read_set(root, "has_memory").map_or(online, |memory| memory.and(&online));
        let with_cpus = read_set(root, "has_cpu").unwrap_or_default();
        Topology { root, online, memory: if memory.is_empty() { online } else { memory }, with_cpus }
    }

    /// Returns the nodes that are online.
    pub fn online(&self) -> &NodeSet {
        &self.online
    }

    /// Returns the nodes that have memory; never empty.
    pub fn memory(&self) -> &NodeSet {
        &self.memory
    }

    /// Calls `each` with every CPU of a node.
    #[inline(never)]
    pub fn cpus_of(&self, node: usize, each: impl FnMut(usize)) {
        let mut buffer = [0; BUFFER];
        let Some(list) = read_below(self.root, format_args!("node{node}/cpulist"), &mut buffer) else { return };
        list.split(',').filter_map(range).flatten().for_each(each);
    }

    /// Calls `each` with every other online node and a number that orders them as the kernel does when `node` is full: by distance. Among nodes at
    /// the same distance, or one unit farther, those with higher numbers and those without CPUs come first.
    pub fn ranks_from(&self, node: usize, mut each: impl FnMut(usize, u32)) {
        self.distances_from(node, |other, distance| {
            if other != node {
                each(other, distance + u32::from(other < node) + u32::from(self.with_cpus.contains(other)));
            }
        });
    }

    /// Calls `each` with every online node and its distance from `node`.
    #[inline(never)]
    fn distances_from(&self, node: usize, mut each: impl FnMut(usize, u32)) {
        let mut buffer = [0; BUFFER];
        let text = read_below(self.root, format_args!("node{node}/distance"), &mut buffer).unwrap_or_default();
        let mut told = text.split_ascii_whitespace();
        for other in self.online.iter() {
            let unsaid = if other == node { LOCAL_DISTANCE } else { REMOTE_DISTANCE };
            each(other, told.next().and_then(|distance| distance.parse().ok()).unwrap_or(unsaid));
        }
    }

    /// Returns the node of `among` that comes first for `node`: `node` itself if it is in the set; `None` iff there is none.
    pub fn nearest(&self, node: usize, among: &NodeSet) -> Option<usize> {
        let mut best = among.contains(node).then_some((node, 0));
        self.ranks_from(node, |other, rank| {
            if among.contains(other) && best.is_none_or(|(_, least)| rank < least) {
                best = Some((other, rank));
            }
        });
        best.map(|(other, _)| other)
    }
}

#[inline(never)]
fn read_set(root: &str, name: &str) -> Option<NodeSet> {
    let mut buffer = [0; 1024];
    NodeSet::parse(read_below(root, format_args!("{name}"), &mut buffer)?, ',')
}

fn read_below<'a>(root: &str, name: fmt::Arguments<'_>, buffer: &'a mut [u8]) -> Option<&'a str> {
    read_text(format_args!("{root}/{name}"), buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::path::PathBuf;
    use std::vec::Vec;
    use std::{format, fs};

    /// Nodes 0, 2, 7 and 9; 7 has no memory, 9 no CPU.
    fn tree(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("larder-topology-{name}-{}", std::process::id()));
        let nodes = [(0, "0-1\n", "10 21 17 30\n"), (2, "2,5\n", ""), (7, "3,2000\n", "17 12 10 40\n"), (9, "\n", "")];
        for (node, cpus, distances) in nodes {
            let folder = root.join(format!("node{node}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("cpulist"), cpus).unwrap();
            fs::write(folder.join("distance"), distances).unwrap();
        }
        fs::write(root.join("online"), "0,2,7,9\n").unwrap();
        fs::write(root.join("has_memory"), "0,2,9\n").unwrap();
        fs::write(root.join("has_cpu"), "0,2,7\n").unwrap();
        root
    }

    #[test]
    fn a_tree_with_gaps_is_read() {
        let root = tree("gaps");
        let topology = Topology::read(root.to_str().unwrap());
        assert_eq!(topology.memory().iter().collect::<Vec<_>>(), [0, 2, 9]);
        let mut cpus = Vec::new();
        topology.cpus_of(7, |cpu| cpus.push(cpu));
        topology.cpus_of(9, |cpu| cpus.push(cpu));
        assert_eq!(cpus, [3, 2000]);
        let mut far = Vec::new();
        topology.distances_from(0, |node, distance| far.push((node, distance)));
        assert_eq!(far, [(0, 10), (2, 21), (7, 17), (9, 30)]);
        assert_eq!(topology.nearest(7, topology.memory()), Some(2));
        assert_eq!(topology.nearest(2, topology.memory()), Some(2));
        assert_eq!(topology.nearest(2, &NodeSet::of(5)), None);
        // All are at distance 20 from node 9, and none has a higher number. From node 2, node 7 has a higher number, and node 9 has no CPU either.
        assert_eq!(topology.nearest(9, &NodeSet::parse("0,2", ',').unwrap()), Some(0));
        assert_eq!(topology.nearest(2, &NodeSet::parse("0,7", ',').unwrap()), Some(7));
        assert_eq!(topology.nearest(2, &NodeSet::parse("0,7,9", ',').unwrap()), Some(9));
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn no_tree_is_one_node() {
        assert_eq!(Topology::read("/nonexistent").memory().len(), 1);
    }
}
