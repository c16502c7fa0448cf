//! Allocates one object and frees it at once, from 8 bytes to 1 MiB.

use criterion::{BenchmarkId, Criterion};
use larder_contenders::{CONTENDERS, criterion, layout};
use std::hint::black_box;

const SIZES: [usize; 7] = [8, 64, 512, 4 << 10, 32 << 10, 256 << 10, 1 << 20];

fn pairs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pairs");
    for size in SIZES {
        for contender in CONTENDERS {
            group.bench_function(BenchmarkId::new(size.to_string(), contender.name), |bencher| {
                bencher.iter(|| {
                    let layout = layout(black_box(size));
                    contender.free(contender.alloc(layout), layout);
                });
            });
        }
    }
}

fn main() {
    let mut criterion = criterion();
    pairs(&mut criterion);
    criterion.final_summary();
}
