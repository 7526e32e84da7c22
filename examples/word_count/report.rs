//! What the user is told.

use std::cmp::Reverse;
use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::count::Count;

/// Prints the most frequent words and the totals.
pub(crate) fn print(count: &Count) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let words = most_frequent(count, 10);
    if !words.is_empty() {
        writeln!(out, "{:>12}  most frequent words", "times")?;
    }
    for (Reverse(times), word) in words {
        writeln!(out, "{times:>12}  {}", harmless(word))?;
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
        writeln!(
            out,
            "files left out, which have NUL bytes in them: {other_files}"
        )?;
    }
    out.flush()
}

/// Says what went wrong. A standard error that is closed is no reason to stop.
pub(crate) fn complain(message: impl Display) {
    let _ = writeln!(io::stderr(), "word_count: {message}");
}

/// A progress bar, if the standard error is a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(bytes: u64) -> Progress {
        let style = ProgressStyle::with_template(
            "{elapsed_precise} [{wide_bar}] {binary_bytes}/{binary_total_bytes}, {eta} to go",
        );
        let bar = ProgressBar::new(bytes).with_style(style.expect("the template is well-formed"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(bar)
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Says what went wrong, above the bar.
    pub(crate) fn complain(&self, message: impl Display) {
        self.0.suspend(|| complain(message));
    }

    pub(crate) fn finish(self) {
        self.0.finish_and_clear();
    }
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

/// A word as it may be printed on a terminal: without what would steer it.
fn harmless(word: &str) -> String {
    word.replace(char::is_control, "\u{fffd}")
}
