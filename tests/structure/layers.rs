//! The pictures of dependencies in `ARCHITECTURE.md`, compared with the sources.
//!
//! A picture is a block of lines `a, b → c, d → e`: what stands on the left of an arrow depends on
//! what stands on the right of it. What it depends on through others need not be named. Words in
//! parentheses are remarks, as is all that follows a semicolon.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::modules::Crate;
use crate::{Arrows, reach, source};

/// The picture in the block that follows this sentence.
fn picture(text: &str, sentence: &str) -> Arrows {
    let (_, block) = text.split_once(sentence).expect("the sentence is there");
    let (_, block) = block.split_once("```text\n").expect("a block follows");
    let (block, _) = block.split_once("```").expect("the block ends");
    let mut picture = Arrows::new();
    for line in block.lines() {
        read_line(line, &mut picture);
    }
    let named: BTreeSet<String> = picture.values().flatten().cloned().collect();
    for name in named {
        picture.entry(name).or_default();
    }
    picture
}

fn read_line(line: &str, picture: &mut Arrows) {
    let line = line.split([';', ':']).next().unwrap_or_default();
    let levels: Vec<Vec<String>> = line.split('→').map(names).collect();
    for (level, names) in levels.iter().enumerate() {
        for name in names {
            let below = levels[level + 1..].iter().flatten().cloned();
            picture.entry(name.clone()).or_default().extend(below);
        }
    }
}

fn names(level: &str) -> Vec<String> {
    let mut depth = 0;
    let kept = level.chars().filter(|letter| {
        depth += i32::from(*letter == '(');
        let keep = depth == 0;
        depth -= i32::from(*letter == ')');
        keep
    });
    let kept: String = kept.collect();
    kept.split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// What the sources have that the picture does not.
fn beyond(sources: &Arrows, picture: &Arrows) -> Vec<String> {
    let mut beyond = Vec::new();
    for (from, others) in sources {
        let Some(name) = picture.get_key_value(from).map(|(name, _)| name) else {
            beyond.push(format!("{from} is not in the picture"));
            continue;
        };
        let reached = reach(picture, name);
        let more = others
            .iter()
            .filter(|other| *other != from && !reached.contains(*other));
        beyond.extend(more.map(|other| format!("{from} → {other}")));
    }
    beyond
}

/// The arrows between groups of files; files without a group are left out.
fn grouped(files: &Arrows, group: impl Fn(&str) -> Option<String>) -> Arrows {
    let mut grouped: BTreeMap<String, BTreeSet<String>> = Arrows::new();
    for (file, others) in files {
        if let Some(name) = group(file) {
            let others = others.iter().filter_map(|other| group(other));
            grouped.entry(name).or_default().extend(others);
        }
    }
    grouped
}

fn architecture() -> String {
    let path = source("runtime").join("../../ARCHITECTURE.md");
    fs::read_to_string(path).expect("the document is there")
}

#[test]
fn modules_depend_on_those_below() {
    let files = Crate::read(&source("runtime")).arrows();
    let modules = grouped(&files, |file| {
        let name = file.split('/').next()?.trim_end_matches(".rs");
        // They pass on names, and have pages to read.
        (!["lib", "guide"].contains(&name)).then(|| name.to_owned())
    });
    let picture = picture(&architecture(), "Dependencies point down:");
    let beyond = beyond(&modules, &picture);
    assert!(beyond.is_empty(), "\n{}", beyond.join("\n"));
    let unknown: Vec<&String> = picture
        .keys()
        .filter(|name| !modules.contains_key(*name) && *name != "generated code")
        .collect();
    assert!(unknown.is_empty(), "no such modules: {unknown:?}");
}

#[test]
fn files_of_the_pool_depend_on_those_below() {
    let files = Crate::read(&source("runtime")).arrows();
    let pool = grouped(&files, |file| {
        let name = file.strip_prefix("pool/")?.trim_end_matches(".rs");
        // It passes on names.
        (name != "mod").then(|| name.to_owned())
    });
    let picture = picture(&architecture(), "Within the pool");
    let beyond = beyond(&pool, &picture);
    assert!(beyond.is_empty(), "\n{}", beyond.join("\n"));
    let unknown: Vec<&String> = picture
        .keys()
        .filter(|name| !pool.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "no such files: {unknown:?}");
}

#[test]
fn what_a_picture_lacks_is_found() {
    let text =
        "Down:\n\n```text\n a, b → c (it is low) → d\n d: nothing\n e → d; sometimes a\n```\n";
    let picture = picture(text, "Down:");
    let sources = |from: &str, to: &str| Arrows::from([(from.to_owned(), [to.to_owned()].into())]);
    for (from, to) in [("a", "c"), ("a", "d"), ("b", "d"), ("e", "d"), ("c", "c")] {
        assert!(
            beyond(&sources(from, to), &picture).is_empty(),
            "{from} {to}"
        );
    }
    for (from, to) in [("c", "a"), ("d", "c"), ("e", "a"), ("f", "d"), ("a", "b")] {
        assert_eq!(beyond(&sources(from, to), &picture).len(), 1, "{from} {to}");
    }
}
