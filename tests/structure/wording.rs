//! The words of the documentation.
//!
//! A summary, the first line of what is documented, is a sentence that begins with a verb, or it
//! names the thing: "Waits for the lock.", "A lock between processes." It is no bare clause
//! ("Whether it is locked.", "What went wrong."), since that says neither what is returned nor
//! what the item is. And a text says who does something: "the next caller", "another process".

use std::path::Path;

use crate::modules::Crate;
use crate::public;
use crate::safety::sources;

/// Words that no summary begins with.
const OPENINGS: [&str; 14] = [
    "As", "How", "If", "It", "So", "That", "What", "When", "Where", "Whether", "Which", "Who",
    "Whose", "Why",
];

/// Words that stand for a subject which should be named.
const SUBJECTS: [&str; 6] = [
    "nobody",
    "somebody",
    "anybody",
    "whoever",
    "of ours",
    "of the user's",
];

#[test]
fn documentation_is_plain() {
    let mut wrong = Vec::new();
    for package in ["macros", "runtime"] {
        let items = public::items(&Crate::read(&crate::source(package)));
        for item in items {
            let faults = faults(&item.docs).into_iter();
            wrong.extend(faults.map(|fault| format!("{}: {fault}", item.path)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn texts_are_plain() {
    let mut wrong = Vec::new();
    for file in [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "examples/README.md",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let text = std::fs::read_to_string(&path).expect("the text is there");
        wrong.extend(subjects(&text).map(|word| format!("{file}: \"{word}\"")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Comments that only contributors read, too.
#[test]
fn comments_are_plain() {
    let mut wrong = Vec::new();
    for package in ["macros", "runtime"] {
        for (file, text) in sources(&crate::source(package)) {
            for comment in text.lines().filter_map(comment) {
                let found = subjects(comment);
                wrong.extend(found.map(|word| format!("{file}: \"{word}\" in \"{comment}\"")));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is commented in a line that is a comment.
fn comment(line: &str) -> Option<&str> {
    let comment = line.trim_start().strip_prefix("//")?;
    Some(comment.trim_start_matches(['/', '!']).trim_start())
}

fn faults(docs: &str) -> Vec<String> {
    let opening = docs.split_whitespace().next().unwrap_or_default();
    let opening = OPENINGS.iter().filter(|word| **word == opening);
    opening
        .map(|word| format!("the summary begins with \"{word}\""))
        .chain(subjects(docs).map(|word| format!("\"{word}\" stands for a subject")))
        .collect()
}

fn subjects(text: &str) -> impl Iterator<Item = &'static str> {
    // Between spaces, so that only whole words are found.
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    let text = words.filter(|word| !word.is_empty());
    let text = format!(" {} ", text.collect::<Vec<_>>().join(" ").to_lowercase());
    let found = SUBJECTS.into_iter();
    found.filter(move |word| text.contains(&format!(" {word} ")))
}

#[test]
fn faults_are_found() {
    assert!(faults("Waits for the lock.\n\nThat may take long.").is_empty());
    assert_eq!(faults("Whether it is locked.").len(), 1);
    assert_eq!(faults("Thatched roofs.").len(), 0);
    assert_eq!(faults("A lock\nof\nours.").len(), 1);
    assert_eq!(faults("What nobody, or somebody, has.").len(), 3);
}
