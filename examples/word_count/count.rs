//! What the worker processes do.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::mem;
use std::path::{Path, PathBuf};

use multiproc::worker;
use serde::{Deserialize, Serialize};

use super::find::unreadable;
use super::words::{readable, words};

/// The counts of some files: the result of a worker, and the sum of all results.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) lines: u64,
    pub(crate) words: u64,
    pub(crate) bytes: u64,
    /// The number of occurrences of each word.
    pub(crate) frequencies: HashMap<String, u64>,
    pub(crate) text_files: u64,
    pub(crate) other_files: u64,
    /// Files not counted because a process died.
    pub(crate) lost_files: usize,
    /// A line for each file that could not be read.
    pub(crate) unreadable: Vec<String>,
}

#[worker]
pub(crate) fn count_files(files: Vec<OsString>) -> Count {
    let mut count = Count::default();
    for path in files.into_iter().map(PathBuf::from) {
        match count.file(&path) {
            Ok(()) => {}
            // It was there when files were looked for, and is gone by now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => count.unreadable.push(unreadable(&path, &error)),
        }
    }
    count
}

impl Count {
    pub(crate) fn add(&mut self, mut other: Count) {
        self.lines += other.lines;
        self.words += other.words;
        self.bytes += other.bytes;
        self.text_files += other.text_files;
        self.other_files += other.other_files;
        self.lost_files += other.lost_files;
        self.unreadable.extend(other.unreadable);
        if self.frequencies.len() < other.frequencies.len() {
            mem::swap(&mut self.frequencies, &mut other.frequencies);
        }
        for (word, times) in other.frequencies {
            *self.frequencies.entry(word).or_default() += times;
        }
    }

    fn file(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        if is_text(&file)? {
            file.rewind()?;
            self.text(BufReader::new(file))?;
            self.text_files += 1;
        } else {
            self.other_files += 1;
        }
        Ok(())
    }

    fn text(&mut self, mut text: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        while text.read_until(b'\n', &mut line)? > 0 {
            self.line(&line);
            line.clear();
        }
        Ok(())
    }

    /// Counts a line. The last one of a file may lack its end, and is none for `wc` then.
    fn line(&mut self, line: &[u8]) {
        self.lines += u64::from(line.ends_with(b"\n"));
        self.bytes += line.len() as u64;
        for word in words(&readable(line)) {
            self.words += 1;
            match self.frequencies.get_mut(word) {
                Some(times) => *times += 1,
                None => _ = self.frequencies.insert(word.to_owned(), 1),
            }
        }
    }
}

/// Whether there is no NUL byte in the file.
fn is_text(mut file: impl Read) -> io::Result<bool> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(n) if buffer[..n].contains(&0) => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &[u8]) -> Count {
        let mut count = Count::default();
        count.text(text).unwrap();
        count
    }

    #[track_caller]
    fn check(text: &[u8], lines: u64, words: u64) {
        let count = counted(text);
        let bytes = text.len() as u64;
        assert_eq!(
            (count.lines, count.words, count.bytes),
            (lines, words, bytes)
        );
    }

    #[test]
    fn lines_and_bytes_are_counted_as_wc_counts() {
        check(b"", 0, 0);
        check(b"\n", 1, 0);
        check(b"one two", 0, 2);
        check(b"one two\nthree", 1, 3);
        check(b"one\r\n\r\n", 2, 1);
    }

    #[test]
    fn nul_makes_a_file_no_text() {
        assert!(is_text(&b"text"[..]).unwrap());
        assert!(!is_text(&b"no\0text"[..]).unwrap());
        let late = [vec![b'a'; 1 << 20], vec![0]].concat();
        assert!(!is_text(late.as_slice()).unwrap());
    }

    #[test]
    fn a_process_counts_what_the_function_counts() {
        let files = ["Cargo.toml", "README.md", "no such file", "word_count"].map(OsString::from);
        let here = count_files(files.to_vec());
        assert_eq!(here.text_files, 2);
        assert_eq!(
            here.unreadable,
            ["skipped `word_count`: Is a directory (os error 21)"]
        );
        assert_eq!(count_files::run(files.to_vec()).unwrap(), here);
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let few = counted(b"a b a\n");
        let many = counted(b"b c d e f\nb");
        let sum = |first: &Count, second: &Count| {
            let mut sum = first.clone();
            sum.add(second.clone());
            sum
        };
        assert_eq!(sum(&few, &many), sum(&many, &few));
        assert_eq!(sum(&few, &many).frequencies["b"], 3);
    }
}
