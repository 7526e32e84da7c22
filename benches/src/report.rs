//! The report: tables for people as Markdown, for programs as JSON.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::measure::{Outcome, Summary};

/// What a table's figures are of. Less is better in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    Nanoseconds,
    Bytes,
}

/// A ratio that the library aims at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim {
    pub(crate) of: &'static str,
    pub(crate) against: &'static str,
    pub(crate) at_most: f64,
}

/// The place of a table among those that show how a cost grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Growth {
    /// What grows along with what.
    pub(crate) series: String,
    /// How much there is of that here.
    pub(crate) at: usize,
}

/// Everything that one run found out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) quick: bool,
    pub(crate) tables: Vec<Table>,
    pub(crate) notes: &'static [&'static str],
}

/// The contestants of one race.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) group: &'static str,
    pub(crate) title: String,
    pub(crate) unit: Unit,
    pub(crate) base_line: &'static str,
    pub(crate) rows: Vec<Row>,
    pub(crate) aims: Vec<AimResult>,
    pub(crate) growth: Option<Growth>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    #[serde(flatten)]
    pub(crate) figures: Option<Summary>,
    /// Its median over that of the base line.
    pub(crate) ratio: Option<f64>,
    pub(crate) absent: Option<String>,
}

/// What came of an aim.
#[derive(Debug, Serialize)]
pub(crate) struct AimResult {
    of: &'static str,
    against: &'static str,
    at_most: f64,
    ratio: f64,
    reached: bool,
}

impl Table {
    pub(crate) fn new(
        group: &'static str,
        title: String,
        unit: Unit,
        base_line: &'static str,
        outcomes: Vec<Outcome>,
        aims: &[Aim],
    ) -> Table {
        let median = |name: &str| {
            outcomes.iter().find_map(|(other, result)| {
                (*other == name).then_some(result.as_ref().ok()?.median)
            })
        };
        let aims = aims
            .iter()
            .filter_map(|aim| {
                let ratio = median(aim.of)? / median(aim.against)?;
                Some(AimResult {
                    of: aim.of,
                    against: aim.against,
                    at_most: aim.at_most,
                    ratio,
                    reached: ratio <= aim.at_most,
                })
            })
            .collect();
        let base = median(base_line);
        let rows = outcomes
            .into_iter()
            .map(|(name, result)| match result {
                Ok(figures) => Row {
                    name,
                    figures: Some(figures),
                    ratio: base.map(|base| figures.median / base),
                    absent: None,
                },
                Err(reason) => Row {
                    name,
                    figures: None,
                    ratio: None,
                    absent: Some(reason),
                },
            })
            .collect();
        Table {
            group,
            title,
            unit,
            base_line,
            rows,
            aims,
            growth: None,
        }
    }

    pub(crate) fn markdown(&self) -> String {
        let mut cells = vec![vec![
            String::new(),
            "median".to_owned(),
            "p10 to p90".to_owned(),
            format!("× {}", self.base_line),
            "samples".to_owned(),
        ]];
        cells.extend(self.rows.iter().map(|row| row.cells(self.unit)));
        let mut text = format!("### {}: {}\n\n{}", self.group, self.title, grid(&cells));
        let absent = self.rows.iter().filter_map(Row::absence);
        let remarks: Vec<_> = absent
            .chain(self.aims.iter().map(AimResult::sentence))
            .collect();
        if !remarks.is_empty() {
            text.push('\n');
        }
        for remark in remarks {
            let _ = writeln!(text, "* {remark}");
        }
        text
    }
}

impl Row {
    fn cells(&self, unit: Unit) -> Vec<String> {
        let name = self.name.to_owned();
        match &self.figures {
            Some(figures) => vec![
                name,
                unit.show(figures.median),
                format!("{} to {}", unit.show(figures.p10), unit.show(figures.p90)),
                self.ratio.map_or_else(String::new, three_digits),
                figures.samples.to_string(),
            ],
            None => [name].into_iter().chain(vec![String::new(); 4]).collect(),
        }
    }

    fn absence(&self) -> Option<String> {
        Some(format!("{}: {}", self.name, self.absent.as_ref()?))
    }
}

impl AimResult {
    fn sentence(&self) -> String {
        format!(
            "{}: {} × {}, aim {}: {}",
            self.of,
            three_digits(self.ratio),
            self.against,
            self.at_most,
            if self.reached { "reached" } else { "missed" },
        )
    }
}

impl Report {
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# multiproc and its peers\n\n{}\n", self.machine.markdown());
        if self.quick {
            text.push_str("A quick run: fewer samples, smaller cases. Not to be quoted.\n\n");
        }
        for table in &self.tables {
            let _ = writeln!(text, "{}", table.markdown());
        }
        text.push_str("### Notes\n\n");
        for note in self.notes {
            let _ = writeln!(text, "* {note}");
        }
        text
    }
}

impl Unit {
    pub(crate) fn show(self, value: f64) -> String {
        let steps: &[(f64, &str)] = match self {
            Unit::Nanoseconds => &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")],
            Unit::Bytes => &[
                (1_073_741_824.0, "GiB"),
                (1_048_576.0, "MiB"),
                (1024.0, "KiB"),
                (1.0, "B"),
            ],
        };
        let (size, name) = steps
            .iter()
            .find(|(size, _)| value >= *size)
            .unwrap_or(&steps[steps.len() - 1]);
        format!("{} {name}", three_digits(value / size))
    }
}

/// Three digits say what a measurement can.
pub(crate) fn three_digits(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// A Markdown table that is one in a terminal, too.
fn grid(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).max(2)).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(text, "| {cell:<width$} "),
                _ => write!(text, "| {cell:>width$} "),
            };
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let _ = match column {
                    0 => write!(text, "|{}", "-".repeat(width + 2)),
                    _ => write!(text, "|{}:", "-".repeat(width + 1)),
                };
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "an outcome may be none")]
    fn figures(median: f64) -> Result<Summary, String> {
        Ok(Summary {
            median,
            p10: median / 2.0,
            p90: median * 2.0,
            samples: 9,
        })
    }

    fn table() -> Table {
        let outcomes = vec![
            ("ours", figures(1_500.0)),
            ("theirs", figures(3_000_000.0)),
            ("python", Err("no python3".to_owned())),
        ];
        let aims = [("theirs", 0.1), ("python", 1.0)].map(|(against, at_most)| Aim {
            of: "ours",
            against,
            at_most,
        });
        Table::new(
            "race",
            "a lap".to_owned(),
            Unit::Nanoseconds,
            "theirs",
            outcomes,
            &aims,
        )
    }

    #[test]
    fn a_table_reads_in_a_terminal() {
        let expected = "\
### race: a lap

|        |  median |         p10 to p90 | × theirs | samples |
|--------|--------:|-------------------:|---------:|--------:|
| ours   | 1.50 µs |  750 ns to 3.00 µs |    0.001 |       9 |
| theirs | 3.00 ms | 1.50 ms to 6.00 ms |     1.00 |       9 |
| python |         |                    |          |         |

* python: no python3
* ours: 0.001 × theirs, aim 0.1: reached
";
        assert_eq!(table().markdown(), expected);
    }

    #[test]
    fn an_absent_contestant_has_no_figures_and_no_aims() {
        let table = serde_json::to_value(table()).unwrap();
        assert_eq!(table["rows"][2]["absent"], "no python3");
        assert!(table["rows"][2].get("median").is_none());
        assert_eq!(table["rows"][0]["median"], 1_500.0);
        assert_eq!(table["aims"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        assert_eq!(Unit::Nanoseconds.show(12.345), "12.3 ns");
        assert_eq!(Unit::Nanoseconds.show(2.5e9), "2.50 s");
        assert_eq!(Unit::Bytes.show(1_572_864.0), "1.50 MiB");
        assert_eq!(Unit::Nanoseconds.show(0.25), "0.250 ns");
        assert_eq!(three_digits(1234.5), "1234");
    }
}
