//! The report in plain text, for 100 columns.

use std::fmt::Write;

use super::entrant::Entrant;
use super::json::Facts;
use super::summary::Summary;
use crate::measure::layout::{self, decimals};

const MIB: f64 = (1 << 20) as f64;
/// Wide enough for tcmalloc-minimal-2.
const NAME_WIDTH: u16 = 18;

/// A column of figures: its title, the figure that it shows, and its unit and precision.
struct Figure {
    title: String,
    value: fn(&Summary) -> f64,
    scale: f64,
    decimals: usize,
}

/// The table: the best figures are marked, and ratios are to the first entrant.
pub(super) fn render(entrants: &[Entrant]) -> String {
    let rows: Vec<(&str, Summary)> =
        entrants.iter().filter_map(|it| Some((it.allocator.name.as_str(), it.summary()?))).collect();
    if rows.is_empty() {
        return "nothing was measured\n".into();
    }
    let base = entrants.first().and_then(Entrant::summary);
    let figures = figures(&rows);
    let best: Vec<f64> = figures.iter().map(|it| it.best(&rows)).collect();
    let lines = rows.iter().map(|(name, summary)| row(name, summary, base.as_ref(), &figures, &best));
    layout::render(header(&figures), lines.collect(), NAME_WIDTH)
}

/// The legend of the table: how it was measured, which libraries were preloaded, and which allocators are missing and why.
pub(super) fn legend(facts: &Facts, entrants: &[Entrant]) -> String {
    let mut lines = vec![String::new(), how(facts)];
    for entrant in entrants {
        match (&entrant.problem, &entrant.allocator.library) {
            (Some(problem), _) => lines.push(format!("NOT MEASURED: {}: {problem}", entrant.allocator.name)),
            (None, Some(library)) => lines.push(format!("{}: {}", entrant.allocator.name, library.display())),
            (None, None) => {}
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn how(facts: &Facts) -> String {
    let rounds = if facts.runs == 1 { "1 round".into() } else { format!("{} rounds", facts.runs) };
    let mut text = format!("medians of {rounds}, ratio to the system malloc, * best; larder: {}", facts.mode);
    if facts.interrupted {
        text += "; INTERRUPTED: not all rounds were run";
    }
    for setting in facts.environment {
        let _ = write!(text, "; {setting}");
    }
    if !facts.status.success() {
        let _ = write!(text, "; the command ended with {}", facts.status);
    }
    text
}

fn figures(rows: &[(&str, Summary)]) -> [Figure; 4] {
    let slowest = rows.iter().map(|(_, it)| it.wall_s).fold(0.0, f64::max);
    let (unit, second) = if slowest < 1.0 { ("ms", 1e-3) } else { ("s", 1.0) };
    let figure = |title: &str, unit: &str, value: fn(&Summary) -> f64, scale| Figure {
        title: format!("{title} {unit}").trim_end().into(),
        value,
        scale,
        decimals: decimals(rows.iter().map(|(_, it)| value(it) / scale).fold(0.0, f64::max)),
    };
    let faults = figure("faults", "", |it| it.faults, 1.0);
    [
        figure("wall", unit, |it| it.wall_s, second),
        figure("cpu", unit, |it| it.cpu_s, second),
        figure("RSS", "MiB", |it| it.peak_rss_bytes, MIB),
        Figure { decimals: 0, ..faults },
    ]
}

impl Figure {
    fn best(&self, rows: &[(&str, Summary)]) -> f64 {
        rows.iter().map(|(_, it)| (self.value)(it)).fold(f64::INFINITY, f64::min)
    }

    fn show(&self, value: f64) -> String {
        format!("{:.*}", self.decimals, value / self.scale)
    }

    /// Two cells: the figure, with a star if it is the best, and its ratio.
    fn cells(&self, summary: &Summary, base: Option<&Summary>, best: f64) -> [String; 2] {
        let value = (self.value)(summary);
        let star = if value <= best { "*" } else { "" };
        let ratio = base.map(|base| value / (self.value)(base)).filter(|it| it.is_finite());
        let ratio = ratio.map_or("-".into(), |it| format!("{it:.2}"));
        [format!("{star}{}", self.show(value)), ratio]
    }
}

fn header(figures: &[Figure; 4]) -> Vec<String> {
    let mut cells = vec!["allocator".to_owned()];
    for figure in figures {
        cells.extend([figure.title.clone(), "ratio".into()]);
    }
    cells.insert(3, "min - max".into());
    cells
}

fn row(name: &str, summary: &Summary, base: Option<&Summary>, figures: &[Figure; 4], best: &[f64]) -> Vec<String> {
    let mut cells = vec![name.to_owned()];
    for (figure, best) in figures.iter().zip(best) {
        cells.extend(figure.cells(summary, base, *best));
    }
    let wall = &figures[0];
    cells.insert(3, format!("{} - {}", wall.show(summary.wall_min_s), wall.show(summary.wall_max_s)));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Allocator;
    use crate::measure::allocator::{LARDER, SYSTEM};
    use crate::measure::sample::Sample;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn entrant(name: &str, wall_s: f64, mib: u64, faults: u64) -> Entrant {
        let library = (name != SYSTEM).then(|| format!("/lib/lib{name}.so").into());
        let sample = Sample {
            wall_s,
            user_s: wall_s / 2.0,
            system_s: 0.0,
            peak_rss_bytes: mib << 20,
            minor_faults: faults,
            major_faults: 0,
        };
        Entrant { samples: vec![sample], ..Entrant::new(Allocator::new(name, library)) }
    }

    fn facts(status: i32, interrupted: bool) -> Facts<'static> {
        Facts {
            mode: "rseq by mm_cid",
            command: &[],
            status: ExitStatus::from_raw(status),
            runs: 5,
            interrupted,
            environment: &[],
        }
    }

    #[test]
    fn the_table_is_aligned_and_marks_the_best() {
        let entrants = [entrant(SYSTEM, 0.010, 10, 200), entrant(LARDER, 0.008, 12, 100)];
        let expected = "\
allocator  wall ms  ratio      min - max  cpu ms  ratio  RSS MiB  ratio  faults  ratio
system       10.00   1.00  10.00 - 10.00   5.000   1.00   *10.00   1.00     200   1.00
larder       *8.00   0.80    8.00 - 8.00  *4.000   0.80    12.00   1.20    *100   0.50
";
        assert_eq!(render(&entrants), expected);
    }

    #[test]
    fn long_figures_fit_into_100_columns() {
        let entrants = [
            entrant("tcmalloc-minimal-2", 12345.678, 123_456, 123_456_789),
            entrant(LARDER, 23456.789, 999_999, 999_999_999),
        ];
        let longest = render(&entrants).lines().map(str::len).max().unwrap();
        assert!(longest <= 100, "{longest}");
    }

    #[test]
    fn no_faults_on_the_system_malloc_give_no_ratio() {
        let text = render(&[entrant(SYSTEM, 2.0, 1, 0), entrant("x", 2.0, 1, 5)]);
        assert!(text.lines().nth(2).unwrap().ends_with(" 5      -"), "{text}");
    }

    #[test]
    fn one_with_a_problem_is_no_row_but_a_line() {
        let mut broken = entrant("x", 1.0, 1, 1);
        broken.problem = Some("it did not load".into());
        let entrants = [entrant(SYSTEM, 1.0, 1, 1), broken, entrant(LARDER, 1.0, 1, 1)];
        assert!(!render(&entrants).contains("\nx"), "{}", render(&entrants));
        let text = legend(&facts(0, false), &entrants);
        assert!(text.contains("NOT MEASURED: x: it did not load\n"), "{text}");
        assert!(text.contains("larder: /lib/liblarder.so\n"), "{text}");
        assert_eq!(render(&[]), "nothing was measured\n");
    }

    #[test]
    fn the_legend_tells_what_went_another_way() {
        let text = legend(&facts(0, false), &[]);
        assert!(text.contains("5 rounds") && text.contains("rseq by mm_cid"), "{text}");
        assert!(!text.contains("INTERRUPTED") && !text.contains("ended"), "{text}");
        let text = legend(&facts(3 << 8, true), &[]);
        assert!(text.contains("INTERRUPTED") && text.contains("exit status: 3"), "{text}");
        let environment = ["LARDER_CONF=thp:never".into()];
        let text = legend(&Facts { environment: &environment, ..facts(0, false) }, &[]);
        assert!(text.contains("; LARDER_CONF=thp:never\n"), "{text}");
    }
}
