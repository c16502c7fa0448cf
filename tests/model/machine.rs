//! Simulated machines: heaps with any number of nodes.
use larder::heap::{Heap, Shape};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

/// The number of CPUs in the trees.
pub const CPUS: usize = 1024;

/// A heap on a machine of `nodes` nodes whose regions are `region_len` bytes each; `settings` are those of `LARDER_CONF`. CPU c belongs
/// to node c % `nodes`.
pub fn heap_of(nodes: usize, region_len: usize, settings: &str) -> &'static Heap {
    let machine = Machine::even(nodes);
    let heap = machine.heap(region_len, settings);
    assert_eq!(heap.node_count(), nodes);
    heap
}

/// A node as the kernel would describe it.
pub struct Node {
    /// The node's number.
    pub number: usize,
    /// The node's CPUs.
    pub cpus: Vec<usize>,
    /// Whether the node has memory.
    pub memory: bool,
    /// The distances to all nodes, in their order; not reported if empty.
    pub distances: Vec<usize>,
}

impl Node {
    /// A node with memory whose distances are not reported.
    pub fn new(number: usize, cpus: impl IntoIterator<Item = usize>) -> Node {
        Node { number, cpus: cpus.into_iter().collect(), memory: true, distances: Vec::new() }
    }
}

/// A directory tree like the kernel's, which is removed when this is dropped.
pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// A machine of `count` nodes of the same kind, with gaps in their numbers.
    pub fn even(count: usize) -> Machine {
        let cpus = |node: usize| (node..CPUS).step_by(count);
        Machine::new(&(0..count).map(|node| Node::new(system_number(node), cpus(node))).collect::<Vec<_>>())
    }

    /// A machine of these nodes.
    pub fn new(nodes: &[Node]) -> Machine {
        static TREES: AtomicU32 = AtomicU32::new(0);
        let tree = TREES.fetch_add(1, Ordering::Relaxed);
        let root = env::temp_dir().join(format!("larder-nodes-{}-{tree}", process::id()));
        for node in nodes {
            let folder = root.join(format!("node{}", node.number));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("cpulist"), list(node.cpus.iter().copied(), ",")).unwrap();
            if !node.distances.is_empty() {
                fs::write(folder.join("distance"), list(node.distances.iter().copied(), " ")).unwrap();
            }
        }
        let numbers = |wanted: fn(&Node) -> bool| list(nodes.iter().filter(|node| wanted(node)).map(|n| n.number), ",");
        fs::write(root.join("online"), numbers(|_| true)).unwrap();
        fs::write(root.join("has_memory"), numbers(|node| node.memory)).unwrap();
        fs::write(root.join("has_cpu"), numbers(|node| !node.cpus.is_empty())).unwrap();
        Machine { root }
    }

    /// A heap that boots on this machine.
    pub fn heap(&self, region_len: usize, settings: &str) -> &'static Heap {
        let heap: &'static Heap = Box::leak(Box::default());
        heap.settings().read(settings);
        assert!(heap.boot_as(&Shape::read(self.root.to_str().unwrap(), region_len)), "no address space");
        heap
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.root).unwrap();
    }
}

/// The kernel's number of node `node` of an even machine.
pub fn system_number(node: usize) -> usize {
    node * 3
}

fn list(numbers: impl Iterator<Item = usize>, between: &str) -> String {
    let words: Vec<String> = numbers.map(|number| number.to_string()).collect();
    words.join(between) + "\n"
}
