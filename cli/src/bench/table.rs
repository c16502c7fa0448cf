//! The report in plain text: a table for each metric and group.

use std::fmt::Write;

use super::cell::Cell;
use super::contender::Contender;
use super::metric::Metric;
use super::ranking::{self, Row};
use crate::measure::layout;

const NAME_WIDTH: u16 = 30;

/// Renders all tables.
pub(super) fn render(cells: &[Cell], contenders: &[Contender]) -> String {
    let mut text = String::new();
    for metric in Metric::ALL {
        let rows = ranking::rows(cells, contenders, metric);
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}\n", metric.title().to_uppercase());
        for group in groups(&rows) {
            text += &table(metric, &group, contenders);
            text.push('\n');
        }
        if metric.is_aim() {
            text += &means(&rows, contenders);
            text.push('\n');
        }
    }
    text
}

/// The rows of each group, in the order in which the groups come.
pub(super) fn groups<'r, 'a>(rows: &'r [Row<'a>]) -> Vec<Vec<&'r Row<'a>>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        let same = |group: &&mut Vec<&Row>| group[0].cell.workload.group == row.cell.workload.group;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn table(metric: Metric, rows: &[&Row], contenders: &[Contender]) -> String {
    let mut lines: Vec<_> = rows.iter().map(|row| line(row, contenders)).collect();
    if metric.is_aim() {
        lines.push(mean_line(rows, contenders));
    }
    layout::render(header(&rows[0].cell.workload.group, contenders), lines, NAME_WIDTH)
}

/// The geometric means over all groups, as a table with one row.
fn means(rows: &[Row], contenders: &[Contender]) -> String {
    let all: Vec<_> = rows.iter().collect();
    layout::render(header("all groups", contenders), vec![mean_line(&all, contenders)], NAME_WIDTH)
}

/// Breaks names into two lines, so that the columns stay narrow.
fn header(title: &str, contenders: &[Contender]) -> Vec<String> {
    let names = contenders.iter().filter(|it| it.problem.is_none()).map(|it| it.name().replacen('-', "\n", 1));
    let mut cells = vec![title.to_owned()];
    cells.extend(names);
    cells.push("larder /\nbest peer".into());
    cells
}

fn line(row: &Row, contenders: &[Contender]) -> Vec<String> {
    let mut cells = vec![row.cell.name()];
    for (place, _) in measured(contenders) {
        let star = if row.best == Some(place) { "*" } else { "" };
        cells.push(match (row.spreads[place], &row.cell.figures[place].problem) {
            (Some(spread), _) => format!("{star}{}", figure(spread.median)),
            (None, Some(_)) => "failed".into(),
            (None, None) => "-".into(),
        });
    }
    cells.push(match row.standing() {
        Some(standing) => format!("{}{:.2}", if standing.noise { "~" } else { "" }, standing.ratio),
        None => "-".into(),
    });
    cells
}

fn mean_line(rows: &[&Row], contenders: &[Contender]) -> Vec<String> {
    let mut cells = vec!["mean ratio to best peer".to_owned()];
    for (place, _) in measured(contenders) {
        cells.push(match ranking::overall(rows, place) {
            // A mean over fewer rows is not comparable to the others.
            Some((mean, count)) if count < rows.len() => format!("({mean:.2})"),
            Some((mean, _)) => format!("{mean:.2}"),
            None => "-".into(),
        });
    }
    let larder = ranking::overall(rows, 0);
    cells.push(larder.map_or("-".into(), |(mean, _)| format!("{mean:.2}")));
    cells
}

fn measured(contenders: &[Contender]) -> impl Iterator<Item = (usize, &Contender)> {
    contenders.iter().enumerate().filter(|(_, it)| it.problem.is_none())
}

/// A figure with three digits, or all digits before the decimal point.
pub(super) fn figure(value: f64) -> String {
    match value {
        it if it >= 100.0 || it == 0.0 => format!("{it:.0}"),
        it if it >= 10.0 => format!("{it:.1}"),
        it => format!("{it:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::ranking::tests::{cell, contenders};

    #[test]
    fn the_table_marks_the_best_peer_and_noise() {
        let mut cells = [
            cell("g", "even", [&[10.0, 12.0], &[20.0, 22.0], &[11.0, 12.0], &[1.0]]),
            cell("g", "behind", [&[4.0], &[2.0], &[8.0], &[]]),
        ];
        cells[1].figures[3].problem = Some("out of memory".into());
        let text = render(&cells, &contenders());
        let expected = "\
TIME, NS PER OPERATION

g                        larder  system  jemalloc    bump   larder /
                                                           best peer
even x1                    11.0    21.0     *11.5    1.00      ~0.96
behind x1                  4.00   *2.00      8.00  failed       2.00
mean ratio to best peer    1.38    1.35      2.00  (0.09)       1.38
";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn one_that_did_not_load_is_no_column() {
        let mut all = contenders();
        all[2].problem = Some("it did not load".into());
        let cells = [cell("g", "a", [&[1.0], &[2.0], &[], &[1.0]])];
        assert!(!render(&cells, &all).contains("jemalloc"));
    }
}
