//! What has become slower since an earlier run.
//!
//! Two runs differ in what else the machine did. So a row counts as slower only if both hold:
//!
//! * nine of ten samples took longer than nine of ten did: the new [`p10`](PastFigures) is above the old
//!   `p90`;
//! * its median has grown by more than a twentieth beside that of the base line, where the base line is a peer's, and
//!   so tells how fast the machine was; else beside nothing.
//!
//! Rows of peers are not judged, nor are those that only one of the runs has.

use std::fmt::Write as _;

use crate::past::{PastFigures, PastReport, PastTable};
use crate::report::Unit;

/// A change of the median that is of no interest, however sure it is.
const SMALL: f64 = 1.05;

/// What came of a comparison.
#[derive(Debug, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) slower: Vec<Change>,
    pub(crate) faster: Vec<Change>,
    /// How many rows were compared.
    pub(crate) rows: usize,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Change {
    what: String,
    unit: Unit,
    old: PastFigures,
    new: PastFigures,
    /// By what the median was multiplied, beside that of the base line.
    factor: f64,
}

impl Comparison {
    pub(crate) fn of(old: &PastReport, new: &PastReport) -> Comparison {
        let mut comparison = Comparison {
            slower: Vec::new(),
            faster: Vec::new(),
            rows: 0,
        };
        for new in &new.tables {
            let is_same = |old: &&PastTable| old.group == new.group && old.title == new.title;
            if let Some(old) = old.tables.iter().find(is_same) {
                comparison.add(old, new);
            }
        }
        let by_factor = |one: &Change, other: &Change| one.factor.total_cmp(&other.factor);
        comparison
            .slower
            .sort_by(|one, other| by_factor(other, one));
        comparison.faster.sort_by(by_factor);
        comparison
    }

    fn add(&mut self, old_table: &PastTable, new_table: &PastTable) {
        let machine = pace(old_table, new_table);
        for row in new_table.rows.iter().filter(|row| row.is_ours()) {
            let (Some(new), Some(old)) = (row.figures, old_table.row(&row.name)) else {
                continue;
            };
            self.rows += 1;
            let factor = new.median / old.median / machine;
            let change = || Change {
                what: format!("{}: {}: {}", new_table.group, new_table.title, row.name),
                unit: new_table.unit,
                old: *old,
                new,
                factor,
            };
            if new.p10 > old.p90 && factor > SMALL {
                self.slower.push(change());
            } else if new.p90 < old.p10 && factor < 1.0 / SMALL {
                self.faster.push(change());
            }
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (what, changes) in [("Slower", &self.slower), ("Faster", &self.faster)] {
            if changes.is_empty() {
                continue;
            }
            let _ = writeln!(text, "{what}, beyond noise:");
            for change in changes {
                let _ = writeln!(text, "* {}", change.sentence());
            }
            text.push('\n');
        }
        let (slower, faster) = (self.slower.len(), self.faster.len());
        let _ = writeln!(
            text,
            "Of {} rows {slower} became slower and {faster} faster.",
            self.rows
        );
        text
    }
}

/// By what the base line was multiplied, if that tells about the machine and not about the library.
fn pace(old: &PastTable, new: &PastTable) -> f64 {
    let base = new.rows.iter().find(|row| row.name == new.base_line);
    let new_base = base
        .filter(|row| !row.is_ours())
        .and_then(|row| row.figures);
    match (new_base, old.row(&new.base_line)) {
        (Some(new), Some(old)) if old.median > 0.0 && new.median > 0.0 => new.median / old.median,
        _ => 1.0,
    }
}

impl Change {
    fn sentence(&self) -> String {
        format!(
            "{}: {} → {}, {:.2} × beside the base line",
            self.what,
            self.unit.show(self.old.median),
            self.unit.show(self.new.median),
            self.factor
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(ours: [f64; 3], peer: [f64; 3]) -> PastReport {
        let row = |name, [p10, median, p90]: [f64; 3]| serde_json::json!({ "name": name, "p10": p10, "median": median, "p90": p90 });
        let report = serde_json::json!({
            "machine": { "cpu": "", "cores": 2, "kernel": "", "rustc": "", "date": "" },
            "quick": false,
            "tables": [{
                "group": "race", "title": "a lap", "unit": "Nanoseconds", "base_line": "peer",
                "rows": [row("multiproc", ours), row("peer", peer), { "name": "absent" }],
            }],
        });
        serde_json::from_value(report).unwrap()
    }

    fn slower_and_faster(old: &PastReport, new: &PastReport) -> [usize; 3] {
        let comparison = Comparison::of(old, new);
        [
            comparison.slower.len(),
            comparison.faster.len(),
            comparison.rows,
        ]
    }

    #[test]
    fn what_is_beyond_the_spread_is_slower_or_faster() {
        let old = report([90.0, 100.0, 110.0], [9.0, 10.0, 11.0]);
        let slow = report([120.0, 130.0, 140.0], [9.0, 10.0, 11.0]);
        assert_eq!(slower_and_faster(&old, &slow), [1, 0, 1]);
        assert_eq!(slower_and_faster(&slow, &old), [0, 1, 1]);
        assert!(Comparison::of(&old, &slow).text().contains("1.30 ×"));
    }

    #[test]
    fn noise_is_no_change() {
        let old = report([90.0, 100.0, 110.0], [9.0, 10.0, 11.0]);
        // Within the spread.
        let noisy = report([100.0, 125.0, 200.0], [9.0, 10.0, 11.0]);
        assert_eq!(slower_and_faster(&old, &noisy), [0, 0, 1]);
        // The whole machine is slower.
        let loaded = report([120.0, 130.0, 140.0], [12.0, 13.0, 14.0]);
        assert_eq!(slower_and_faster(&old, &loaded), [0, 0, 1]);
        // Sure, and small.
        let exact = report([100.0, 100.0, 100.0], [10.0, 10.0, 10.0]);
        let small = report([104.0, 104.0, 104.0], [10.0, 10.0, 10.0]);
        assert_eq!(slower_and_faster(&exact, &small), [0, 0, 1]);
    }
}
