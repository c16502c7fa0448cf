//! The same work on one thread and on all, and objects that one thread allocates and another frees.

#[path = "handover.rs"]
mod handover;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use larder_contenders::{Batch, CONTENDERS, Contender, criterion, layout, mixed_layouts, shuffled};
use std::sync::Barrier;
use std::time::{Duration, Instant};

const POOL: usize = 8192;

type Work = fn(&Contender, u64);
type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn pairs(contender: &Contender, turns: u64) {
    for _ in 0..turns {
        contender.free(contender.alloc(layout(64)), layout(64));
    }
}

fn batches(contender: &Contender, turns: u64) {
    let mut batch = Batch::new(mixed_layouts(POOL), shuffled(150));
    for _ in 0..turns {
        batch.turn(contender);
    }
}

/// The wall time of `count` threads that each do `turns` turns, from the moment when all are ready.
fn together(count: usize, contender: &Contender, turns: u64, work: Work) -> Duration {
    let ready = Barrier::new(count + 1);
    std::thread::scope(|scope| {
        let start = || {
            ready.wait();
            work(contender, turns);
        };
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(start)).collect();
        ready.wait();
        let began = Instant::now();
        threads.into_iter().for_each(|thread| drop(thread.join()));
        began.elapsed()
    })
}

fn on_threads(group: &mut Group, name: &str, count: usize, work: Work) {
    for contender in CONTENDERS {
        let id = BenchmarkId::new(format!("{name} on {count}"), contender.name);
        group.bench_function(id, |bencher| bencher.iter_custom(|turns| together(count, contender, turns, work)));
    }
}

fn hand_over(group: &mut Group) {
    for contender in CONTENDERS {
        let id = BenchmarkId::new("handover of 64", contender.name);
        group.bench_function(id, |bencher| bencher.iter_custom(|blocks| handover::run(contender, blocks)));
    }
}

fn threads(criterion: &mut Criterion) {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut group = criterion.benchmark_group("threads");
    for count in if all > 1 { vec![1, all] } else { vec![1] } {
        on_threads(&mut group, "pair of 64", count, pairs);
        on_threads(&mut group, "150 mixed", count, batches);
    }
    hand_over(&mut group);
}

fn main() {
    let mut criterion = criterion();
    threads(&mut criterion);
    criterion.final_summary();
}
