//! The report for people: one self-contained HTML file, with charts as inline SVG that follow the reader's choice of a
//! light or dark theme.

mod bars;
mod means;
mod rows;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::cell::Cell;
use super::contender::{Contender, Role};
use super::facts::Facts;
use super::legend;
use super::metric::Metric;
use super::ranking::{self, Row};

const STYLE: &str = include_str!("style.css");

/// The page for `--html`.
pub(super) fn text(facts: &Facts, cells: &[Cell], contenders: &[Contender]) -> String {
    page(facts, cells, contenders).into_string()
}

fn page(facts: &Facts, cells: &[Cell], contenders: &[Contender]) -> Markup {
    let time = ranking::rows(cells, contenders, Metric::Time);
    let memory = ranking::rows(cells, contenders, Metric::Memory);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "larder beside its peers" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "larder beside its peers" }
                p.small { (facts.line()) }
                (tiles(&time, &memory))
                (means::charts(&time, &memory, contenders))
                (rows::cards(cells, contenders))
                (tables::losses(cells, contenders))
                (tables::all(cells, contenders))
                (notes(cells, contenders))
            }
        }
    }
}

/// The most important figures.
fn tiles(time: &[Row], memory: &[Row]) -> Markup {
    let mean = |rows: &[Row]| {
        let mean = ranking::overall(&rows.iter().collect::<Vec<_>>(), 0);
        mean.map_or("-".into(), |(mean, _)| format!("{mean:.2}"))
    };
    let behind = |rows: &[Row]| format!("{} / {}", ranking::losses(rows).len(), rows.len());
    html! {
        div.tiles {
            div.tile { b { (mean(time)) } span { "of the time of the best peer of each workload (geometric mean)" } }
            div.tile { b { (mean(memory)) } span { "of the memory of the leanest peer of each workload (geometric mean)" } }
            div.tile { b { (behind(time)) } span { "workloads where larder is slower than the best peer, beyond noise" } }
            div.tile { b { (behind(memory)) } span { "workloads where larder needs more than the leanest peer" } }
        }
    }
}

/// An explanation of how to read the page.
fn notes(cells: &[Cell], contenders: &[Contender]) -> Markup {
    html! {
        h2 { "How this was measured" }
        p { "Bars are medians, the name of the best peer is bold; the thin line goes from the least to the most. A cut bar is longer than it is drawn." }
        ul { @for line in legend::explanation(contenders).lines().chain(legend::problems(cells, contenders).lines()) { li { (line) } } }
    }
}

/// The CSS class for the role of a contender.
fn class(contender: &Contender, is_best: bool) -> &'static str {
    match contender.role {
        Role::Larder => "larder",
        Role::Floor => "floor",
        Role::Peer if is_best => "best",
        Role::Peer => "peer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::facts::tests::facts;
    use crate::bench::ranking::tests::{cell, contenders};

    fn text() -> String {
        let mut cells = [
            cell("pairs", "pair-64", [&[4.0, 5.0], &[8.0], &[3.0, 3.5], &[1.0]]),
            cell("services", "<larson>", [&[40.0], &[5000.0], &[30.0], &[]]),
        ];
        cells[1].figures[3].problem = Some("out of memory".into());
        page(&facts(), &cells, &contenders()).into_string()
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let text = text();
        for outside in ["http://", "https://", "src=", "href=", "@import", "url(", "<script", "<link"] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert!(text.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn every_row_has_a_chart_of_time_and_one_of_memory() {
        let text = text();
        assert_eq!(text.matches("<svg").count(), 2 + 2 * 2, "two means, and two for each row");
        assert_eq!(text.matches("<svg").count(), text.matches("</svg>").count());
        for part in ["pair-64 x1", "&lt;larson&gt; x1", "jemalloc", "failed"] {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn nothing_measured_is_a_page_too() {
        let text = page(&facts(), &[], &contenders()).into_string();
        assert!(text.ends_with("</html>") && !text.contains("NaN"), "{text}");
    }
}
