//! Compares the public API with the list of it in `multiproc.txt`, so that a change is seen.
//!
//! `--bless` writes the list anew.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/multiproc.txt");

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let is = list(&rustdoc()?)?;
    if env::args().any(|argument| argument == "--bless") {
        fs::write(LIST, is)?;
        return Ok(ExitCode::SUCCESS);
    }
    let was = fs::read_to_string(LIST)?;
    if is == was {
        println!("{} public items, as listed", is.lines().count());
        return Ok(ExitCode::SUCCESS);
    }
    for gone in was.lines().filter(|line| !contains(&is, line)) {
        println!("- {gone}");
    }
    for new in is.lines().filter(|line| !contains(&was, line)) {
        println!("+ {new}");
    }
    eprintln!("the public API has changed: see `Change the public API` in CONTRIBUTING.md");
    Ok(ExitCode::FAILURE)
}

fn contains(list: &str, line: &str) -> bool {
    list.lines().any(|other| other == line)
}

/// Has rustdoc describe the crate with all its features, and returns the file with the description.
fn rustdoc() -> Result<PathBuf, Box<dyn Error>> {
    let target = Path::new(REPOSITORY).join("target");
    let status = Command::new("cargo")
        .args([
            "rustdoc",
            "--quiet",
            "--package",
            "multiproc",
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
    Ok(target.join("doc/multiproc.json"))
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
