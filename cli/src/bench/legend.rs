//! The text below the tables: what the marks mean, which figures are missing and why, and where larder is behind.

use std::fmt::Write;

use super::cell::Cell;
use super::contender::{Contender, Role};
use super::metric::Metric;
use super::ranking;
use super::table::figure;

/// The most losses of a metric that are listed.
const MOST_LOSSES: usize = 20;

/// The whole text.
pub(super) fn legend(cells: &[Cell], contenders: &[Contender]) -> String {
    explanation(contenders) + &problems(cells, contenders) + &behind(cells, contenders)
}

/// What the marks mean, and the peculiarities of some contenders.
pub(super) fn explanation(contenders: &[Contender]) -> String {
    let mut text = "Medians; * best peer of the row, ~ within noise (the middle halves of the runs overlap; with fewer than 4 \
        runs: 25 % of time, 5 % of memory, a factor of 2 of latency), means are geometric, in brackets over fewer rows.\n"
        .to_owned();
    if contenders.iter().any(|it| it.role == Role::Floor && it.problem.is_none()) {
        text += "bump is not a real allocator: it frees only the object allocated last. It shows what a workload costs without one.\n";
    }
    for contender in contenders {
        for (name, value) in contender.environment {
            let _ = writeln!(text, "{} ran with {name}={value}, as its authors recommend.", contender.name());
        }
    }
    text
}

/// Which cells and contenders are missing, and why.
pub(super) fn problems(cells: &[Cell], contenders: &[Contender]) -> String {
    let mut text = String::new();
    let untouched: Vec<_> = cells.iter().filter(|cell| cell.is_untouched()).map(Cell::name).collect();
    if !untouched.is_empty() {
        let _ = writeln!(text, "NOT REACHED in time (use --only, --allocators or --full): {}", untouched.join(", "));
    }
    for (place, contender) in contenders.iter().enumerate() {
        if let Some(problem) = &contender.problem {
            let _ = writeln!(text, "NOT MEASURED: {}: {problem}", contender.name());
        }
        text += &failures(cells, contender, place);
    }
    text
}

/// A line for each cell that failed. The floor, which runs out of memory wherever much is freed, has one line for all.
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
    fn failures_and_losses_are_told() {
        let mut cells = [
            cell("g", "even", [&[10.0, 12.0], &[20.0, 22.0], &[11.0, 12.0], &[1.0]]),
            cell("g", "behind", [&[4.0], &[2.0], &[], &[]]),
        ];
        cells[1].figures[2].problem = Some("it ended".into());
        cells[1].figures[3].problem = Some("out of memory".into());
        let text = legend(&cells, &contenders());
        assert!(text.contains("FAILED: behind x1 on jemalloc: it ended\n"), "{text}");
        assert!(text.contains("bump failed, most likely for want of memory: behind x1\n"), "{text}");
        assert!(text.contains("ns per operation: 1 of 2 rows\n    2.00  behind x1: 4.00, system 2.00\n"), "{text}");
        assert!(!text.contains("NOT "), "{text}");
    }

    #[test]
    fn who_and_what_is_missing_is_told() {
        let mut all = contenders();
        all[2].problem = Some("it did not load".into());
        let text = legend(&[cell("g", "far", [&[], &[], &[], &[]])], &all);
        assert!(text.contains("NOT MEASURED: jemalloc: it did not load\n"), "{text}");
        assert!(text.contains("NOT REACHED") && text.contains(": far x1\n"), "{text}");
    }
}
