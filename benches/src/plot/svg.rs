//! Shapes, and the scale that they stand on.

use std::fmt::{self, Write as _};

use crate::report::Unit;

pub(super) const WIDTH: f64 = 760.0;

/// What is ours, then what can stand beside it.
pub(super) const OURS: [&str; 3] = ["#2f7fd1", "#37a6a0", "#8a6fd1"];
pub(super) const PEERS: [&str; 4] = ["#8b98a5", "#c98a3d", "#b0607c", "#7d8f55"];

/// A picture being drawn.
pub(super) struct Svg(String);

impl Svg {
    pub(super) fn new(height: f64, about: &str) -> Svg {
        let about = escape(about);
        Svg(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-label=\"{about}\" font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"currentColor\">\n"
        ))
    }

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: &str, opacity: f64, text: &str) {
        let text = escape(text);
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" opacity=\"{opacity}\">{text}</text>"
        ));
    }

    pub(super) fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], opacity: f64) {
        self.add(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"currentColor\" opacity=\"{opacity}\"/>"
        ));
    }

    pub(super) fn bar(&mut self, [x, y, width, height]: [f64; 4], color: &str) {
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" fill=\"{color}\"/>"
        ));
    }

    pub(super) fn curve(&mut self, points: &[(f64, f64)], color: &str) {
        let mut list = String::new();
        for (x, y) in points {
            let _ = write!(list, "{x:.1},{y:.1} ");
        }
        let list = list.trim_end();
        self.add(format_args!(
            "<polyline points=\"{list}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2.5\" stroke-linejoin=\"round\"/>"
        ));
        for (x, y) in points {
            self.add(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{color}\"/>"
            ));
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }

    fn add(&mut self, shape: fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{shape}");
    }
}

/// Text as it stands in markup.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Where values lie between two ends of a line.
pub(super) struct Scale {
    least: f64,
    most: f64,
    is_logarithmic: bool,
    ends: [f64; 2],
}

impl Scale {
    /// A scale that these values fit on, from zero or, if they are too different for that, logarithmic.
    pub(super) fn of(values: impl Iterator<Item = f64> + Clone, ends: [f64; 2]) -> Scale {
        let positive = values.filter(|value| *value > 0.0);
        let most = positive.clone().fold(f64::MIN_POSITIVE, f64::max);
        let least = positive.fold(most, f64::min);
        let is_logarithmic = most / least > 20.0;
        let power = |value: f64, round: fn(f64) -> f64| 10_f64.powf(round(value.log10()));
        Scale {
            least: if is_logarithmic {
                power(least * 0.99, f64::floor)
            } else {
                0.0
            },
            most: if is_logarithmic {
                power(most, f64::ceil)
            } else {
                most * 1.02
            },
            is_logarithmic,
            ends,
        }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        let share = if self.is_logarithmic {
            (value.max(self.least) / self.least).log10() / (self.most / self.least).log10()
        } else {
            (value - self.least) / (self.most - self.least)
        };
        self.ends[0] + (self.ends[1] - self.ends[0]) * share
    }

    /// Round values to draw lines at.
    pub(super) fn marks(&self, unit: Unit) -> Vec<f64> {
        if self.is_logarithmic {
            let decades = (self.most / self.least).log10().round() as usize;
            let step = decades.div_ceil(8).max(1);
            return (0..=decades)
                .step_by(step)
                .map(|power| self.least * 10_f64.powf(power as f64))
                .collect();
        }
        let base = match unit {
            Unit::Nanoseconds => 10_f64.powf(self.most.log10().floor()),
            Unit::Bytes => 2_f64.powf(self.most.log2().floor()) / 2.0,
        };
        let step = [0.2, 0.5, 1.0, 2.0].map(|part| part * base);
        let step = step
            .into_iter()
            .find(|step| self.most / step <= 6.0)
            .unwrap_or(base);
        (0..=6)
            .map(|number| f64::from(number) * step)
            .filter(|mark| *mark <= self.most)
            .collect()
    }
}
