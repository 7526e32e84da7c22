//! How do many tasks use one large value, without sending it to each?
//!
//! The value is a dictionary for a spell checker, the tasks are words to be corrected. Sent by reference, the
//! dictionary is encoded and decoded for each task. Frozen, it is encoded once, and decoded once in each worker.
//!
//! ```text
//! cargo run --release --example frozen
//! cargo run --release --example frozen -- freez valu
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use multiproc::shm::Frozen;
use multiproc::{Pool, worker};
use serde::{Deserialize, Serialize};

/// How many tasks there are at least.
const TASKS: usize = 100;

/// Any type that serde can write and read.
#[derive(Clone, Serialize, Deserialize)]
struct Dictionary {
    /// Words, and how common they are.
    words: HashMap<String, u32>,
}

impl Dictionary {
    /// A real one would be read from a file. This has a few words, and many that sound like some.
    fn load() -> Dictionary {
        const KNOWN: [&str; 8] = [
            "process", "freeze", "value", "memory", "worker", "task", "handle", "shared",
        ];
        const SYLLABLES: [&str; 20] = [
            "ba", "con", "de", "en", "fi", "gor", "hal", "in", "jo", "ka", "lu", "mer", "no", "os",
            "per", "qui", "ro", "sta", "tu", "vi",
        ];
        let made_up = (0..SYLLABLES.len().pow(4)).step_by(7).map(|number| {
            let places = [8000, 400, 20, 1].map(|power| number / power % SYLLABLES.len());
            places.map(|place| SYLLABLES[place]).concat()
        });
        let known = KNOWN.map(|word| (word.to_owned(), 1000));
        Dictionary {
            words: made_up.map(|word| (word, 1)).chain(known).collect(),
        }
    }

    /// The most common word that one letter more, less or other makes of this.
    fn correct(&self, word: &str) -> Option<&str> {
        if let Some((word, _)) = self.words.get_key_value(word) {
            return Some(word);
        }
        let letters: Vec<char> = word.chars().collect();
        let mut best: Option<(&String, &u32)> = None;
        for place in 0..=letters.len() {
            let (before, after) = letters.split_at(place);
            let rest = after.get(1..).unwrap_or_default();
            let new = ('a'..='z').map(Some).chain([None]);
            let changed = new.flat_map(|letter| [(letter, after), (letter, rest)]);
            for (letter, after) in changed {
                let candidate: String = before
                    .iter()
                    .copied()
                    .chain(letter)
                    .chain(after.iter().copied())
                    .collect();
                let found = self.words.get_key_value(&candidate);
                best = best
                    .into_iter()
                    .chain(found)
                    .max_by_key(|(_, times)| **times);
            }
        }
        best.map(|(word, _)| word.as_str())
    }
}

#[worker]
fn correct_with(dictionary: &Dictionary, word: &str) -> Option<String> {
    dictionary.correct(word).map(str::to_owned)
}

#[worker]
fn correct(dictionary: &Frozen<Dictionary>, word: &str) -> Option<String> {
    dictionary.correct(word).map(str::to_owned)
}

fn main() -> ExitCode {
    let words = std::env::args_os().skip(1).map(OsString::into_string);
    let Ok(words) = words.collect::<Result<Vec<_>, _>>() else {
        eprintln!("frozen: words are text");
        return ExitCode::from(2);
    };
    if words.iter().any(|word| word.starts_with('-')) {
        eprintln!("usage: frozen [WORD...]");
        return ExitCode::from(2);
    }
    match run(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who reads may have seen enough, as `head` has.
            let error_kind = error.downcast_ref().map(io::Error::kind);
            if error_kind == Some(io::ErrorKind::BrokenPipe) {
                return ExitCode::SUCCESS;
            }
            eprintln!("frozen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut words: Vec<String>) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    if words.is_empty() {
        words = ["proces", "freze", "vallue", "memry", "workr", "tusk"]
            .map(str::to_owned)
            .into();
    }
    // Each often enough to see a difference.
    let times = TASKS.div_ceil(words.len());
    let inputs: Vec<&String> = words.iter().cycle().take(words.len() * times).collect();
    let dictionary = Dictionary::load();
    let pool = Pool::builder().workers(2).build_and_wait()?;

    let begin = Instant::now();
    let frozen = Frozen::new(&dictionary)?;
    let freezing = begin.elapsed();
    let begin = Instant::now();
    let corrected: Vec<Option<String>> = pool
        .map(|word| correct::call(&frozen, word), &inputs)
        .collect::<Result<_, _>>()?;
    let with_frozen = begin.elapsed();

    for (word, corrected) in words.iter().zip(&corrected) {
        let corrected = corrected.as_deref().unwrap_or("?");
        writeln!(out, "{word:12}{corrected}")?;
    }
    let entries = dictionary.words.len();
    writeln!(
        out,
        "\na dictionary of {entries} words, used by {} tasks",
        inputs.len()
    )?;

    let begin = Instant::now();
    let same: Vec<Option<String>> = pool
        .map(|word| correct_with::call(&dictionary, word), &inputs)
        .collect::<Result<_, _>>()?;
    let sent_each_time = begin.elapsed();
    assert_eq!(same, corrected);

    let tasks = u32::try_from(inputs.len())?;
    let mut report = |what: &str, time: Duration| {
        writeln!(out, "{what:28}{time:>12.1?}{:>12.1?} a task", time / tasks)
    };
    report("sent with each", sent_each_time)?;
    report("frozen", freezing + with_frozen)?;
    let saved = sent_each_time.saturating_sub(freezing + with_frozen);
    writeln!(
        out,
        "saved {saved:.1?}: {} times encoding it, and as often, but for the {} workers, decoding it",
        inputs.len() - 1,
        pool.worker_ids().len()
    )?;
    Ok(())
}
