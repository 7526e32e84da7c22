//! The direction of the arrows between source files.
//!
//! A file depends on each file that it names: in a `use`, or in a path that begins with `crate`,
//! `super`, `self` or a module below it. What a `mod.rs` only passes on is followed to the file
//! that defines it. Files that depend on one another in a circle can only be understood together,
//! so there must be none.

mod examples;
mod from_python;
mod layers;
mod modules;
mod paths;
mod public;
mod safety;
mod wording;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use modules::Crate;

type Arrows = BTreeMap<String, BTreeSet<String>>;

fn source(package: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(package)
        .join("src")
}

#[test]
fn no_file_depends_on_itself() {
    let mut circles = Vec::new();
    for package in ["macros", "runtime"] {
        let arrows = Crate::read(&source(package)).arrows();
        assert!(arrows.len() > 10, "{package} was not read: {arrows:?}");
        circles.extend(self::circles(&arrows).into_iter().map(|circle| {
            let lines = circle.iter().flat_map(|file| {
                let within = arrows[file].iter().filter(|other| circle.contains(*other));
                within.map(move |other| format!("  {file} -> {other}\n"))
            });
            format!("{package}: a circle of {} files\n", circle.len()) + &lines.collect::<String>()
        }));
    }
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

/// The groups of files of which each depends on all others, directly or not.
fn circles(arrows: &Arrows) -> Vec<BTreeSet<String>> {
    let reachable: BTreeMap<&String, BTreeSet<&String>> = arrows
        .keys()
        .map(|file| (file, reach(arrows, file)))
        .collect();
    let mut circles: Vec<BTreeSet<String>> = Vec::new();
    for (file, reached) in &reachable {
        if !reached.contains(*file) || circles.iter().any(|circle| circle.contains(*file)) {
            continue;
        }
        let others = reached
            .iter()
            .filter(|other| reachable[**other].contains(*file));
        circles.push(others.map(|other| (*other).clone()).collect());
    }
    circles
}

fn reach<'a>(arrows: &'a Arrows, from: &String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&String> = arrows[from].iter().collect();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(&arrows[file]);
        }
    }
    reached
}

#[test]
fn a_circle_is_found() {
    let arrows = |list: &[(&str, &[&str])]| -> Arrows {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let list = list.iter();
        list.map(|(file, others)| ((*file).to_owned(), owned(others)))
            .collect()
    };
    let straight = arrows(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert!(circles(&straight).is_empty());
    let bent = arrows(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &["a"])]);
    let expected: BTreeSet<String> = ["b".to_owned(), "c".to_owned()].into();
    assert_eq!(circles(&bent), [expected]);
}
