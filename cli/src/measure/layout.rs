//! The layout of figures as text.

use comfy_table::{CellAlignment, ColumnConstraint, Table, Width, presets};

/// Lays out a plain table: names on the left, at most `name_width` wide, and figures on the right.
pub(crate) fn render(header: Vec<String>, rows: Vec<Vec<String>>, name_width: u16) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index == 0 {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(name_width)));
        } else {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    trimmed(&table.to_string())
}

fn trimmed(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// The number of decimals that makes about four digits in all.
pub(crate) fn decimals(largest: f64) -> usize {
    match largest {
        it if it >= 1000.0 => 0,
        it if it >= 100.0 => 1,
        it if it >= 10.0 => 2,
        _ => 3,
    }
}
