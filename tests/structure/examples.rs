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
        if !inside && info.is_empty() {
            return true;
        }
        inside = !inside;
    }
    false
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
}
