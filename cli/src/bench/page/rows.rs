//! A card for each workload and number of threads, with time on the left and memory on the right.

use maud::{Markup, html};

use super::bars::{self, Bar};
use super::class;
use crate::bench::cell::Cell;
use crate::bench::contender::Contender;
use crate::bench::metric::Metric;
use crate::bench::ranking::{self, Row};

/// How many times longer than larder's bar and the best one a bar may be.
const LONGEST: f64 = 4.0;

/// All cards, group by group.
pub(super) fn cards(cells: &[Cell], contenders: &[Contender]) -> Markup {
    let mut group = "";
    html! {
        @for cell in cells.iter().filter(|cell| !cell.is_untouched()) {
            @if cell.workload.group != group {
                h2 { ({ group = &cell.workload.group; group }) }
            }
            (card(cell, contenders))
        }
    }
}

fn card(cell: &Cell, contenders: &[Contender]) -> Markup {
    html! {
        div.card {
            h3 { (cell.name()) }
            p.small { (cell.workload.about) }
            div.pair {
                @for metric in [Metric::Time, Metric::Memory] {
                    @for row in ranking::rows(std::slice::from_ref(cell), contenders, metric) {
                        (chart(metric, &row, contenders))
                    }
                }
            }
        }
    }
}

fn chart(metric: Metric, row: &Row, contenders: &[Contender]) -> Markup {
    let measured = contenders.iter().enumerate().filter(|(_, it)| it.problem.is_none());
    let bars: Vec<_> = measured.map(|(place, contender)| bar(row, place, contender)).collect();
    let median = |place: usize| row.spreads[place].map_or(0.0, |it| it.median);
    let limit = LONGEST * median(0).max(row.best.map_or(0.0, median));
    bars::chart(metric.title(), &bars, if limit > 0.0 { limit } else { f64::INFINITY })
}

fn bar<'a>(row: &Row, place: usize, contender: &'a Contender) -> Bar<'a> {
    let spread = row.spreads[place];
    let missing = if row.cell.figures[place].problem.is_some() { "failed" } else { "not measured" };
    Bar {
        name: contender.name(),
        class: class(contender, row.best == Some(place)),
        value: spread.map(|it| it.median).ok_or(missing),
        spread: spread.filter(|it| it.runs > 1).map(|it| (it.min, it.max)),
    }
}
