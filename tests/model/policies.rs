//! Tests which node's memory a CPU gets, and in which order nodes are tried.
use crate::machine::{CPUS, Machine, Node, heap_of};

const REGION: usize = 8 << 20;

fn homes(heap: &larder::heap::Heap, cpus: std::ops::Range<usize>) -> Vec<Option<usize>> {
    cpus.map(|cpu| heap.home_of_cpu(cpu)).collect()
}

#[test]
fn a_cpu_gets_its_own_nodes_memory() {
    for nodes in [2, 3, 7, 16, 64] {
        let heap = heap_of(nodes, REGION, "");
        (0..CPUS).for_each(|cpu| assert_eq!(heap.home_of_cpu(cpu), Some(cpu % nodes), "cpu {cpu} of {nodes} nodes"));
        assert_eq!(heap.home_of_cpu(CPUS), None, "a cpu beyond the table");
    }
}

/// A machine of the nodes 0, 2, 5 and 8. Node 2 has no memory (the nearest node is 8), node 5 has no CPU; node 0 is nearer to 8 than to 5.
fn odd() -> Machine {
    let mut nodes = [Node::new(0, 0..2), Node::new(2, 2..4), Node::new(5, []), Node::new(8, 4..6)];
    nodes[1].memory = false;
    let distances = [[10, 20, 40, 30], [20, 10, 40, 15], [40, 40, 10, 20], [30, 15, 20, 10]];
    nodes.iter_mut().zip(distances).for_each(|(node, told)| node.distances = told.to_vec());
    Machine::new(&nodes)
}

#[test]
fn a_node_without_memory_uses_the_nearest() {
    let heap = odd().heap(REGION, "");
    assert_eq!(heap.node_count(), 3);
    assert_eq!(homes(heap, 0..7), [Some(0), Some(0), Some(2), Some(2), Some(2), Some(2), None]);
}

#[test]
fn nodes_are_tried_by_distance() {
    let heap = odd().heap(REGION, "");
    let (interleaved, spare) = (3, heap.spare_number());
    let order = |node| heap.order_from(node).collect::<Vec<_>>();
    assert_eq!(order(0), [0, 2, 1, spare]);
    assert_eq!(order(1), [1, 2, 0, spare]);
    assert_eq!(order(2), [2, 1, 0, spare]);
    assert_eq!(order(interleaved), [interleaved, 0, 1, 2, spare]);
}

#[test]
fn neighbours_turn_to_different_nodes_at_one_distance() {
    let heap = heap_of(4, REGION, "");
    let second: Vec<_> = (0..4).map(|node| heap.order_from(node).nth(1).unwrap()).collect();
    assert_eq!(second, [1, 2, 3, 0]);
}

#[test]
fn one_node_has_nothing_beside_it_but_the_spare() {
    let heap = heap_of(1, REGION, "");
    assert_eq!(heap.order_from(0).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(heap.spare_number(), 1);
}

#[test]
fn options_choose_the_homes() {
    let homes_with = |conf| homes(odd().heap(REGION, conf), 0..6);
    assert_eq!(homes_with("numa:preferred:5"), [Some(1); 6]);
    assert_eq!(homes_with("numa:preferred:0+8"), [Some(0), Some(0), Some(2), Some(2), Some(2), Some(2)]);
    assert_eq!(homes_with("numa:interleave"), [Some(3); 6]);
    assert_eq!(odd().heap(REGION, "numa:bind:0+5").node_count(), 2);
    assert_eq!(homes_with("numa:bind:0+5"), [Some(0), Some(0), Some(0), Some(0), Some(1), Some(1)]);
    assert_eq!(odd().heap(REGION, "numa:bind:8").node_count(), 1);
}

/// A policy with nodes that do not exist prints a line on stderr and has no other effect.
#[test]
fn nodes_that_are_not_there_change_nothing() {
    let plain = homes(odd().heap(REGION, ""), 0..6);
    for conf in ["numa:bind:2", "numa:bind:0+1", "numa:preferred:77", "numa:interleave:0-8", "numa:bind:1024"] {
        assert_eq!(homes(odd().heap(REGION, conf), 0..6), plain, "{conf}");
    }
}

/// If only a part of the machine's description can be read, that part is used.
#[test]
fn a_machine_that_is_told_of_in_part() {
    let machine = Machine::new(&[Node::new(0, []), Node::new(1, [])]);
    let heap = machine.heap(REGION, "");
    assert_eq!(heap.node_count(), 2);
    let object = heap.alloc(100, 16);
    assert_eq!(heap.node_of(object), Some(0), "the node of a CPU that nothing is known of");
    heap.free(object);
}

/// Every request counts once for the node that served it. If that was not the intended node, it also counts for the one that could not.
#[test]
fn what_each_node_gave_is_counted() {
    const NODES: usize = 3;
    let heap = heap_of(NODES, REGION, "");
    let objects: Vec<_> = (0..20 << 20).step_by(100_000).map(|_| heap.alloc_on(1, 100_000, 16)).collect();
    let counts: Vec<_> = (0..NODES).filter_map(|node| heap.node_stats(node)).map(|node| node.counts).collect();
    let sum = |of: fn(&larder::NumaCounts) -> u64| counts.iter().map(of).sum::<u64>();
    let homes = |node| objects.iter().filter(|&&object| heap.node_of(object) == Some(node)).count() as u64;
    assert!(homes(0) > 0 && homes(1) > 0 && homes(2) > 0, "objects of every node");
    assert_eq!(counts[1].numa_hit, homes(1));
    assert_eq!((counts[1].numa_foreign, counts[1].numa_miss), (homes(0) + homes(2), 0));
    assert_eq!((counts[0].numa_miss, counts[2].numa_miss), (homes(0), homes(2)));
    assert_eq!(sum(|c| c.local_node + c.other_node), sum(|c| c.numa_hit + c.numa_miss));
    assert_eq!(sum(|c| c.remote_free + c.interleave_hit), 0);
    objects.into_iter().for_each(|object| heap.free(object));
}

/// Keeps this thread on one CPU: a thread that is moved leaves objects behind in windows that never overflow.
fn stay_on_one_cpu() {
    // SAFETY: a set of all zeros is valid: the empty set.
    let mut cpus: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `sched_getcpu` only returns a number.
    let here = unsafe { libc::sched_getcpu() };
    // SAFETY: the number of a CPU is below the set's size.
    unsafe { libc::CPU_SET(here as usize, &mut cpus) };
    // SAFETY: the call only reads the set, which is this long.
    assert_eq!(unsafe { libc::sched_setaffinity(0, size_of_val(&cpus), &raw const cpus) }, 0);
}

/// A thread runs on one node at a time: of the objects that it takes from three nodes and frees, those of two nodes are remote.
#[test]
fn objects_that_go_home_from_afar_are_counted() {
    const NODES: usize = 3;
    stay_on_one_cpu();
    let heap = heap_of(NODES, 64 << 20, "percpu:cpu");
    let remote =
        || (0..NODES).filter_map(|node| heap.node_stats(node)).map(|node| node.counts.remote_free).sum::<u64>();
    let objects: Vec<_> = (0..3000).map(|turn| heap.alloc_on(turn % NODES, 64, 16)).collect();
    objects.into_iter().for_each(|object| heap.free(object));
    let small = remote();
    assert!((1000..=3000).contains(&small), "{small} of 2000 small objects or so");
    let large: Vec<_> = (0..30).map(|turn| heap.alloc_on(turn % NODES, 300_000, 16)).collect();
    large.into_iter().for_each(|object| heap.free(object));
    assert!((20..=30).contains(&(remote() - small)), "{} of 20 large objects or so", remote() - small);
}

#[test]
fn interleaved_requests_are_meant_for_every_node() {
    let heap = heap_of(4, 256 << 20, "numa:interleave:0+6+9");
    let objects: Vec<_> = (0..3000).map(|_| heap.alloc(20_000, 16)).collect();
    let hits: Vec<_> = (0..4).filter_map(|node| heap.node_stats(node)).map(|node| node.counts.interleave_hit).collect();
    assert_eq!(hits[1], 0, "node 3 is not among them");
    assert!([0, 2, 3].iter().all(|&node| hits[node] > 100), "{hits:?}");
    objects.into_iter().for_each(|object| heap.free(object));
}

/// A node whose memory is used up provides its warm memory; further memory comes from the next node that is not full.
#[test]
fn a_full_node_gives_what_it_has_and_no_more() {
    const SIZE: usize = 300_000;
    const WARM: usize = 20;
    let heap = heap_of(3, 64 << 20, "");
    let take = |count: usize| (0..count).map(|_| heap.alloc_on(1, SIZE, 16)).collect::<Vec<_>>();
    let homes = |objects: &[*mut u8]| objects.iter().filter_map(|&object| heap.node_of(object)).collect::<Vec<_>>();
    take(WARM).into_iter().for_each(|object| heap.free(object));
    heap.mark_full(1);
    let objects = take(WARM);
    assert_eq!(homes(&objects), [1; WARM], "warm pages");
    assert_eq!(homes(&take(10)), [2; 10], "beyond them");
    heap.mark_full(2);
    assert_eq!(homes(&take(10)), [0; 10], "the next is full, too");
    let small: Vec<_> = (0..30).map(|_| heap.alloc_on(1, 5000, 16)).collect();
    assert_eq!(homes(&small), [0; 30], "small objects");
    let counts: Vec<_> = (0..3).filter_map(|node| heap.node_stats(node)).map(|node| node.counts).collect();
    assert_eq!(counts[1].numa_foreign, counts[0].numa_miss + counts[2].numa_miss);
    assert!(counts[0].numa_miss > 10 && counts[2].numa_miss == 10);
}

/// When all nodes are full, the kernel decides: the home serves the request, as if nothing was known about them.
#[test]
fn where_all_are_full_home_comes_first() {
    let heap = heap_of(3, 64 << 20, "");
    for size in [64, 100_000, 300_000] {
        (0..3).for_each(|node| heap.mark_full(node));
        let object = heap.alloc_on(2, size, 16);
        assert_eq!(heap.node_of(object), Some(2), "{size} bytes");
    }
}

/// A full node is tried again, at ever longer intervals while it stays full.
#[test]
fn a_full_node_is_tried_again() {
    let heap = heap_of(2, 256 << 20, "");
    let until_it_serves = || (0..).find(|_| heap.node_of(heap.alloc_on(1, 300_000, 16)) == Some(1)).unwrap();
    heap.mark_full(1);
    let first = until_it_serves();
    heap.mark_full(1);
    let second = until_it_serves();
    assert!((10..200).contains(&first) && second > first + first / 2, "after {first} requests, then {second}");
}

/// While a node is full, objects come from the windows of the next one, and both nodes are asked only once per magazine.
#[test]
fn a_full_node_is_asked_once_for_a_magazine() {
    const OBJECTS: u64 = 3000;
    let heap = heap_of(2, 256 << 20, "");
    heap.run_on(64);
    (0..8).for_each(|_| heap.mark_full(0));
    let objects: Vec<_> = (0..OBJECTS).map(|_| heap.alloc(100, 16)).collect();
    assert!(objects.iter().all(|&object| heap.node_of(object) == Some(1)));
    let misses = heap.node_stats(1).unwrap().counts.numa_miss;
    assert!((1..OBJECTS / 8).contains(&misses), "{misses} requests");
    objects.into_iter().for_each(|object| heap.free(object));
}

/// Depots give back what is not needed, also those of a node whose memory is used by threads that run on another.
#[test]
fn depots_of_a_home_that_is_elsewhere_give_back() {
    stay_on_one_cpu();
    for (conf, cpu) in [("", 64), ("numa:preferred:0", 64), ("numa:preferred:0", 65)] {
        let heap = heap_of(2, 1 << 30, conf);
        heap.run_on(cpu);
        for size in (1..60).map(|step| step * 500) {
            let objects: Vec<_> = (0..(1 << 21) / size).map(|_| heap.alloc(size, 16)).collect();
            objects.into_iter().for_each(|object| heap.free(object));
        }
        let before = heap.stats().cached_depots;
        for _ in 0..1000 {
            let objects: Vec<_> = (0..400).map(|_| heap.alloc(200, 16)).collect();
            objects.into_iter().for_each(|object| heap.free(object));
        }
        let after = heap.stats().cached_depots;
        assert!(before > 1 << 20 && after < before / 4, "{conf} on CPU {cpu}: {before} bytes, then {after}");
    }
}
