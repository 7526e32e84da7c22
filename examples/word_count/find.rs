//! Which files there are.

use std::fs;
use std::io::{self, Read};
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
/// In directories, hidden files and directories are skipped unless `all` is set, and so are
/// directories that are marked as caches, such as cargo's `target`.
///
/// Complains about directories that cannot be read, and goes on. What vanishes while it is looked
/// for was not there.
pub(crate) fn files(paths: &[PathBuf], all: bool, complain: impl Fn(String)) -> Vec<File> {
    let mut files = Vec::new();
    let asked_for = |entry: &DirEntry| all || entry.depth() == 0 || !is_left_out(entry);
    let walk = |path| WalkDir::new(path).into_iter().filter_entry(asked_for);
    for entry in paths.iter().flat_map(walk) {
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

fn is_left_out(entry: &DirEntry) -> bool {
    let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    is_hidden || entry.file_type().is_dir() && is_cache(entry.path())
}

/// Whether the directory says by the tag of <https://bford.info/cachedir/> that it is a cache.
fn is_cache(directory: &Path) -> bool {
    const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";
    let mut beginning = [0; SIGNATURE.len()];
    fs::File::open(directory.join("CACHEDIR.TAG"))
        .and_then(|mut tag| tag.read_exact(&mut beginning))
        .is_ok_and(|()| beginning == SIGNATURE)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of its own for each test.
    fn directory(name: &str) -> PathBuf {
        let directory =
            std::env::temp_dir().join(format!("word_count {} {name}", std::process::id()));
        for (file, content) in [
            ("text", "a"),
            (".hidden", "b"),
            (".git/config", "c"),
            (
                "target/CACHEDIR.TAG",
                "Signature: 8a477f597d28d172789f06886806bc55\n",
            ),
            ("target/debug/built", "d"),
            ("source/CACHEDIR.TAG", "no signature"),
            ("source/target", "e"),
        ] {
            let path = directory.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        directory
    }

    fn found(path: &Path, all: bool) -> Vec<String> {
        let complain = |message| panic!("{message}");
        let relative = |file: File| file.path.strip_prefix(path).unwrap().display().to_string();
        let mut found: Vec<_> = files(&[path.to_owned()], all, complain)
            .into_iter()
            .map(relative)
            .collect();
        found.sort();
        found
    }

    #[test]
    fn hidden_files_and_caches_are_left_out() {
        let directory = directory("left out");
        assert_eq!(
            found(&directory, false),
            ["source/CACHEDIR.TAG", "source/target", "text"]
        );
        assert_eq!(found(&directory, true).len(), 7);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_is_named_is_counted() {
        let directory = directory("named");
        assert_eq!(found(&directory.join(".git"), false), ["config"]);
        assert_eq!(
            found(&directory.join("target"), false),
            ["CACHEDIR.TAG", "debug/built"]
        );
        fs::remove_dir_all(directory).unwrap();
    }
}
