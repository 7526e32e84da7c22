//! The pages of the guide that translate Python's names.
//!
//! Their tables have a first column `Python`. Each name in it occurs, as it stands there, in
//! backticks in a comment of a program on the same page, and code follows that comment.

use std::collections::BTreeSet;
use std::path::Path;

use crate::examples::is_run;
use crate::safety::sources;

/// Names that no program shows: the page, the name, and why.
const WITHOUT_PROGRAM: [(&str, &str, &str); 8] = [
    ("connection", "Client", "absent"),
    ("connection", "Listener", "absent"),
    ("managers", "BaseManager.address", "absent"),
    ("managers", "BaseManager.connect()", "absent"),
    ("managers", "BaseManager.get_server()", "absent"),
    ("managers", "SharedMemoryManager", "not needed"),
    (
        "multiprocessing",
        "set_forkserver_preload(..)",
        "not needed",
    ),
    ("pool", "ThreadPool", "no part of this library"),
];

#[test]
fn names_of_python_are_shown() {
    let mut without = WITHOUT_PROGRAM.map(|(page, name, _)| (page.to_owned(), name.to_owned()));
    without.sort();
    let mut number = 0;
    let mut missing = Vec::new();
    for (file, text) in sources(&crate::source("runtime")) {
        if !file.contains("guide/from_python/") {
            continue;
        }
        let page = Path::new(&file).file_stem().expect("it is a file");
        let page = page.to_string_lossy();
        let (names, shown) = (names(&text), shown(&text));
        number += names.len();
        let not_shown = names.into_iter().filter(|name| !shown.contains(name));
        missing.extend(not_shown.map(|name| (page.to_string(), name)));
    }
    assert!(number > 100, "only {number} names were read");
    missing.sort();
    assert_eq!(missing, without, "names that are not shown, and the list");
}

/// The names in the first column of the tables of a page.
fn names(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in page.lines().map(documentation) {
        let first = line.strip_prefix('|').and_then(|row| row.split('|').next());
        inside = first.is_some_and(|cell| inside || cell.trim() == "Python");
        if inside {
            names.extend(first.into_iter().flat_map(quoted));
        }
    }
    names
}

/// The names in comments of the programs of a page.
fn shown(page: &str) -> BTreeSet<String> {
    let mut shown = BTreeSet::new();
    let mut commented = Vec::new();
    // How the block begins that the line is in, if it is in one.
    let mut block = None;
    for line in page.lines().map(documentation) {
        if let Some(info) = line.strip_prefix("```") {
            block = block.is_none().then_some(info);
            commented.clear();
        } else if block.is_some_and(is_run) {
            match line.trim_start().strip_prefix("//") {
                Some(comment) => commented.extend(quoted(comment)),
                None => shown.extend(commented.drain(..)),
            }
        }
    }
    shown
}

/// A line of a page, without what makes it a comment.
fn documentation(line: &str) -> &str {
    let line = line.strip_prefix("//!").unwrap_or_default();
    line.strip_prefix(' ').unwrap_or(line)
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn names_are_found_in_tables_and_in_programs() {
    let page = "\
        //! | Python | here |\n\
        //! |---|---|\n\
        //! | `f(..)`, `g` | `h` |\n\
        //! | text | `i` |\n\
        //!\n\
        //! | other | column |\n\
        //! | `j` | `k` |\n\
        //!\n\
        //! `l`\n\
        //! ```\n\
        //! // `f(..)`\n\
        //! f();\n\
        //!     // `m` and `n`: no code follows\n\
        //! ```\n\
        //! ```text\n\
        //! // `g`\n\
        //! g();\n\
        //! ```\n\
        // `o`\n";
    assert_eq!(names(page), ["f(..)", "g"]);
    assert_eq!(shown(page), BTreeSet::from(["f(..)".to_owned()]));
}
