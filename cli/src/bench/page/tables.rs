//! The figures as tables: where larder is behind, and all of them.

use maud::{Markup, html};

use crate::bench::cell::Cell;
use crate::bench::contender::Contender;
use crate::bench::metric::Metric;
use crate::bench::ranking::{self, Row};
use crate::bench::table::{figure, groups};

/// The rows where larder is behind, worst first.
pub(super) fn losses(cells: &[Cell], contenders: &[Contender]) -> Markup {
    html! {
        h2 { "Where larder is behind" }
        @for metric in Metric::ALL.into_iter().filter(|metric| metric.is_aim()) {
            @let rows = ranking::rows(cells, contenders, metric);
            @let losses = ranking::losses(&rows);
            @if !rows.is_empty() {
                h3 { (metric.title()) }
                p.small { (losses.len()) " of " (rows.len()) " workloads, beyond noise" }
                @if !losses.is_empty() {
                    table {
                        thead { tr { th { "workload" } th { "ratio" } th { "larder" } th { "best peer" } th {} } }
                        @for (row, standing) in losses {
                            tr {
                                td { (row.cell.name()) }
                                td.best { (format!("{:.2}", standing.ratio)) }
                                td { (figure(standing.larder)) }
                                td { (figure(standing.best)) }
                                td { (row.best.map_or("", |place| contenders[place].name())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Every median, shaded by its ratio to the best peer of the row.
pub(super) fn all(cells: &[Cell], contenders: &[Contender]) -> Markup {
    html! {
        h2 { "All figures" }
        @for metric in Metric::ALL {
            @let rows = ranking::rows(cells, contenders, metric);
            @if !rows.is_empty() {
                details open[metric == Metric::Time || metric == Metric::Memory] {
                    summary { (metric.title()) }
                    div.scroll { (table(metric, &rows, contenders)) }
                }
            }
        }
    }
}

fn table(metric: Metric, rows: &[Row], contenders: &[Contender]) -> Markup {
    let measured = || contenders.iter().enumerate().filter(|(_, it)| it.problem.is_none());
    html! {
        table {
            thead { tr { th { "workload" } @for (_, contender) in measured() { th { (contender.name()) } } } }
            @for group in groups(rows) {
                @for row in &group {
                    tr { td { (row.cell.name()) } @for (place, _) in measured() { (cell(metric, row, place)) } }
                }
                @if metric.is_aim() {
                    tr.mean {
                        td { (group[0].cell.workload.group) ", mean ratio" }
                        @for (place, _) in measured() {
                            td { (ranking::overall(&group, place).map_or("-".into(), |(mean, _)| format!("{mean:.2}"))) }
                        }
                    }
                }
            }
        }
    }
}

fn cell(metric: Metric, row: &Row, place: usize) -> Markup {
    let Some(spread) = row.spreads[place] else {
        let word = if row.cell.figures[place].problem.is_some() { "failed" } else { "-" };
        return html! { td.none { (word) } };
    };
    let shade = row.ratio(place).filter(|_| metric.is_aim()).map(shade);
    let class = if row.best == Some(place) { "best" } else { "" };
    html! { td class=(class) style=[shade] { (figure(spread.median)) } }
}

/// Green if the figure is better than that of the best peer, red if it is worse, with full saturation at half and at four times.
fn shade(ratio: f64) -> String {
    let (colour, strength) = if ratio < 1.0 { ("good", -ratio.log2()) } else { ("bad", ratio.log2() / 2.0) };
    format!("background: rgb(var(--{colour}) / {:.2})", 0.45 * strength.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shade_tells_better_from_worse() {
        assert_eq!(shade(1.0), "background: rgb(var(--bad) / 0.00)");
        assert_eq!(shade(0.25), "background: rgb(var(--good) / 0.45)");
        assert_eq!(shade(2.0), "background: rgb(var(--bad) / 0.23)");
        assert_eq!(shade(1000.0), "background: rgb(var(--bad) / 0.45)");
    }
}
