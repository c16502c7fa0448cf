//! The same work on one thread and on all, and blocks that one thread allocates and another frees.

#[path = "handover.rs"]
mod handover;

use criterion::{BenchmarkId, Criterion};
use larder_contenders::{Block, CONTENDERS, Contender, criterion, layout, mixed_layouts, shuffled};
use std::sync::Barrier;
use std::time::{Duration, Instant};

const BATCH: usize = 150;

/// Wall time of `count` threads that each do `work` `turns` times, from the moment all are ready.
fn together(count: usize, turns: u64, work: impl Fn(u64) + Sync) -> Duration {
    let ready = Barrier::new(count + 1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|_| {
                scope.spawn(|| {
                    ready.wait();
                    work(turns);
                })
            })
            .collect();
        ready.wait();
        let start = Instant::now();
        threads.into_iter().for_each(|thread| drop(thread.join()));
        start.elapsed()
    })
}

fn pairs(contender: &Contender, turns: u64) {
    for _ in 0..turns {
        contender.free(contender.alloc(layout(64)), layout(64));
    }
}

fn batches(contender: &Contender, turns: u64) {
    let (layouts, order) = (mixed_layouts(BATCH), shuffled(BATCH));
    let mut live: Vec<Option<Block>> = Vec::with_capacity(BATCH);
    for _ in 0..turns {
        live.clear();
        live.extend(layouts.iter().map(|layout| Some(contender.alloc(*layout))));
        for &at in &order {
            if let Some(block) = live[at].take() {
                contender.free(block, layouts[at]);
            }
        }
    }
}

fn threads(criterion: &mut Criterion) {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut group = criterion.benchmark_group("threads");
    for count in if all > 1 { vec![1, all] } else { vec![1] } {
        for contender in CONTENDERS {
            let id = BenchmarkId::new(format!("pair of 64 on {count}"), contender.name);
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|turns| together(count, turns, |turns| pairs(contender, turns)))
            });
        }
        for contender in CONTENDERS {
            let id = BenchmarkId::new(format!("{BATCH} mixed on {count}"), contender.name);
            group.bench_function(id, |bencher| {
                bencher
                    .iter_custom(|turns| together(count, turns, |turns| batches(contender, turns)))
            });
        }
    }
    for contender in CONTENDERS {
        let id = BenchmarkId::new("handover of 64", contender.name);
        group.bench_function(id, |bencher| {
            bencher.iter_custom(|turns| handover::run(contender, turns))
        });
    }
}

fn main() {
    let mut criterion = criterion();
    threads(&mut criterion);
    criterion.final_summary();
}
