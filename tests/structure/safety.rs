//! What safety arguments refer to.
//!
//! An argument that says "as in `lock`" is none when there is no `lock` to read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

#[test]
fn safety_arguments_refer_to_what_exists() {
    let mut wrong = Vec::new();
    let mut arguments = 0;
    let files = sources(&crate::source("runtime"));
    let everywhere: BTreeSet<String> = files.iter().flat_map(|(_, text)| functions(text)).collect();
    for (file, text) in &files {
        let here = functions(text);
        for argument in self::arguments(text) {
            arguments += 1;
            for name in references(&argument) {
                let exists = match name.rsplit_once("::") {
                    Some((_, function)) => everywhere.contains(function),
                    None => here.contains(&name),
                };
                if !exists {
                    wrong.push(format!("{file}: no `{name}` for \"{argument}\""));
                }
            }
        }
    }
    assert!(
        arguments > 100,
        "only {arguments} safety arguments were read"
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The files below a directory, with their text.
pub fn sources(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("the sources can be listed") {
        let path = entry.expect("the sources can be listed").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is text");
            found.push((path.display().to_string(), text));
        }
    }
    found
}

/// The comments that begin with `SAFETY:`, each on one line.
fn arguments(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let comment = line.trim_start().strip_prefix("// ");
        match comment {
            Some(comment) if comment.starts_with("SAFETY:") => {
                found.push(comment.to_owned());
                inside = true;
            }
            Some(comment) if inside => {
                let argument = found.last_mut().expect("an argument has begun");
                argument.push(' ');
                argument.push_str(comment);
            }
            _ => inside = false,
        }
    }
    found
}

/// The functions whose arguments this one repeats.
fn references(argument: &str) -> Vec<String> {
    let parts: Vec<&str> = argument.split('`').collect();
    let quoted = parts.iter().enumerate().skip(1).step_by(2);
    quoted
        .filter(|(place, _)| parts[place - 1].to_lowercase().ends_with("as in "))
        .map(|(_, name)| (*name).to_owned())
        .collect()
}

/// The functions that a file defines.
fn functions(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    walk(
        text.parse().expect("the file is Rust"),
        &mut |before, name| {
            if before == "fn" {
                names.insert(name);
            }
        },
    );
    names
}

/// Visits each identifier with the one before it, if nothing stands between them.
fn walk(tokens: TokenStream, visit: &mut impl FnMut(&str, String)) {
    let mut before = String::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => walk(group.stream(), visit),
            TokenTree::Ident(ident) => {
                visit(&before, ident.to_string());
                before = ident.to_string();
                continue;
            }
            _ => {}
        }
        before.clear();
    }
}
