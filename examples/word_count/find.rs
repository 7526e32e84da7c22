//! Which files there are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// A regular file, and its size when it was found.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
}

/// Says what is wrong with the first path that is neither a file nor a directory.
pub(crate) fn check(paths: &[PathBuf]) -> Result<(), String> {
    for path in paths {
        let name = path.display();
        match fs::metadata(path) {
            Ok(found) if found.is_file() || found.is_dir() => {}
            Ok(_) => return Err(format!("`{name}` is neither a file nor a directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(format!("there is no file or directory `{name}`"));
            }
            Err(error) => return Err(format!("cannot look at `{name}`: {error}")),
        }
    }
    Ok(())
}

/// The files among `paths` and those in the directories among them, at any depth.
///
/// Complains about directories that cannot be read, and goes on. What vanishes while it is looked
/// for was not there.
pub(crate) fn files(paths: &[PathBuf], complain: impl Fn(String)) -> Vec<File> {
    let mut files = Vec::new();
    for entry in paths.iter().flat_map(WalkDir::new) {
        match entry.and_then(file) {
            Ok(file) => files.extend(file),
            Err(error) => match (error.path(), error.io_error()) {
                (_, Some(error)) if error.kind() == io::ErrorKind::NotFound => {}
                (Some(path), Some(error)) => complain(unreadable(path, error)),
                _ => complain(error.to_string()),
            },
        }
    }
    files
}

/// The entry, if it is a file. Symbolic links are followed where they were asked for by name.
fn file(entry: DirEntry) -> walkdir::Result<Option<File>> {
    let metadata = match entry.depth() {
        0 => fs::metadata(entry.path()).or_else(|_| entry.metadata())?,
        _ => entry.metadata()?,
    };
    Ok(metadata.is_file().then(|| File {
        size: metadata.len(),
        path: entry.into_path(),
    }))
}

/// What is said of a file or directory that is there and cannot be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("skipped `{}`: {error}", path.display())
}
