//! Zeroed memory, with objects that are not written to and with objects that are written to before they are freed.

use criterion::{BenchmarkId, Criterion};
use larder_contenders::{CONTENDERS, Contender, criterion, layout};

const SIZES: [usize; 3] = [64, 4 << 10, 1 << 20];

fn zero(contender: &Contender, size: usize, touched: bool) {
    let layout = layout(size);
    let block = contender.zeroed(layout);
    block.touch(0, layout);
    if touched {
        block.touch_pages(0, layout);
    }
    contender.free(block, layout);
}

fn zeroed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("zeroed");
    for size in SIZES {
        for (state, touched) in [("first word written", false), ("every page written", true)] {
            for contender in CONTENDERS {
                let id = BenchmarkId::new(format!("{size} {state}"), contender.name);
                group.bench_function(id, |bencher| bencher.iter(|| zero(contender, size, touched)));
            }
        }
    }
}

fn main() {
    let mut criterion = criterion();
    zeroed(&mut criterion);
    criterion.final_summary();
}
