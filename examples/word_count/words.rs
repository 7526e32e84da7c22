//! What a word is.

use std::borrow::Cow;

/// The part of a text that is UTF-8. Other bytes count for nothing in a word.
pub(crate) fn readable(text: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(text) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => text.utf8_chunks().map(|chunk| chunk.valid()).collect(),
    }
}

/// The words of a text: what stands between white space, if any of it can be seen.
///
/// They are the words of GNU `wc` where text is UTF-8. The exceptions are words of nothing but
/// control characters, which some releases of `wc` count, or of nothing but characters that are
/// newer than the system's tables or assigned to nothing, which `wc` does not take for visible.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_white_space)
        .filter(|word| word.contains(is_visible))
}

fn is_white_space(c: char) -> bool {
    match c {
        '\t'..='\r' | ' ' | '\u{2060}' => true,
        _ if c.is_ascii() => false,
        _ => c.is_whitespace() && is_visible(c),
    }
}

/// Neither a control character nor a separator of lines or paragraphs, which `wc` takes for one.
fn is_visible(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], expected: &[&str]) {
        assert_eq!(words(&readable(text)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn stand_between_white_space() {
        check(b"", &[]);
        check(b" \t\n\x0b\x0c\r", &[]);
        check(b"one", &["one"]);
        check(b"  fn\tmain() {\r\n", &["fn", "main()", "{"]);
    }

    #[test]
    fn stand_between_white_space_of_other_alphabets() {
        check("a\u{3000}b\u{2003}c".as_bytes(), &["a", "b", "c"]);
        check(
            "no\u{a0}break\u{2060}ing".as_bytes(),
            &["no", "break", "ing"],
        );
    }

    #[test]
    fn need_something_to_see() {
        check(b"a \x01 \x1b[0m \x7f b", &["a", "\x1b[0m", "b"]);
        check("a\u{2028}b \u{85}".as_bytes(), &["a\u{2028}b"]);
        check("— é".as_bytes(), &["—", "é"]);
    }

    #[test]
    fn take_no_notice_of_bytes_that_are_not_utf8() {
        check(b"caf\xe9 \xe0 la \xff\xfe", &["caf", "la"]);
        check(b"\xc3", &[]);
    }
}
