//! Many blocks allocated, then all freed: in order, in reverse, at random. The time is that of one block.

use criterion::{BenchmarkId, Criterion, Throughput};
use larder_contenders::{Block, CONTENDERS, Contender, criterion, layout, mixed_layouts, shuffled};
use std::alloc::Layout;

struct Batch {
    name: &'static str,
    layouts: Vec<Layout>,
    order: Vec<usize>,
}

fn all() -> [Batch; 5] {
    let large = shuffled(32)
        .iter()
        .map(|step| layout((4 + 8 * step) << 10))
        .collect();
    [
        Batch {
            name: "150 in order",
            layouts: mixed_layouts(150),
            order: (0..150).collect(),
        },
        Batch {
            name: "150 in reverse",
            layouts: mixed_layouts(150),
            order: (0..150).rev().collect(),
        },
        Batch {
            name: "150 at random",
            layouts: mixed_layouts(150),
            order: shuffled(150),
        },
        Batch {
            name: "1000 at random",
            layouts: mixed_layouts(1000),
            order: shuffled(1000),
        },
        Batch {
            name: "32 of 4-252 KiB at random",
            layouts: large,
            order: shuffled(32),
        },
    ]
}

impl Batch {
    /// `live` is the caller's, so that no list is allocated in between.
    fn run(&self, contender: &Contender, live: &mut Vec<Option<Block>>) {
        live.clear();
        live.extend(
            self.layouts
                .iter()
                .map(|layout| Some(contender.alloc(*layout))),
        );
        for &at in &self.order {
            if let Some(block) = live[at].take() {
                contender.free(block, self.layouts[at]);
            }
        }
    }
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batches");
    for batch in all() {
        group.throughput(Throughput::Elements(batch.order.len() as u64));
        for contender in CONTENDERS {
            let id = BenchmarkId::new(batch.name, contender.name);
            let mut live = Vec::with_capacity(batch.order.len());
            group.bench_function(id, |bencher| {
                bencher.iter(|| batch.run(contender, &mut live))
            });
        }
    }
}

fn main() {
    let mut criterion = criterion();
    batches(&mut criterion);
    criterion.final_summary();
}
