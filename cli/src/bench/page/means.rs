//! All workloads in two charts: the geometric means of the ratios to each row's best peer.

use maud::{Markup, html};

use super::bars::{self, Bar};
use super::class;
use crate::bench::contender::{Contender, Role};
use crate::bench::ranking::{self, Row};

/// Charts of time and memory, side by side, each with the best allocator on top.
pub(super) fn charts(time: &[Row], memory: &[Row], contenders: &[Contender]) -> Markup {
    html! {
        h2 { "All workloads" }
        p.small { "1.00 is an oracle that picks the best peer for every workload; less is better. Where an allocator failed, that workload is not in its mean. Below, the name of the best peer of each workload is bold." }
        div class="card pair" {
            (chart("time, to the best peer of each workload", time, contenders))
            (chart("memory, to the leanest peer of each workload", memory, contenders))
        }
    }
}

fn chart(title: &str, rows: &[Row], contenders: &[Contender]) -> Markup {
    let all: Vec<_> = rows.iter().collect();
    let real = contenders.iter().enumerate().filter(|(_, it)| it.role != Role::Floor);
    let means = real.filter_map(|(place, it)| Some((it, ranking::overall(&all, place)?.0)));
    let mut means: Vec<_> = means.collect();
    means.sort_by(|left, right| left.1.total_cmp(&right.1));
    let bar = |(contender, mean): &(&'_ Contender, f64)| (contender.name().to_owned(), class(contender, false), *mean);
    let named: Vec<_> = means.iter().map(bar).collect();
    let bars: Vec<_> =
        named.iter().map(|(name, class, mean)| Bar { name, class, value: Ok(*mean), spread: None }).collect();
    bars::chart(title, &bars, f64::INFINITY)
}
