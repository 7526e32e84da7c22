//! What the user is told.

use std::cmp::Reverse;
use std::fmt::Display;
use std::io::{self, BufWriter, Write};

use multiproc::PoolStats;

use super::count::Count;

/// Prints the most frequent words and the totals.
pub(crate) fn print(count: &Count) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let words = most_frequent(count, 10);
    if !words.is_empty() {
        writeln!(out, "{:>12}  most frequent words", "times")?;
    }
    for (Reverse(times), word) in words {
        writeln!(out, "{times:>12}  {word}")?;
    }
    let Count {
        lines,
        words,
        bytes,
        text_files,
        other_files,
        ..
    } = count;
    writeln!(out, "{:>12} {:>12} {:>12}", "lines", "words", "bytes")?;
    writeln!(out, "{lines:>12} {words:>12} {bytes:>12}  total")?;
    writeln!(out, "text files: {text_files}")?;
    if *other_files > 0 {
        writeln!(out, "binary files skipped: {other_files}")?;
    }
    out.flush()
}

/// Tells what the workers did. A standard error that is closed is no reason to stop.
pub(crate) fn tell(stats: &PoolStats) {
    let _ = writeln!(io::stderr(), "{stats}");
}

/// Says what went wrong. A standard error that is closed is no reason to stop.
pub(crate) fn complain(message: impl Display) {
    let _ = writeln!(io::stderr(), "word_count: {message}");
}

/// The `n` most frequent words and how often they occur, the most frequent first.
fn most_frequent(count: &Count, n: usize) -> Vec<(Reverse<u64>, &str)> {
    let mut words: Vec<_> = count
        .frequencies
        .iter()
        .map(|(word, times)| (Reverse(*times), word.as_str()))
        .collect();
    // There are many words, and only a few of them need an order.
    if words.len() > n {
        words.select_nth_unstable(n);
        words.truncate(n);
    }
    words.sort_unstable();
    words
}
