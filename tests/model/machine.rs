//! Machines that are not there: heaps of any number of nodes.
use larder::heap::{Heap, Shape};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

/// CPU numbers that the trees tell of.
const CPUS: usize = 64;

/// A heap on a machine of `nodes` nodes whose regions are `region_len` bytes each; `settings` are those of `LARDER_CONF`. CPU c belongs
/// to node c % `nodes`.
pub fn heap_of(nodes: usize, region_len: usize, settings: &str) -> &'static Heap {
    let heap: &'static Heap = Box::leak(Box::default());
    heap.settings().read(settings);
    assert!(heap.boot_as(&shape_of(nodes, region_len)), "no address space for {nodes} nodes");
    assert_eq!(heap.node_count(), nodes);
    heap
}

/// Reads a tree like the kernel's, with gaps in the numbers of the nodes.
fn shape_of(nodes: usize, region_len: usize) -> Shape {
    static TREES: AtomicU32 = AtomicU32::new(0);
    let tree = TREES.fetch_add(1, Ordering::Relaxed);
    let root = env::temp_dir().join(format!("larder-nodes-{}-{tree}", process::id()));
    for node in 0..nodes {
        let folder = root.join(format!("node{}", system_number(node)));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("cpulist"), list((node..CPUS).step_by(nodes))).unwrap();
    }
    fs::write(root.join("online"), list((0..nodes).map(system_number))).unwrap();
    let shape = Shape::read(root.to_str().unwrap(), region_len);
    fs::remove_dir_all(&root).unwrap();
    shape
}

fn system_number(node: usize) -> usize {
    node * 3
}

fn list(numbers: impl Iterator<Item = usize>) -> String {
    let words: Vec<String> = numbers.map(|number| number.to_string()).collect();
    words.join(",") + "\n"
}
