//! A buffer that grows by realloc to 64 MiB, as a `Vec` does, with or without writing to its new part.

use criterion::{BenchmarkId, Criterion, SamplingMode};
use larder_contenders::{CONTENDERS, Contender, criterion, layout};

const FIRST: usize = 64;
const LAST: usize = 64 << 20;

/// Maps a size to the next one.
type Step = fn(usize) -> usize;

const RATES: [(&str, Step); 2] = [("by half", |size| size + size / 2), ("by doubling", |size| size * 2)];

fn grow(contender: &Contender, next: Step, touched: bool) {
    let mut size = FIRST;
    let mut block = contender.alloc(layout(size));
    while size < LAST {
        let grown = next(size).min(LAST);
        block = contender.resize(block, layout(size), grown);
        if touched {
            block.touch_pages(size, layout(grown));
        }
        size = grown;
    }
    contender.free(block, layout(size));
}

fn growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("growth to 64 MiB");
    group.sampling_mode(SamplingMode::Flat);
    for (rate, next) in RATES {
        for (state, touched) in [("untouched", false), ("touched", true)] {
            for contender in CONTENDERS {
                let id = BenchmarkId::new(format!("{rate} {state}"), contender.name);
                group.bench_function(id, |bencher| bencher.iter(|| grow(contender, next, touched)));
            }
        }
    }
}

fn main() {
    let mut criterion = criterion().sample_size(10);
    growth(&mut criterion);
    criterion.final_summary();
}
