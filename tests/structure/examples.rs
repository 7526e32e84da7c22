//! Which public items show how they are used.
//!
//! Each of these has a section `# Examples` with an example that runs:
//!
//! * a type: a struct, an enum, a trait, an alias;
//! * a free function, an attribute, a derive;
//! * an associated function without a receiver, such as a constructor;
//! * a method that does something.
//!
//! A method does something unless it is a getter: it takes its receiver and nothing else, and its
//! summary begins with "Returns". Getters, constants, fields, variants, modules and implementations
//! of traits may have an example and need none.

use crate::modules::Crate;
use crate::public::{self, Kind, PublicItem};
use crate::safety::sources;

#[test]
fn public_items_have_examples() {
    let items = public::items(&Crate::read(&crate::source("runtime")));
    let owing: Vec<&PublicItem> = items.iter().filter(|item| owes_example(item)).collect();
    assert!(owing.len() > 150, "only {} items were read", owing.len());
    let missing = owing.iter().filter(|item| !has_example(&item.docs));
    let missing: Vec<&str> = missing.map(|item| &*item.path).collect();
    assert!(
        missing.is_empty(),
        "{} of {} have no example that runs:\n{}",
        missing.len(),
        owing.len(),
        missing.join("\n")
    );
}

fn owes_example(item: &PublicItem) -> bool {
    match item.kind {
        Kind::Type | Kind::Function | Kind::Associated | Kind::Method => true,
        Kind::Query => !item.docs.starts_with("Returns"),
        Kind::Module | Kind::Part => false,
    }
}

/// Whether there is a section with a code block that is compiled and run.
fn has_example(docs: &str) -> bool {
    let section = docs
        .lines()
        .skip_while(|line| *line != "# Examples")
        .skip(1);
    let mut inside = false;
    for line in section {
        let Some(info) = line.strip_prefix("```") else {
            if !inside && line.starts_with("# ") {
                return false;
            }
            continue;
        };
        if !inside && is_run(info) {
            return true;
        }
        inside = !inside;
    }
    false
}

/// Whether a code block that begins with this is compiled and run.
pub(crate) fn is_run(info: &str) -> bool {
    info.is_empty() || info == ALONE
}

/// What marks an example that is a program of its own. The others are compiled as one.
const ALONE: &str = "standalone_crate";

/// A start-up function in the program of all examples would run in the processes of each.
#[test]
fn examples_with_startup_functions_stand_alone() {
    let mut count = 0;
    for package in ["runtime", "cluster"] {
        for (path, text) in sources(&crate::source(package)) {
            for (number, info) in startup_functions(&text) {
                count += usize::from(info == ALONE);
                let place = format!("{path}:{number}");
                assert!(
                    !info.is_empty(),
                    "{place}: its block begins with ```{ALONE}"
                );
            }
        }
    }
    assert!(count >= 7, "only {count} were found");
}

/// The lines of start-up functions in documentation, and how the blocks begin in which they are.
fn startup_functions(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut block = None;
    for (index, line) in text.lines().enumerate() {
        let is_attribute = line.contains("doc = \"```");
        if let Some((before, info)) = line.split_once("```")
            && (is_attribute || matches!(before.trim(), "///" | "//!"))
        {
            let info = info.split('"').next().unwrap_or_default();
            // Where a feature decides how a block begins, the first of two says how if there is the feature.
            block = if is_attribute {
                block.or(Some(info))
            } else {
                block.xor(Some(info))
            };
        } else if line.trim_start().starts_with("//")
            && line.contains("#[multiproc::startup]")
            && let Some(info) = block
        {
            found.push((index + 1, info));
        }
    }
    found
}

#[test]
fn an_example_is_found_in_its_section() {
    assert!(has_example(
        "Does it.\n\n# Examples\n\n```\ndo_it();\n```\n"
    ));
    assert!(has_example(
        "# Examples\n\n```text\n# it\n```\n\n```\ndo_it();\n```\n"
    ));
    assert!(!has_example("Does it.\n\n```\ndo_it();\n```\n"));
    assert!(!has_example(
        "# Examples\n\nNone.\n\n# Errors\n\n```\ndo_it();\n```\n"
    ));
    assert!(!has_example("# Examples\n\n```no_run\ndo_it();\n```\n"));
    assert!(has_example(
        "# Examples\n\n```standalone_crate\ndo_it();\n```\n"
    ));
}
