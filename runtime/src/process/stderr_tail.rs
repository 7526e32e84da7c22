//! The last of what a child has written.

use std::collections::VecDeque;
use std::fmt::Debug;

/// The last bytes of a stream, of which only so many are kept.
#[derive(Debug)]
pub(super) struct Tail {
    most: usize,
    last: VecDeque<u8>,
    /// How many bytes there were.
    count: u64,
    is_complete: bool,
}

impl Tail {
    /// Keeps so many bytes at most.
    pub(super) fn new(most: usize) -> Tail {
        Tail {
            most,
            last: VecDeque::new(),
            count: 0,
            is_complete: false,
        }
    }

    /// How many bytes there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Takes in what comes next, unless the tail is complete.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if self.is_complete {
            return;
        }
        self.count += bytes.len() as u64;
        let kept = &bytes[bytes.len().saturating_sub(self.most)..];
        let beyond = (self.last.len() + kept.len()).saturating_sub(self.most);
        self.last.drain(..beyond);
        self.last.extend(kept);
    }

    /// Takes in no more.
    pub(super) fn complete(&mut self) {
        self.is_complete = true;
    }

    /// The text of what is kept, without the first `from` bytes of the stream; `None` if that is empty.
    ///
    /// A character of which only the end is kept is left out, and bytes that are no text are replaced.
    pub(super) fn text(&self, from: u64) -> Option<Box<str>> {
        let first = self.count - self.last.len() as u64;
        let skipped = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        let mut bytes: Vec<u8> = self.last.iter().copied().skip(skipped).collect();
        if from < first {
            let is_rest = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
            let rest = bytes.iter().take(3).take_while(is_rest).count();
            bytes.drain(..rest);
        }
        let text = String::from_utf8_lossy(&bytes);
        (!text.is_empty()).then(|| text.into())
    }
}

/// Who is told how much has been taken out of a child's pipe, while that goes on.
pub(crate) trait Gauge: Debug + Send + Sync {
    /// Something may be taken out from now on.
    fn begin(&self);

    /// So many bytes have been taken out in all, and no more just now.
    fn taken(&self, count: u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(most: usize, parts: &[&str]) -> Tail {
        let mut tail = Tail::new(most);
        for part in parts {
            tail.add(part.as_bytes());
        }
        tail
    }

    #[track_caller]
    fn check(most: usize, parts: &[&str], from: u64, expected: Option<&str>) {
        let tail = tail(most, parts);
        assert_eq!(tail.text(from).as_deref(), expected);
        let count: usize = parts.iter().map(|part| part.len()).sum();
        assert_eq!(tail.count(), count as u64);
    }

    #[test]
    fn the_last_bytes_are_kept() {
        check(5, &[], 0, None);
        check(5, &["abc"], 0, Some("abc"));
        check(5, &["abc", "de"], 0, Some("abcde"));
        check(5, &["abc", "def"], 0, Some("bcdef"));
        check(5, &["abc", "defghijk"], 0, Some("ghijk"));
        check(0, &["abc"], 0, None);
    }

    #[test]
    fn what_was_before_is_left_out() {
        check(5, &["abc", "def"], 3, Some("def"));
        check(5, &["abc", "def"], 1, Some("bcdef"));
        check(5, &["abc", "def"], 6, None);
        check(5, &["abc", "def"], u64::MAX, None);
    }

    #[test]
    fn characters_are_whole() {
        check(5, &["aé€"], 0, Some("é€"));
        check(4, &["aé€"], 0, Some("€"));
        check(2, &["aé€"], 0, None);
        check(3, &["x😀"], 0, None);
        // What begins in the middle of a character was written like that.
        let mut tail = Tail::new(10);
        tail.add(b"a\xc3");
        tail.add(b"\xa9b\xff\xe2\x82");
        assert_eq!(tail.text(0).unwrap(), "aéb\u{fffd}\u{fffd}".into());
        assert_eq!(tail.text(2).unwrap(), "\u{fffd}b\u{fffd}\u{fffd}".into());
    }

    #[test]
    fn a_complete_tail_stays() {
        let mut tail = tail(5, &["abc"]);
        tail.complete();
        tail.add(b"def");
        assert_eq!(tail.text(0).as_deref(), Some("abc"));
        assert_eq!(tail.count(), 3);
    }
}
