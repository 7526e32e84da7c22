//! The contestants of one race, a bar each.

use super::svg::{OURS, PEERS, Scale, Svg, WIDTH};
use crate::past::PastTable;
use crate::report::three_digits;

const ROW: f64 = 26.0;
const BAR: f64 = 15.0;
/// Where bars begin, and end at most: names stand before them, values behind.
const LEFT: f64 = 240.0;
const RIGHT: f64 = WIDTH - 150.0;

pub(super) fn draw(table: &PastTable) -> String {
    let rows: Vec<_> = table
        .rows
        .iter()
        .filter_map(|row| Some((row, row.figures?)))
        .collect();
    let bottom = ROW * rows.len() as f64 + 6.0;
    let about = format!("{}, {}: {}", table.group, table.title, sentence(table));
    let mut svg = Svg::new(bottom + 22.0, &about);
    let ends = rows
        .iter()
        .flat_map(|(_, figures)| [figures.median, figures.p90, figures.p10]);
    let scale = Scale::of(ends, [LEFT, RIGHT]);
    for mark in scale.marks(table.unit) {
        let x = scale.place(mark);
        svg.line([x, 2.0, x, bottom], 0.18);
        let text = if mark == 0.0 {
            "0".to_owned()
        } else {
            short(&table.unit.show(mark))
        };
        svg.text(x, bottom + 15.0, "middle", 0.7, &text);
    }
    let base = table.row(&table.base_line).map(|base| base.median);
    for (number, (row, figures)) in rows.iter().enumerate() {
        let top = ROW * number as f64 + 6.0;
        let baseline = top + BAR - 3.0;
        svg.text(LEFT - 10.0, baseline, "end", 1.0, &row.name);
        let color = if row.is_ours() { OURS[0] } else { PEERS[0] };
        let end = scale.place(figures.median);
        svg.bar([LEFT, top, (end - LEFT).max(1.5), BAR], color);
        let middle = top + BAR / 2.0;
        let [from, to] = [figures.p10, figures.p90].map(|value| scale.place(value));
        svg.line([from, middle, to, middle], 0.8);
        for x in [from, to] {
            svg.line([x, middle - 3.0, x, middle + 3.0], 0.8);
        }
        let ratio = base.map_or_else(String::new, |base| {
            format!(" · {} ×", three_digits(figures.median / base))
        });
        let text = format!("{}{ratio}", table.unit.show(figures.median));
        svg.text(end.max(to) + 8.0, baseline, "start", 0.85, &text);
    }
    svg.finish()
}

/// What the picture says, for those who cannot see it.
fn sentence(table: &PastTable) -> String {
    let rows = table.rows.iter().filter_map(|row| {
        let median = row.figures?.median;
        Some(format!("{} {}", row.name, table.unit.show(median)))
    });
    rows.collect::<Vec<_>>().join(", ")
}

/// A round number without its zeros behind the point.
pub(super) fn short(text: &str) -> String {
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            let number = number.trim_end_matches('0').trim_end_matches('.');
            format!("{number} {unit}")
        }
        _ => text.to_owned(),
    }
}
