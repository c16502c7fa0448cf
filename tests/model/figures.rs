//! Compares the heap's own figures with the shadow's.
use crate::shadow::{Object, Shadow};
use larder::heap::Heap;

/// The number of small objects by which the figures of one class may be wrong: a restarted sequence counts a round twice.
const RESTARTS: usize = 8;

/// Fails unless the heap is valid and its figures agree with the shadow. Nothing else may use the heap meanwhile.
pub fn check(heap: &Heap, shadow: &Shadow) {
    assert_eq!(heap.validate(), Ok(()));
    check_small(heap, shadow);
    check_runs(heap, shadow);
    check_pages(heap);
}

fn check_small(heap: &Heap, shadow: &Shadow) {
    let small = shadow.iter().filter(|object| object.is_slabs(heap));
    assert_eq!(heap.count_in_use(), small.clone().count() as i64, "small objects in use");
    for class in heap.stats().classes.iter().filter(|class| class.size > 0) {
        let live = small.clone().filter(|object| object.usable == class.size).count();
        assert!(
            live.abs_diff(class.in_use) <= RESTARTS,
            "{} objects of {} bytes, not {live}",
            class.in_use,
            class.size
        );
    }
}

fn check_runs(heap: &Heap, shadow: &Shadow) {
    let stats = heap.stats();
    let is_huge = |object: &&Object| heap.node_of(object.start).is_none();
    let sums = |objects: &mut dyn Iterator<Item = &Object>| {
        objects.fold((0, 0), |(bytes, count), object| (bytes + object.usable, count + 1))
    };
    let large = sums(&mut shadow.iter().filter(|object| !object.is_slabs(heap) && !is_huge(object)));
    let huge = sums(&mut shadow.iter().filter(is_huge));
    assert_eq!((stats.large_in_use, stats.large_count), large, "large objects");
    assert_eq!((stats.huge_in_use, stats.huge_count), huge, "huge objects");
}

/// Fails if a page is lost: each committed page must be in a large object, in a slab, or free.
fn check_pages(heap: &Heap) {
    let stats = heap.stats();
    let slabs: usize = stats.classes.iter().map(|class| class.slab_bytes).sum();
    let pages = stats.committed - stats.metadata - stats.huge_in_use - stats.huge_warm;
    assert_eq!(pages, stats.large_in_use + slabs + stats.warm + stats.zero, "committed bytes");
}
