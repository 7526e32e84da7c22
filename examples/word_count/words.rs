//! What a word is.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

/// The part of a text that is UTF-8. Other bytes count for nothing in a word.
pub(crate) fn readable(text: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(text) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => text.utf8_chunks().map(|chunk| chunk.valid()).collect(),
    }
}

/// The words of a text, as Unicode divides it: letters, digits, and what joins them.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_words()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], expected: &[&str]) {
        assert_eq!(words(&readable(text)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn are_letters_and_digits() {
        check(b"", &[]);
        check(b" \t\n\x0b\x0c\r", &[]);
        check(b"one", &["one"]);
        check(b"  fn\tmain() {\r\n", &["fn", "main"]);
        check(
            b"let x1 = 2.5 + y_2; // don't",
            &["let", "x1", "2.5", "y_2", "don't"],
        );
    }

    #[test]
    fn are_letters_of_any_alphabet() {
        check("a\u{3000}b\u{2003}c".as_bytes(), &["a", "b", "c"]);
        check(
            "«naïve» — e\u{301}te\u{301}".as_bytes(),
            &["naïve", "e\u{301}te\u{301}"],
        );
    }

    #[test]
    fn are_nothing_that_steers_a_terminal() {
        check(b"a \x01 \x1b[31m b", &["a", "31m", "b"]);
        check("a\u{2028}b \u{85}".as_bytes(), &["a", "b"]);
    }

    #[test]
    fn take_no_notice_of_bytes_that_are_not_utf8() {
        check(b"caf\xe9 \xe0 la \xff\xfe", &["caf", "la"]);
        check(b"\xc3", &[]);
    }
}
