//! `larder options`: lists the options that LARDER_CONF takes, from the library's own table.

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};
use larder::options::{OPTIONS, Spec};
use serde_json::json;

/// The widest line; the column of meanings wraps to fit.
const WIDTH: u16 = 100;
/// The widest column of values; longer lists of choices continue in the next line.
const VALUES_WIDTH: usize = 24;

/// Prints all options.
pub(crate) fn print(as_json: bool) -> Result<ExitCode> {
    let text = if as_json { json_text(&OPTIONS)? } else { plain_text(&OPTIONS) };
    stdout().write_all(text.as_bytes()).context("stdout")?;
    Ok(ExitCode::SUCCESS)
}

fn json_text(options: &[Spec]) -> Result<String> {
    let list: Vec<_> = options
        .iter()
        .map(|it| json!({"key": it.key, "values": it.values, "default": it.default, "help": it.help}))
        .collect();
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

fn plain_text(options: &[Spec]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(["key", "values", "default", "meaning"]);
    for it in options {
        table.add_row([it.key, &folded(it.values), it.default, it.help]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("LARDER_CONF=key:value,key:value\n\n{}\n", lines.join("\n"))
}

/// Breaks a long list of choices into several lines.
fn folded(values: &str) -> String {
    let mut text = String::new();
    let mut len = 0;
    for choice in values.split_inclusive('|') {
        if len + choice.len() > VALUES_WIDTH {
            text.push('\n');
            len = 0;
        }
        text += choice;
        len += choice.len();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: [Spec; 2] = [
        Spec { key: "a", values: "on|off", default: "on", help: "short" },
        Spec {
            key: "longer",
            values: "0..9",
            default: "5",
            help: "a meaning that takes many words and so goes on in the next line, below its own first word and nowhere else",
        },
    ];

    #[test]
    fn long_meanings_wrap() {
        let expected = "\
LARDER_CONF=key:value,key:value

key     values  default  meaning
a       on|off  on       short
longer  0..9    5        a meaning that takes many words and so goes on in the next line, below
                         its own first word and nowhere else
";
        assert_eq!(plain_text(&TWO), expected);
    }

    #[test]
    fn many_choices_fold_between_two() {
        assert_eq!(folded("a|b"), "a|b");
        assert_eq!(folded("first-choice|second-choice|third"), "first-choice|\nsecond-choice|third");
    }

    #[test]
    fn json_has_the_same() {
        let list: Vec<serde_json::Value> = serde_json::from_str(&json_text(&TWO).unwrap()).unwrap();
        let first = json!({"key": "a", "values": "on|off", "default": "on", "help": "short"});
        assert_eq!((list.len(), &list[0]), (2, &first));
    }
}
