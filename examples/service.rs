//! How do several processes use one large object, which is made once?
//!
//! An index of all words in the files of a directory lives in a process of its own, which reads the files
//! when it is started. Each of the workers is given a client of it, and asks in which files its words are.
//!
//! ```text
//! cargo run --release --example service -- DIR [WORD...]
//! ```
//!
//! Without words, the workers ask for those that are in most files.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use multiproc::{ErrorKind, RemoteError, worker};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use walkdir::{DirEntry, WalkDir};

const WORKERS: usize = 4;

/// Which words are in which files. It never leaves its process, so it can have any type in it.
#[derive(Default)]
struct Index {
    files: Vec<PathBuf>,
    /// The numbers of the files that a word is in, in ascending order.
    places: HashMap<String, Vec<usize>>,
}

/// What is in the index of a word.
#[derive(Serialize, Deserialize)]
struct Findings {
    word: String,
    files: usize,
    first: Option<PathBuf>,
}

#[multiproc::service]
impl Index {
    /// Reads the files of a directory, at any depth, but for those that are hidden, in caches, or not text.
    fn of(directory: &Path) -> Result<Self, RemoteError> {
        let mut index = Index::default();
        for entry in WalkDir::new(directory).into_iter().filter_entry(is_wanted) {
            // What is wrong, and with which file: in one line.
            let entry = entry.map_err(|error| error.to_string())?;
            if entry.file_type().is_file()
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                index.add(entry.into_path(), &text);
            }
        }
        Ok(index)
    }

    /// The numbers of files and words.
    fn size(&self) -> (usize, usize) {
        (self.files.len(), self.places.len())
    }

    /// The words that are in most files.
    fn most_common(&self, number: usize) -> Vec<String> {
        let mut words: Vec<_> = self.places.iter().collect();
        words.sort_unstable_by_key(|(word, places)| (usize::MAX - places.len(), *word));
        let words = words.into_iter().take(number);
        words.map(|(word, _)| word.clone()).collect()
    }

    fn find(&self, word: &str) -> Findings {
        let places = self.places.get(word).map_or(&[][..], Vec::as_slice);
        Findings {
            word: word.to_owned(),
            files: places.len(),
            first: places.first().map(|place| self.files[*place].clone()),
        }
    }
}

// What is not asked for by others stands in another `impl`.
impl Index {
    fn add(&mut self, file: PathBuf, text: &str) {
        let number = self.files.len();
        self.files.push(file);
        for word in text.unicode_words() {
            let places = self.places.entry(word.to_lowercase()).or_default();
            if places.last() != Some(&number) {
                places.push(number);
            }
        }
    }
}

fn is_wanted(entry: &DirEntry) -> bool {
    let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    entry.depth() == 0 || !is_hidden && !entry.path().join("CACHEDIR.TAG").exists()
}

/// Asks for words, again and again until the time is over. Returns what there is of each, and how often it
/// has asked.
#[worker]
fn ask(
    index: &IndexClient,
    words: &[String],
    time: Duration,
) -> Result<(Vec<Findings>, u64), RemoteError> {
    let begin = Instant::now();
    let (mut findings, mut asked) = (Vec::new(), 0);
    for (number, word) in words.iter().cycle().enumerate() {
        if number >= words.len() && begin.elapsed() >= time {
            break;
        }
        let found = index.find(word).run()?;
        asked += 1;
        if number < words.len() {
            findings.push(found);
        }
    }
    Ok((findings, asked))
}

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(directory) = arguments.next().filter(|it| it != "--help") else {
        eprintln!("usage: service DIR [WORD...]");
        return ExitCode::from(2);
    };
    let words = arguments.map(OsString::into_string).collect();
    let Ok(words) = words else {
        eprintln!("service: words are text");
        return ExitCode::from(2);
    };
    match run(Path::new(&directory), words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not if who reads has seen enough, as `head` has.
            let is_enough = error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
            if is_enough {
                return ExitCode::SUCCESS;
            }
            eprintln!("service: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(directory: &Path, mut words: Vec<String>) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let begin = Instant::now();
    // Waits until the files are read.
    let index = IndexClient::of(directory)
        .startup_timeout(Duration::from_mins(10))
        .spawn()?;
    let (files, number) = index.size().run()?;
    writeln!(
        out,
        "process {} has read {files} files with {number} words in {:.1?}\n",
        index.id(),
        begin.elapsed()
    )?;
    if words.is_empty() {
        words = index.most_common(3 * WORKERS).run()?;
    }

    let time = Duration::from_secs(1);
    let shares = words.chunks(words.len().div_ceil(WORKERS).max(1));
    let workers = shares
        .map(|words| ask::spawn(&index, words, time))
        .collect::<Result<Vec<_>, _>>()?;
    let (number, mut asked) = (workers.len(), 0);
    for worker in workers {
        let (findings, times) = worker.join()??;
        asked += times;
        for Findings { word, files, first } in findings {
            let first = first.map(|first| format!(", first in {}", first.display()));
            writeln!(out, "{word:16}{files:6} files{}", first.unwrap_or_default())?;
        }
    }
    writeln!(
        out,
        "\n{number} workers have asked {asked} times in a second"
    )?;

    // The index is dropped, and its process is gone.
    let client = index.client();
    index.shutdown()?;
    assert_eq!(client.size().run().unwrap_err().kind(), ErrorKind::Closed);
    Ok(())
}
