//! Times the two forms of a window, each with and without its extras, interleaved in one run.
//!
//! `cargo run --release [-- [--cpu] ROUNDS]`: with `--cpu` the index is `cpu_id` even if the kernel has `mm_cid`.

mod area;
mod array;
mod chain;
mod form;
mod gathered;
mod heap;
mod work;

use area::Area;
use array::Array;
use chain::Chain;
use gathered::Gathered;
use heap::{Formed, INTERIOR, PAGEMAP, SIZED, System};
use work::{NAMES, Plan};

type Row = [f64; NAMES.len()];
type Contender = (&'static str, Box<dyn Fn(&Plan) -> Row>);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(11);
    let Some(area) = Area::find(words.iter().any(|word| word == "--cpu")) else {
        eprintln!("window-forms: no rseq area from libc (glibc 2.35 or newer, glibc.pthread.rseq not 0, is needed)");
        std::process::exit(1);
    };
    println!("index {}, {} CPUs, {rounds} rounds, ns per object: median (minimum)\n", area.name, area.limit);
    report(&measure(&contenders(area), rounds));
}

/// The switches of `Chain` are, in this order: prefetch, clear, check, double-free test.
fn contenders(area: Area) -> Vec<Contender> {
    fn formed<F: form::Form + 'static, const FREE: u8>(name: &'static str, area: Area) -> Contender {
        let heap = Formed::<F, FREE>::new(area);
        (name, Box::new(move |plan| plan.run(&heap)))
    }
    vec![
        formed::<Array<false>, SIZED>("array", area),
        formed::<Array<true>, SIZED>("array prefetch", area),
        formed::<Chain<false, false, false, false>, SIZED>("chain bare", area),
        formed::<Chain<false, true, false, false>, SIZED>("chain clear", area),
        formed::<Chain<false, false, true, false>, SIZED>("chain check", area),
        formed::<Chain<false, true, true, false>, SIZED>("chain clear check", area),
        formed::<Chain<true, true, true, false>, SIZED>("  + prefetch", area),
        formed::<Gathered, SIZED>("  + gathered at trade", area),
        formed::<Gathered, INTERIOR>("    pagemap interior", area),
        formed::<Chain<true, true, true, true>, SIZED>("  + double-free test", area),
        formed::<Chain<true, true, true, true>, PAGEMAP>("  + pagemap", area),
        formed::<Chain<true, true, true, true>, INTERIOR>("  + interior check", area),
        formed::<Array<false>, INTERIOR>("array pagemap interior", area),
        ("glibc malloc", Box::new(|plan| plan.run(&System))),
    ]
}

/// Runs every contender once per round, so that a slow moment of the machine affects all of them.
fn measure(contenders: &[Contender], rounds: usize) -> Vec<(&'static str, Vec<Row>)> {
    let plan = Plan::new();
    for (_, run) in contenders {
        run(&plan);
    }
    let mut rows: Vec<_> = contenders.iter().map(|(name, _)| (*name, Vec::new())).collect();
    for _ in 0..rounds {
        for ((_, run), (_, kept)) in contenders.iter().zip(&mut rows) {
            kept.push(run(&plan));
        }
    }
    rows
}

fn report(rows: &[(&'static str, Vec<Row>)]) {
    print!("{:24}", "");
    NAMES.iter().for_each(|name| print!("{name:>15}"));
    println!();
    for (name, kept) in rows {
        print!("{name:24}");
        for at in 0..NAMES.len() {
            let mut times: Vec<f64> = kept.iter().map(|row| row[at]).collect();
            times.sort_by(f64::total_cmp);
            print!("{:>15}", format!("{:.1} ({:.1})", times[times.len() / 2], times[0]));
        }
        println!();
    }
}
