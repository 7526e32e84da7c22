//! Pictures of a report: one HTML page that needs nothing else, and each picture as a file of its own.
//!
//! Text and lines have the color of the text around them, so that pictures can be read on light and on dark; bars
//! and curves have colors that can be told apart on both.

mod bars;
mod curves;
mod svg;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::measure::Failable;
use crate::past::{PastReport, PastTable};
use svg::escape;

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
       color: #1f2933; background: #fcfcfa; }
h1, h2, h3 { line-height: 1.2; font-weight: 600; }
h2 { margin-top: 3rem; border-bottom: 1px solid #8884; padding-bottom: .3rem; }
h3 { margin: 2rem 0 .5rem; font-size: 1rem; }
p { max-width: 42rem; }
svg { width: 100%; height: auto; }
nav a { margin-right: 1em; white-space: nowrap; }
a { color: inherit; }
@media (prefers-color-scheme: dark) { body { color: #d9e2ec; background: #16191d; } }
";

/// Writes `report.html`, and a file in `plots` for each picture.
pub(crate) fn write(report: &PastReport, out: &Path) -> Failable {
    let pictures = out.join("plots");
    fs::create_dir_all(&pictures)?;
    for (name, _, picture) in report.pictures() {
        fs::write(pictures.join(format!("{name}.svg")), picture)?;
    }
    fs::write(out.join("report.html"), report.page())?;
    Ok(())
}

impl PastReport {
    /// Names, titles and pictures, group by group.
    fn pictures(&self) -> Vec<(String, String, String)> {
        self.groups()
            .into_iter()
            .flat_map(|group| self.pictures_of(group))
            .collect()
    }

    /// In the order in which they ran.
    fn groups(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let groups = self.tables.iter().map(|table| &*table.group);
        groups.filter(|group| seen.insert(*group)).collect()
    }

    fn pictures_of(&self, group: &str) -> Vec<(String, String, String)> {
        let tables = self.tables.iter().filter(|table| table.group == group);
        let mut seen = BTreeSet::new();
        tables
            .filter_map(|table| match &table.growth {
                None => Some((&table.title, bars::draw(table))),
                Some(growth) => seen.insert(&growth.series).then(|| {
                    (
                        &growth.series,
                        curves::draw(&growth.series, &self.series(&growth.series)),
                    )
                }),
            })
            .map(|(title, picture)| (file_name(group, title), title.clone(), picture))
            .collect()
    }

    fn series(&self, name: &str) -> Vec<&PastTable> {
        let is_one = |table: &&PastTable| table.growth.as_ref().is_some_and(|it| it.series == name);
        self.tables.iter().filter(is_one).collect()
    }

    fn page(&self) -> String {
        let machine = &self.machine;
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>multiproc and its peers</title>\n<style>\n{STYLE}</style>\n\
             <h1>multiproc and its peers</h1>\n<p>{}, {} cores; {}; {}; {}.{}</p>\n\
             <p>Bars end at the median; the thin line goes from the tenth to the ninetieth of a hundred samples. \
             Less is better. Where values differ by more than a factor of 20, the scale is logarithmic.</p>\n<nav>",
            escape(&machine.cpu),
            machine.cores,
            escape(&machine.kernel),
            escape(&machine.rustc),
            escape(&machine.date),
            if self.quick {
                " A quick run: not to be quoted."
            } else {
                ""
            }
        );
        for group in self.groups() {
            let _ = write!(page, "<a href=\"#{group}\">{group}</a> ");
        }
        page.push_str("</nav>\n");
        for group in self.groups() {
            let _ = writeln!(page, "<h2 id=\"{group}\">{group}</h2>");
            for (_, title, picture) in self.pictures_of(group) {
                let _ = writeln!(page, "<h3>{}</h3>\n{picture}", escape(&title));
            }
        }
        page.push_str("</html>\n");
        page
    }
}

/// Letters and digits of a title, with dashes between its words.
fn file_name(group: &str, title: &str) -> String {
    let is_word = |letter: char| letter.is_ascii_alphanumeric();
    let words = title
        .split(|letter| !is_word(letter))
        .filter(|word| !word.is_empty());
    [group]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> PastReport {
        let table = |title: &str, at: Option<usize>| {
            serde_json::json!({
                "group": "race", "title": title, "unit": "Nanoseconds", "base_line": "peer",
                "growth": at.map(|at| serde_json::json!({ "series": "laps & more", "at": at })),
                "rows": [
                    { "name": "multiproc <fast>", "p10": 900.0, "median": 1000.0, "p90": 1500.0 },
                    { "name": "peer", "p10": 9e6, "median": 1e7, "p90": 2e7 },
                    { "name": "absent", "absent": "not here" },
                ],
            })
        };
        let report = serde_json::json!({
            "machine": { "cpu": "A & B", "cores": 2, "kernel": "", "rustc": "", "date": "" },
            "quick": true,
            "tables": [table("a lap", None), table("1", Some(0)), table("2", Some(100))],
        });
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn a_series_is_one_picture() {
        let pictures = report().pictures();
        let names: Vec<&str> = pictures.iter().map(|(name, ..)| &**name).collect();
        assert_eq!(names, ["race-a-lap", "race-laps-more"]);
    }

    #[test]
    fn what_is_no_markup_is_none() {
        let page = report().page();
        assert!(page.contains("A &amp; B") && page.contains("multiproc &lt;fast&gt;"));
        assert!(!page.contains("<fast>"));
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }

    #[test]
    fn a_picture_can_stand_in_markdown() {
        // An empty line would end it there.
        for (name, _, picture) in report().pictures() {
            assert!(picture.starts_with("<svg"), "{name}");
            assert!(
                picture.lines().all(|line| !line.trim().is_empty()),
                "{name}"
            );
        }
    }
}
