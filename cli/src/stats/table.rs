//! Every process that runs on larder: a line for each.

use std::fmt::Write;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

use super::process::Process;
use super::report::Reporter;
use crate::args::Stats;
use crate::say::say;

/// Bytes as people read them.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// The table, or a line of JSON for each process.
pub(crate) fn all(reporter: &Reporter, form: Stats) -> Result<String> {
    let found: Vec<_> = Process::all()?.into_iter().filter(|process| process.is_on_larder()).collect();
    let reports = found.iter().map(|process| (process, reporter.report(process, Stats::Json)));
    let mut text = String::new();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["process", "resident", "in use", "kept free", "given back", "command"]);
    for (process, report) in reports {
        match report {
            Ok(json) if form == Stats::Json => writeln!(text, "{json}")?,
            Ok(json) => {
                table.add_row(row(*process, &serde_json::from_str(&json)?));
            }
            Err(error) if process.exists() => say(format_args!("{error:#}")),
            Err(_) => {}
        }
    }
    if form == Stats::Text {
        text = if table.is_empty() {
            "no process that may be read here runs on liblarder.so\n".into()
        } else {
            plain(table)
        };
    }
    Ok(text)
}

fn row(process: Process, report: &Value) -> [String; 6] {
    let sum = |part: &str, names: &[&str]| names.iter().filter_map(|name| report[part][name].as_u64()).sum();
    let in_use = sum("in_use", &["small", "large", "huge"]);
    let free = sum("free", &["windows", "depots", "slabs", "warm_pages", "warm_huge"]);
    let given_back = sum("given_back", &["total"]);
    let [resident, in_use, free, given_back] = [process.resident(), in_use, free, given_back].map(mebibytes);
    [process.0.to_string(), resident, in_use, free, given_back, process.command()]
}

fn plain(mut table: Table) -> String {
    let last = table.column_count().saturating_sub(1);
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if number < last {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_adds_up() {
        let report = json!({
            "in_use": {"small": 1 << 20, "small_objects": 77, "large": 2 << 20, "huge": 0},
            "free": {"windows": 1 << 19, "zero_pages": 1 << 30, "warm_pages": 1 << 19},
            "given_back": {"total": 5 << 19, "idle": 5 << 19},
        });
        let row = row(Process(u32::MAX), &report);
        assert_eq!(row, [&u32::MAX.to_string(), "0.0 MiB", "3.0 MiB", "1.0 MiB", "2.5 MiB", ""]);
    }
}
