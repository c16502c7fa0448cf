//! Charts of horizontal bars, one below the other: one bar for each allocator.

use maud::{Markup, html};

use crate::bench::table::figure;

const WIDTH: f64 = 520.0;
const NAME: f64 = 118.0;
const VALUE: f64 = 92.0;
const LINE: f64 = 19.0;
const THICK: f64 = 12.0;
const TOP: f64 = 24.0;
/// How far the line of a spread may reach beyond the longest bar.
const OVER: f64 = 12.0;

/// The bar of one allocator.
pub(super) struct Bar<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'static str,
    /// The figure, or a text to show instead.
    pub(super) value: Result<f64, &'static str>,
    /// The least and the greatest figure.
    pub(super) spread: Option<(f64, f64)>,
}

/// A chart. Bars beyond `limit` are cut, so that one bad figure does not hide the others.
pub(super) fn chart(title: &str, bars: &[Bar], limit: f64) -> Markup {
    let longest = bars.iter().filter_map(|bar| bar.value.ok()).fold(0.0, f64::max);
    let scale = (WIDTH - NAME - VALUE) / longest.min(limit).max(f64::MIN_POSITIVE);
    let height = TOP + LINE * bars.len() as f64;
    html! {
        figure {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(title) {
                text.title x="0" y="13" { (title) }
                @for (place, bar) in bars.iter().enumerate() {
                    (draw(bar, TOP + LINE * place as f64, scale))
                }
            }
        }
    }
}

fn draw(bar: &Bar, top: f64, scale: f64) -> Markup {
    let room = WIDTH - NAME - VALUE;
    let length = bar.value.map_or(0.0, |value| (value * scale).min(room));
    let is_cut = bar.value.is_ok_and(|value| value * scale > room * 1.001);
    let label = bar.value.map_or_else(str::to_owned, figure);
    let spread = bar.spread.filter(|_| !is_cut);
    let end = spread.map_or(length, |(_, most)| (most * scale).clamp(length, room + OVER));
    let base = top + THICK - 2.0;
    html! {
        text class=(bar.class) x=(NAME - 8.0) y=(base) text-anchor="end" { (bar.name) }
        rect class=(bar.class) x=(NAME) y=(top) width=(format!("{length:.1}")) height=(THICK) rx="2" {}
        @if is_cut { (cut(NAME + length - 22.0, top)) }
        @if let Some(spread) = spread { (whisker(spread, top + THICK / 2.0, scale)) }
        text class=(bar.class) x=(format!("{:.1}", NAME + end + 8.0)) y=(base) { (label) }
    }
}

/// A slanted gap, which shows that the bar is longer than drawn.
fn cut(left: f64, top: f64) -> Markup {
    let bottom = top + THICK;
    let points =
        format!("{left:.1},{bottom} {:.1},{top} {:.1},{top} {:.1},{bottom}", left + 5.0, left + 9.0, left + 4.0);
    html! { polygon.cut points=(points) {} }
}

fn whisker((least, most): (f64, f64), middle: f64, scale: f64) -> Markup {
    let end = |value: f64| format!("{:.1}", NAME + (value * scale).min(WIDTH - NAME - VALUE + OVER));
    html! { line.spread x1=(end(least)) x2=(end(most)) y1=(middle) y2=(middle) {} }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(value: f64) -> Bar<'static> {
        Bar { name: "x", class: "peer", value: Ok(value), spread: Some((value * 0.9, value * 1.1)) }
    }

    #[test]
    fn the_longest_fills_the_room() {
        let text = chart("t", &[bar(10.0), bar(5.0)], f64::INFINITY).into_string();
        assert!(text.contains("width=\"310.0\"") && text.contains("width=\"155.0\""), "{text}");
        assert!(!text.contains("polygon"), "{text}");
    }

    #[test]
    fn what_is_beyond_the_limit_is_cut() {
        let text = chart("t", &[bar(1000.0), bar(5.0)], 10.0).into_string();
        assert_eq!(text.matches("polygon class").count(), 1, "{text}");
        assert!(text.contains("width=\"155.0\"") && text.contains(">1000<"), "{text}");
    }
}
