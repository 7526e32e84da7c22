//! Compares the public API of each crate that is for users with the list of it in `CRATE.txt`, so that a change
//! is seen.
//!
//! `--bless` writes the lists anew.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const LISTS: &str = env!("CARGO_MANIFEST_DIR");

/// Their names, as packages have them.
const CRATES: [&str; 2] = ["multiproc", "multiproc-cluster"];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let is_blessed = env::args().any(|argument| argument == "--bless");
    let mut exit_code = ExitCode::SUCCESS;
    for name in CRATES {
        let is = list(&rustdoc(name)?)?;
        let path = Path::new(LISTS).join(name).with_extension("txt");
        if is_blessed {
            fs::write(path, is)?;
        } else if !is_as_listed(name, &is, &fs::read_to_string(path)?) {
            exit_code = ExitCode::FAILURE;
        }
    }
    Ok(exit_code)
}

fn is_as_listed(name: &str, is: &str, was: &str) -> bool {
    if is == was {
        println!("{name}: {} public items, as listed", is.lines().count());
        return true;
    }
    for gone in was.lines().filter(|line| !contains(is, line)) {
        println!("- {gone}");
    }
    for new in is.lines().filter(|line| !contains(was, line)) {
        println!("+ {new}");
    }
    eprintln!(
        "the public API of {name} has changed: see `Change the public API` in CONTRIBUTING.md"
    );
    false
}

fn contains(list: &str, line: &str) -> bool {
    list.lines().any(|other| other == line)
}

/// Has rustdoc describe a crate with all its features, and returns the file with the description.
fn rustdoc(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let target = Path::new(REPOSITORY).join("target");
    let status = Command::new("cargo")
        .args([
            "rustdoc",
            "--quiet",
            "--package",
            name,
            "--lib",
            "--all-features",
        ])
        .current_dir(REPOSITORY)
        .env("CARGO_TARGET_DIR", &target)
        // The format is not stable, the toolchain is pinned.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json")
        .status()?;
    if !status.success() {
        return Err("rustdoc failed".into());
    }
    let file = name.replace('-', "_");
    Ok(target.join("doc").join(file).with_extension("json"))
}

/// A line for each public item and implementation.
fn list(rustdoc: &Path) -> Result<String, Box<dyn Error>> {
    let api = public_api::Builder::from_rustdoc_json(rustdoc)
        .omit_blanket_impls(true)
        .build()?;
    let mut list = String::new();
    for item in api.items() {
        let line = item.to_string();
        if !follows_from_others(&line) {
            list.push_str(&line);
            list.push('\n');
        }
    }
    Ok(list)
}

/// Whether the line tells of a trait that says little: of the automatic ones, `Send` and `Sync` matter.
fn follows_from_others(line: &str) -> bool {
    [
        "::Freeze for",
        "::Unpin for",
        "UnwindSafe for",
        "UnsafeUnpin for",
        "StructuralPartialEq for",
    ]
    .iter()
    .any(|name| line.contains(name))
}
