//! How a cost grows: a curve for each contestant.

use super::bars::short;
use super::svg::{OURS, PEERS, Scale, Svg, WIDTH};
use crate::past::PastTable;

const HEIGHT: f64 = 250.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = WIDTH - 20.0;
const LEGEND: f64 = 20.0;

/// The steps of a series, in ascending order.
pub(super) fn draw(series: &str, steps: &[&PastTable]) -> String {
    let Some(first) = steps.first() else {
        return String::new();
    };
    let unit = first.unit;
    let names: Vec<_> = first.rows.iter().collect();
    let legend = LEGEND * names.len() as f64;
    let [top, bottom] = [legend + 14.0, legend + HEIGHT];
    let mut svg = Svg::new(bottom + 24.0, series);
    let medians = steps
        .iter()
        .flat_map(|step| step.rows.iter().filter_map(|row| Some(row.figures?.median)));
    let scale = Scale::of(medians, [bottom, top]);
    for mark in scale.marks(unit) {
        let y = scale.place(mark);
        svg.line([LEFT, y, RIGHT, y], 0.18);
        let text = if mark == 0.0 {
            "0".to_owned()
        } else {
            short(&unit.show(mark))
        };
        svg.text(LEFT - 8.0, y + 4.0, "end", 0.7, &text);
    }
    // The steps stand side by side: they are about as far from one another as their logarithms.
    let gap = (RIGHT - LEFT) / steps.len() as f64;
    let place = |number: usize| LEFT + gap * (number as f64 + 0.5);
    for (number, step) in steps.iter().enumerate() {
        let at = step.growth.as_ref().map_or(0, |growth| growth.at);
        svg.text(place(number), bottom + 18.0, "middle", 0.7, &thousands(at));
    }
    let (mut ours, mut peers) = (OURS.iter().cycle(), PEERS.iter().cycle());
    for (number, row) in names.iter().enumerate() {
        let colors = if row.is_ours() { &mut ours } else { &mut peers };
        let color = colors.next().copied().unwrap_or(PEERS[0]);
        let y = LEGEND * number as f64 + 4.0;
        svg.bar([LEFT, y + 4.0, 18.0, 4.0], color);
        svg.text(LEFT + 26.0, y + 11.0, "start", 1.0, &row.name);
        let points = steps.iter().enumerate().filter_map(|(number, step)| {
            let figures = step.row(&row.name)?;
            Some((place(number), scale.place(figures.median)))
        });
        svg.curve(&points.collect::<Vec<_>>(), color);
    }
    svg.finish()
}

/// A number with its digits in groups of three.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!(
            [0, 100, 1000, 1_000_000].map(thousands),
            ["0", "100", "1,000", "1,000,000"]
        );
    }
}
