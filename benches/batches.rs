//! Allocates many objects, then frees all of them: in order, in reverse or at random. The time is that of the whole batch.

use criterion::{BenchmarkId, Criterion, Throughput};
use larder_contenders::{Batch, CONTENDERS, criterion, layout, mixed_layouts, shuffled};
use std::alloc::Layout;

const POOL: usize = 8192;

/// From 4 to 252 KiB.
fn large_layouts() -> Vec<Layout> {
    shuffled(POOL).iter().map(|step| layout((4 + step % 249) << 10)).collect()
}

/// A name, and a function that makes a new batch.
type Named = (&'static str, fn() -> Batch);

fn all() -> [Named; 5] {
    [
        ("150 in order", || Batch::new(mixed_layouts(POOL), (0..150).collect())),
        ("150 in reverse", || Batch::new(mixed_layouts(POOL), (0..150).rev().collect())),
        ("150 at random", || Batch::new(mixed_layouts(POOL), shuffled(150))),
        ("1000 at random", || Batch::new(mixed_layouts(POOL), shuffled(1000))),
        ("32 of 4-252 KiB at random", || Batch::new(large_layouts(), shuffled(32))),
    ]
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batches");
    for (name, make) in all() {
        for contender in CONTENDERS {
            let mut batch = make();
            group.throughput(Throughput::Elements(batch.len() as u64));
            let id = BenchmarkId::new(name, contender.name);
            group.bench_function(id, |bencher| bencher.iter(|| batch.turn(contender)));
        }
    }
}

fn main() {
    let mut criterion = criterion();
    batches(&mut criterion);
    criterion.final_summary();
}
