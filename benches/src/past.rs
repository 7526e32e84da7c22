//! Reports of earlier runs, read again.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::measure::Failable;
use crate::report::{Growth, Unit};

#[derive(Debug, Deserialize)]
pub(crate) struct PastReport {
    pub(crate) machine: PastMachine,
    pub(crate) quick: bool,
    pub(crate) tables: Vec<PastTable>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PastMachine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    pub(crate) date: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PastTable {
    pub(crate) group: String,
    pub(crate) title: String,
    pub(crate) unit: Unit,
    pub(crate) base_line: String,
    pub(crate) rows: Vec<PastRow>,
    /// Older reports have none.
    pub(crate) growth: Option<Growth>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PastRow {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) figures: Option<PastFigures>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct PastFigures {
    pub(crate) median: f64,
    pub(crate) p10: f64,
    pub(crate) p90: f64,
}

impl PastReport {
    pub(crate) fn read(path: &Path) -> Failable<PastReport> {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let report = serde_json::from_str(&text)
            .map_err(|error| format!("{} is no report: {error}", path.display()))?;
        Ok(report)
    }
}

impl PastTable {
    pub(crate) fn row(&self, name: &str) -> Option<&PastFigures> {
        let row = self.rows.iter().find(|row| row.name == name);
        row.and_then(|row| row.figures.as_ref())
    }
}

impl PastRow {
    /// Whether it is the library, and not a peer.
    pub(crate) fn is_ours(&self) -> bool {
        self.name.starts_with("multiproc")
    }
}
