//! Which nodes there are, read from sysfs (or from a tree laid out like it, for tests).

use super::syscall;
use crate::base::units::NodeId;
use core::ffi::CStr;

/// Most nodes larder tells apart; further ones share the last arena.
pub const MAX_NODES: usize = 64;
/// Most CPUs whose node is remembered; further ones count as node 0.
pub const MAX_CPUS: usize = 1024;

/// The machine's nodes: dense numbers in the order of the system's.
#[derive(Debug)]
pub struct Topology {
    count: usize,
    system_ids: [u16; MAX_NODES],
    node_of_cpu: [u8; MAX_CPUS],
}

impl Topology {
    /// One node with every CPU.
    pub const fn single() -> Topology {
        Topology { count: 1, system_ids: [0; MAX_NODES], node_of_cpu: [0; MAX_CPUS] }
    }

    /// Reads the tree below `root`, for instance `/sys/devices/system/node`; a tree that cannot be read is a single node.
    pub fn read(root: &str) -> Topology {
        let mut topology = Topology::single();
        let mut buffer = [0; 512];
        let Some(online) = read_below(root, format_args!("online"), &mut buffer) else { return topology };
        let mut ids = [0; MAX_NODES];
        let mut count = 0;
        for id in cpu_list(online) {
            if let Some(slot) = ids.get_mut(count) {
                *slot = id as u16;
                count += 1;
            }
        }
        topology.count = count.max(1);
        topology.system_ids = ids;
        if topology.count > 1 {
            topology.read_cpus(root);
        }
        topology
    }

    fn read_cpus(&mut self, root: &str) {
        for node in 0..self.count {
            let mut buffer = [0; 4096];
            let id = self.system_ids[node];
            let Some(list) = read_below(root, format_args!("node{id}/cpulist"), &mut buffer) else { continue };
            for cpu in cpu_list(list) {
                if let Some(slot) = self.node_of_cpu.get_mut(cpu) {
                    *slot = node as u8;
                }
            }
        }
    }

    /// Number of nodes, at least 1.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The node of a CPU.
    pub fn node_of(&self, cpu: usize) -> NodeId {
        NodeId(self.node_of_cpu.get(cpu).copied().unwrap_or(0))
    }

    /// The system's number of a node.
    pub fn system_id(&self, node: NodeId) -> u16 {
        self.system_ids.get(node.index()).copied().unwrap_or(0)
    }
}

/// Composes a path on the stack and reads the file.
fn read_below<'a>(root: &str, name: core::fmt::Arguments<'_>, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    use core::fmt::Write;
    struct Path([u8; 256], usize);
    impl Write for Path {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            let end = self.1 + text.len();
            self.0.get_mut(self.1..end).ok_or(core::fmt::Error)?.copy_from_slice(text.as_bytes());
            self.1 = end;
            Ok(())
        }
    }
    let mut path = Path([0; 256], 0);
    write!(path, "{root}/{name}\0").ok()?;
    let path = CStr::from_bytes_until_nul(&path.0).ok()?;
    syscall::read_file(path, buffer).ok()
}

/// The numbers of a kernel list such as `0-3,8,10-11`.
fn cpu_list(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    text.split(|&byte| byte == b',').filter_map(range).flatten()
}

fn range(text: &[u8]) -> Option<core::ops::RangeInclusive<usize>> {
    let text = core::str::from_utf8(text).ok()?.trim();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::{format, fs, vec::Vec};

    #[test]
    fn lists_are_read() {
        let numbers: Vec<usize> = cpu_list(b"0-3,8,10-11\n").collect();
        assert_eq!(numbers, [0, 1, 2, 3, 8, 10, 11]);
        assert_eq!(cpu_list(b"\n").count(), 0);
    }

    #[test]
    fn a_tree_with_sparse_nodes_is_read() {
        let root = std::env::temp_dir().join(format!("larder-topology-{}", std::process::id()));
        for (node, cpus) in [(0, "0-1\n"), (2, "2,5\n"), (7, "\n")] {
            fs::create_dir_all(root.join(format!("node{node}"))).unwrap();
            fs::write(root.join(format!("node{node}/cpulist")), cpus).unwrap();
        }
        fs::write(root.join("online"), "0,2,7\n").unwrap();
        let topology = Topology::read(root.to_str().unwrap());
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(topology.count(), 3);
        assert_eq!(topology.node_of(5), NodeId(1));
        assert_eq!(topology.node_of(1), NodeId(0));
        assert_eq!(topology.system_id(NodeId(2)), 7);
        assert_eq!(topology.node_of(1_000_000), NodeId(0));
        assert_eq!(Topology::read("/nonexistent").count(), 1);
    }
}
