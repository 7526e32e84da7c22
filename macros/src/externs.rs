//! Under which names the crate that is being compiled knows `multiproc`.
//!
//! An attribute cannot ask whether a path leads anywhere. It runs inside rustc, though, which was told on
//! its command line which crates paths can begin with. So a renamed dependency has an error in our words,
//! with the option that it needs. Where nothing can be said for sure, nothing is said: in an editor, or if
//! the crate gives `multiproc` its name back with `extern crate`. Then rustc looks for it, and has the last
//! word.

use std::path::Path;
use std::{env, fs};

/// That there is no crate of the name `multiproc`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// This is its name.
    Renamed(String),
    /// Only the macros are there, under this name.
    OnlyMacros(String),
    /// Perhaps another crate has it.
    Unknown,
}

/// What is known of the crate that is being compiled, if it has no `multiproc`.
pub(crate) fn missing() -> Option<Missing> {
    if !proc_macro::is_available() {
        return None;
    }
    let arguments: Vec<String> = env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let missing = missing_among(&arguments)?;
    let mut files = arguments.iter().map(Path::new);
    let root = files.find(|file| file.extension().is_some_and(|extension| extension == "rs"))?;
    let text = fs::read_to_string(root).ok()?;
    (!names_crate(&text)).then_some(missing)
}

/// The same, for a command line of rustc's.
fn missing_among(arguments: &[String]) -> Option<Missing> {
    let mut found = Missing::Unknown;
    let mut externs = externs(arguments)?.peekable();
    externs.peek()?;
    for (name, file) in externs {
        if name == "multiproc" {
            return None;
        }
        let stem = Path::new(file).file_stem()?.to_str()?;
        let stem = stem.split_once('-').map_or(stem, |(stem, _)| stem);
        match stem {
            "libmultiproc" => found = Missing::Renamed(name.to_owned()),
            "libmultiproc_macros" if found == Missing::Unknown => {
                found = Missing::OnlyMacros(name.to_owned());
            }
            _ => {}
        }
    }
    Some(found)
}

/// The names and files of crates, unless arguments stand in a file.
fn externs(arguments: &[String]) -> Option<impl Iterator<Item = (&str, &str)>> {
    if arguments.iter().any(|argument| argument.starts_with('@')) {
        return None;
    }
    let previous = [""].into_iter().chain(arguments.iter().map(String::as_str));
    let values = previous.zip(arguments).filter_map(|(previous, argument)| {
        if previous == "--extern" {
            Some(argument.as_str())
        } else {
            argument.strip_prefix("--extern=")
        }
    });
    Some(values.map(|value| {
        let (name, file) = value.split_once('=').unwrap_or((value, ""));
        // Options may stand before the name.
        (name.rsplit(':').next().unwrap_or(name), file)
    }))
}

/// Whether a crate says in its root that one is called `multiproc`: `extern crate mp as multiproc;`.
fn names_crate(root: &str) -> bool {
    let words: Vec<_> = root
        .split(|char: char| !char.is_alphanumeric() && char != '_')
        .filter(|word| !word.is_empty())
        .collect();
    words
        .windows(2)
        .any(|pair| matches!(pair, ["as" | "crate", "multiproc"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing_in(line: &str) -> Option<Missing> {
        let arguments: Vec<_> = line.split(' ').map(str::to_owned).collect();
        missing_among(&arguments)
    }

    #[test]
    fn other_names_are_found() {
        let renamed = |name: &str| Some(Missing::Renamed(name.to_owned()));
        assert_eq!(
            missing_in(
                "rustc src/lib.rs --extern serde=s.rlib --extern mp=/a/libmultiproc-1f.rmeta"
            ),
            renamed("mp")
        );
        assert_eq!(
            missing_in(
                "rustc --extern=noprelude:mp=libmultiproc.rlib --extern=m=libmultiproc_macros-1.so"
            ),
            renamed("mp")
        );
        assert_eq!(
            missing_in("rustc --extern macros=/a/libmultiproc_macros-1f.so"),
            Some(Missing::OnlyMacros("macros".to_owned()))
        );
        assert_eq!(
            missing_in("rustc --extern facade=/a/libfacade-1f.rlib"),
            Some(Missing::Unknown)
        );
    }

    #[test]
    fn what_is_not_sure_is_not_said() {
        assert_eq!(
            missing_in("rustc --extern multiproc=/a/libmultiproc-1f.rlib"),
            None
        );
        assert_eq!(missing_in("rustc --extern priv:multiproc=a.rlib"), None);
        assert_eq!(missing_in("rustc @arguments --extern a=b.rlib"), None);
        assert_eq!(missing_in("an-editor --of-some-kind"), None);
        assert!(names_crate(
            "#[macro_use]\nextern crate mp  as\n multiproc;"
        ));
        assert!(names_crate("extern crate self as multiproc;"));
        assert!(names_crate("extern crate multiproc;"));
        assert!(!names_crate("use mp::worker; // It is multiproc."));
    }
}
