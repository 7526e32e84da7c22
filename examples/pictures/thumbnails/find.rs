//! Which pictures there are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// How the names of files end that are taken for pictures.
pub(crate) const EXTENSIONS: [&str; 5] = ["bmp", "gif", "jpeg", "jpg", "png"];

/// The pictures in `directory`, at any depth, by their paths within it and in their order. Those
/// in `left_out` are none.
///
/// Complains about directories that cannot be read, and goes on.
pub(crate) fn pictures(
    directory: &Path,
    left_out: &Path,
    complain: impl Fn(String),
) -> Vec<PathBuf> {
    // That it is not there is fine: then nothing is in it.
    let left_out = fs::canonicalize(left_out).ok();
    let is_left_out = |entry: &DirEntry| {
        entry.file_type().is_dir()
            && left_out.is_some()
            && fs::canonicalize(entry.path()).ok() == left_out
    };
    WalkDir::new(directory)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !is_left_out(entry))
        .filter_map(|entry| match entry {
            Ok(entry) => is_picture(&entry).then(|| within(directory, entry.path())),
            Err(error) => {
                complain(unreadable(&error));
                None
            }
        })
        .collect()
}

fn is_picture(entry: &DirEntry) -> bool {
    let extension = entry.path().extension().unwrap_or_default();
    entry.file_type().is_file()
        && EXTENSIONS
            .iter()
            .any(|it| extension.eq_ignore_ascii_case(it))
}

fn within(directory: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(directory).unwrap_or(path).to_owned()
}

fn unreadable(error: &walkdir::Error) -> String {
    match (error.path(), error.io_error()) {
        (Some(path), Some(error)) => format!("skipped `{}`: {error}", path.display()),
        _ => error.to_string(),
    }
}

/// Says what is wrong with a directory to look for pictures in.
pub(crate) fn check(directory: &Path) -> Result<(), String> {
    let name = directory.display();
    match fs::metadata(directory) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(format!("`{name}` is not a directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("there is no directory `{name}`"))
        }
        Err(error) => Err(format!("cannot look at `{name}`: {error}")),
    }
}
