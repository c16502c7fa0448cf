//! The report in plain text: a table for each metric and group, and where larder is behind.

use std::fmt::Write;

use super::cell::Cell;
use super::contender::{Contender, Role};
use super::metric::Metric;
use super::ranking::{self, Row};
use crate::measure::layout;

const NAME_WIDTH: u16 = 30;
/// As many losses of a metric as are worth reading at once.
const MOST_LOSSES: usize = 20;

/// All tables.
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

/// The geometric means over all groups, in a table of one line.
fn means(rows: &[Row], contenders: &[Contender]) -> String {
    let all: Vec<_> = rows.iter().collect();
    layout::render(header("all groups", contenders), vec![mean_line(&all, contenders)], NAME_WIDTH)
}

/// Names in two lines, so that the columns stay narrow.
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

/// Three digits, or all before the point.
pub(super) fn figure(value: f64) -> String {
    match value {
        it if it >= 100.0 || it == 0.0 => format!("{it:.0}"),
        it if it >= 10.0 => format!("{it:.1}"),
        it => format!("{it:.2}"),
    }
}

/// What the marks mean, who is missing and why, and where larder is behind.
pub(super) fn legend(cells: &[Cell], contenders: &[Contender]) -> String {
    explanation(contenders) + &problems(cells, contenders) + &behind(cells, contenders)
}

/// What the marks mean, and what is special of some.
pub(super) fn explanation(contenders: &[Contender]) -> String {
    let mut text = "Medians; * best peer of the row, ~ within noise (the middle halves of the runs overlap; with fewer than 4 \
        runs: 25 % of time, 5 % of memory, a factor of 2 of latency), means are geometric, in brackets over fewer rows.\n"
        .to_owned();
    if contenders.iter().any(|it| it.role == Role::Floor && it.problem.is_none()) {
        text += "bump is no real allocator: it takes back only what was allocated last. It shows what a workload costs without one.\n";
    }
    for contender in contenders {
        for (name, value) in contender.environment {
            let _ = writeln!(text, "{} ran with {name}={value}, as its makers ask.", contender.name());
        }
    }
    text
}

/// Who is missing, and why.
pub(super) fn problems(cells: &[Cell], contenders: &[Contender]) -> String {
    let mut text = String::new();
    let untouched: Vec<_> = cells.iter().filter(|cell| cell.is_untouched()).map(Cell::name).collect();
    if !untouched.is_empty() {
        let _ =
            writeln!(text, "NOT REACHED in the time (take --only, --allocators or --full): {}", untouched.join(", "));
    }
    for (place, contender) in contenders.iter().enumerate() {
        if let Some(problem) = &contender.problem {
            let _ = writeln!(text, "NOT MEASURED: {}: {problem}", contender.name());
        }
        text += &failures(cells, contender, place);
    }
    text
}

/// A line for each cell; for the floor, which runs out of memory wherever much is freed, one for all.
fn failures(cells: &[Cell], contender: &Contender, place: usize) -> String {
    let failed = cells.iter().filter_map(|cell| Some((cell.name(), cell.figures[place].problem.as_ref()?)));
    let names: Vec<_> = failed.clone().map(|(cell, _)| cell).collect();
    match contender.role {
        Role::Floor if names.is_empty() => String::new(),
        Role::Floor => format!("{} failed, most likely for want of memory: {}\n", contender.name(), names.join(", ")),
        _ => failed.map(|(cell, problem)| format!("FAILED: {cell} on {}: {problem}\n", contender.name())).collect(),
    }
}

fn behind(cells: &[Cell], contenders: &[Contender]) -> String {
    let mut text = "\nWHERE LARDER IS BEHIND, beyond noise\n".to_owned();
    for metric in Metric::ALL.into_iter().filter(|metric| metric.is_aim()) {
        let rows = ranking::rows(cells, contenders, metric);
        let losses = ranking::losses(&rows);
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}: {} of {} rows", metric.title(), losses.len(), rows.len());
        for (row, standing) in losses.iter().take(MOST_LOSSES) {
            let best = row.best.map_or("", |place| contenders[place].name());
            let (larder, peer) = (figure(standing.larder), figure(standing.best));
            let _ = writeln!(text, "  {:6.2}  {}: {larder}, {best} {peer}", standing.ratio, row.cell.name());
        }
        if losses.len() > MOST_LOSSES {
            let _ = writeln!(text, "          and {} more", losses.len() - MOST_LOSSES);
        }
    }
    text
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
        let text = legend(&cells, &contenders());
        assert!(text.contains("bump failed, most likely for want of memory: behind x1\n"), "{text}");
        assert!(text.contains("ns per operation: 1 of 2 rows\n    2.00  behind x1: 4.00, system 2.00\n"), "{text}");
    }

    #[test]
    fn one_that_did_not_load_is_no_column() {
        let mut all = contenders();
        all[2].problem = Some("it did not load".into());
        let cells = [cell("g", "a", [&[1.0], &[2.0], &[], &[1.0]])];
        assert!(!render(&cells, &all).contains("jemalloc"));
        assert!(legend(&cells, &all).contains("NOT MEASURED: jemalloc: it did not load\n"));
    }
}
