//! Finds functions and services in a text, by its brackets and by the words before them.

use std::iter::Peekable;
use std::str::Chars;

use super::brackets::{Inside, MODIFIERS, Open, Place, Position, Service};
use super::known_attributes::is_harmless;

/// Reads a text token by token. What it does not understand it takes for nothing special.
pub(super) struct Scanner<'a> {
    chars: Peekable<Chars<'a>>,
    /// Of the next character, both from one.
    line: usize,
    column: usize,
    open: Vec<Open>,
    found: Vec<(Position, Place)>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Scanner {
            chars: text.chars().peekable(),
            line: 1,
            column: 1,
            open: vec![Open::default()],
            found: Vec::new(),
        }
    }

    /// All functions and services of which there is something to tell.
    pub(super) fn places(mut self) -> Vec<(Position, Place)> {
        loop {
            let position = (self.line, self.column);
            let Some(char) = self.next() else {
                while let Some(open) = self.open.pop() {
                    self.found.extend(open.places());
                }
                self.found.sort_by_key(|(position, _)| *position);
                return self.found;
            };
            match char {
                _ if char.is_whitespace() => {}
                '/' if self.next_if('/') => self.skip_while(|char| char != '\n'),
                '/' if self.next_if('*') => self.skip_comment(),
                '"' => self.skip_string(0),
                '\'' => self.skip_quoted(),
                _ if is_of_word(char) => self.word(char, position),
                '(' | '[' | '{' => self.open(char),
                ')' | ']' | '}' => self.close(char),
                _ => self.mark(char),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let char = self.chars.next()?;
        if char == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(char)
    }

    fn next_if(&mut self, char: char) -> bool {
        let is_next = self.chars.peek() == Some(&char);
        if is_next {
            self.next();
        }
        is_next
    }

    fn skip_while(&mut self, is_part: impl Fn(char) -> bool) {
        while self.chars.peek().is_some_and(|&char| is_part(char)) {
            self.next();
        }
    }

    /// Comments are nested.
    fn skip_comment(&mut self) {
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Some('*') if self.next_if('/') => depth -= 1,
                Some('/') if self.next_if('*') => depth += 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    /// The rest of a string, which has no escapes if it ends with hashes.
    fn skip_string(&mut self, hashes: usize) {
        while let Some(char) = self.next() {
            match char {
                '\\' if hashes == 0 => {
                    self.next();
                }
                '"' if (0..hashes).all(|_| self.next_if('#')) => return,
                _ => {}
            }
        }
    }

    /// The rest of a literal that begins with a word, as in `r"\"`.
    fn skip_literal(&mut self, prefix: &str) -> bool {
        let is_raw = matches!(prefix, "r" | "br" | "cr");
        let mut ahead = self.chars.clone();
        let mut hashes = 0;
        while is_raw && ahead.next_if_eq(&'#').is_some() {
            hashes += 1;
        }
        match (ahead.next(), prefix) {
            (Some('"'), "r" | "br" | "cr") => {
                self.skip_while(|char| char == '#');
                self.next();
                if hashes == 0 {
                    self.skip_while(|char| char != '"');
                    self.next();
                } else {
                    self.skip_string(hashes);
                }
                true
            }
            (Some('"'), "b" | "c") => {
                self.next();
                self.skip_string(0);
                true
            }
            (Some('\''), "b") => {
                self.next();
                self.skip_quoted();
                true
            }
            _ => false,
        }
    }

    /// A character, or a lifetime.
    fn skip_quoted(&mut self) {
        match self.next() {
            Some('\\') => {
                self.next();
                self.skip_while(|char| char != '\'');
                self.next();
            }
            Some(_) if self.next_if('\'') => {}
            Some(char) if is_of_word(char) => self.skip_while(is_of_word),
            _ => {}
        }
    }

    fn word(&mut self, first: char, position: Position) {
        let mut word = String::from(first);
        self.read_word(&mut word);
        if self.skip_literal(&word) {
            return;
        }
        if word == "r" && self.next_if('#') {
            // It has no meaning of its own.
            word.push('#');
            self.read_word(&mut word);
        }
        let here = self.here();
        if here.last == "fn" {
            here.last.clone_from(&word);
            return here.function(position, word);
        }
        if word == "impl" && here.keyword.is_none() && here.is_service() && here.is_sure() {
            here.service = Some(Service {
                position,
                header: String::new(),
            });
        }
        if let Some(kind) = here.kind_of_item() {
            here.items.push((kind, word.clone()));
        }
        if !MODIFIERS.contains(&&*word) {
            here.keyword.get_or_insert_with(|| word.clone());
        }
        if here.inside == Inside::Attribute {
            here.path.get_or_insert_default().push_str(&word);
        }
        here.set_last(word);
    }

    fn read_word(&mut self, word: &mut String) {
        while let Some(char) = self.chars.next_if(|&char| is_of_word(char)) {
            word.push(char);
            self.column += 1;
        }
    }

    fn mark(&mut self, char: char) {
        let here = self.here();
        match char {
            ';' => here.renew(),
            ':' if here.inside == Inside::Attribute => {
                here.path.get_or_insert_default().push(char);
            }
            // What follows is no path.
            '=' if here.inside == Inside::Attribute => here.inside = Inside::Ignored,
            _ => {}
        }
        here.set_last(char.to_string());
    }

    fn open(&mut self, char: char) {
        let here = self.here();
        let is_macro = here.last == "!" && here.before != "#"
            || here.before == "!" && here.keyword.as_deref() == Some("macro_rules");
        let inside = match here.inside {
            Inside::Attribute | Inside::Ignored => Inside::Ignored,
            _ if char == '[' && here.last == "#" => Inside::Attribute,
            _ if char == '[' && here.last == "!" && here.before == "#" => Inside::Ignored,
            _ if is_macro => Inside::Macro,
            Inside::Macro => Inside::Macro,
            _ if char == '{' && here.is_impl() => {
                if here.attributes.iter().all(|name| is_harmless(name)) {
                    Inside::Impl
                } else {
                    Inside::Macro
                }
            }
            _ => Inside::Code,
        };
        if char == '{' {
            here.services.extend(here.service.take());
        }
        here.set_last(char.to_string());
        self.open.push(Open {
            inside,
            ..Open::default()
        });
    }

    fn close(&mut self, char: char) {
        if self.open.len() == 1 {
            return;
        }
        let closed = self.open.pop().unwrap_or_default();
        let here = self.here();
        if char == '}' {
            here.renew();
        }
        // The path of an attribute is all that a `(` or a `=` has left of it.
        here.attributes.extend(closed.path.clone());
        here.set_last(char.to_string());
        self.found.extend(closed.places());
    }

    fn here(&mut self) -> &mut Open {
        if self.open.is_empty() {
            self.open.push(Open::default());
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }
}

fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the functions for which something is found, as they are in the text.
    fn found(text: &str, is_wanted: impl Fn(&Place) -> bool) -> Vec<String> {
        let places = Scanner::new(text).places();
        let name = |&((line, column), _): &(Position, Place)| {
            let rest = text.lines().nth(line - 1).unwrap().chars();
            rest.skip(column - 1)
                .take_while(|&char| is_of_word(char))
                .collect()
        };
        let wanted = places.iter().filter(|(_, place)| is_wanted(place));
        wanted.map(name).collect()
    }

    fn associated(text: &str) -> Vec<String> {
        found(text, |place| place.is_associated)
    }

    #[test]
    fn functions_of_an_impl_or_trait_are_found() {
        let text = r##"
            #![allow(dead_code)]
            fn free() -> impl Fn() { || {} }
            /// An `impl {` in words.
            #[doc(hidden)]
            impl<'a, T: Fn(u8) -> [u8; 2]> Image<'a, T> where T: 'a {
                const LIMIT: usize = { fn in_constant() {} 1 };
                #[worker(timeout = "1s")]
                pub fn inherent(text: String) -> char { fn inner() {} '{' }
                /* /* } */ impl */ async fn after(b: &'a u8) -> u8 { b'\'' }
            }
            pub unsafe trait Load: Sized { fn declared(); fn ä() { "}\"".len(); r#"" } "#.len(); r"\".len(); } fn last() {} }
            mod inner { fn in_module(f: fn(u8)) -> u8 { '\u{7d}' as u8 } impl X { fn r#type() {} fn deep() {} } }
            impl Y { } fn free_again() {}
        "##;
        let names = ["inherent", "after", "declared", "ä", "last", "r", "deep"];
        assert_eq!(associated(text), names);
    }

    #[test]
    fn what_a_macro_may_rewrite_is_not_judged() {
        let text = "
            unpack! { impl X { fn a() {} } }
            macro_rules! make { () => { impl X { fn b() {} } } }
            #[unpack(all)] #[allow(unused)] impl X { fn c() {} }
            #[facade::unpack] trait X { fn d() {} }
            #[allow(unused)] #[cfg(feature = \"x\")] impl X { fn e() {} }
        ";
        assert_eq!(associated(text), ["e"]);
    }

    #[test]
    fn attributes_that_make_a_test_are_found() {
        let text = "
            #[test] #[worker] fn a() {}
            #[doc = \"test\"] #[cfg(test)] fn b() {}
            #[worker] fn c() {}
            #[tokio::test(flavor = \"current_thread\")] #[worker] async fn d() {}
            #[test] const X: u8 = 1; fn e() {}
            mod tests { #[test]
                #[should_panic] #[worker] pub(crate) fn f() {} fn g() {} }
        ";
        assert_eq!(found(text, |place| place.test.is_some()), ["a", "d", "f"]);
    }

    #[test]
    fn items_of_the_same_name_are_found() {
        let text = "
            #[worker] fn a() {} pub(crate) mod a { fn d() {} }
            #[derive(Debug)] struct r#b; #[worker] fn r#b() {}
            #[worker] fn c() {} enum C {} impl c {} use c::d; mod e { mod c {} struct d; }
            fn d() {} unsafe trait f {} fn f() { type g = u8; fn g() {} let union = 1; fn union() {} }
            #[cfg(test)] mod h {} fn h() {} #[facade::make] mod i {} fn i() {}
            #[worker] fn j() {} #[worker] fn j() {}
            #[cfg(unix)] fn k() {} #[cfg(not(unix))] fn k() {}
            impl X { type l = u8; fn l() {} } make! { mod m {} fn m() {} }
            fn n() { struct n; } mod o; fn o() {}
        ";
        let names = found(text, |place| place.namesake.is_some());
        assert_eq!(names, ["a", "r", "f", "g", "j", "o"]);
        let places = Scanner::new("fn a() {} fn a() {} fn b() {} mod b;").places();
        let namesakes: Vec<_> = places.iter().map(|(_, place)| place.namesake).collect();
        assert_eq!(namesakes, [Some("fn"), Some("mod")]);
    }

    #[test]
    fn neighbours_of_services_are_found() {
        let text = "
            struct A; #[multiproc::service(queue = 3)] #[cfg(unix)] impl A { fn new() -> Self {} }
            #[multiproc::service] impl A { fn f(&self) {} } enum AClient {} fn g() { struct B; }
            #[service] impl<T> Vec<T> where T: Clone { } #[service] impl<T> Vec<T> where T: Clone {}
            #[service] impl C<[u8; 3]> {} #[service] impl C<[u8; 4]> {}
            make! { #[service] impl A {} #[service] impl A {} } impl D {} impl D {}
            #[cfg(a)] #[service] impl E {} #[cfg(b)] #[service] impl E {}
        ";
        let places = Scanner::new(text).places();
        let of_services = places.iter().filter(|(_, place)| !place.is_associated);
        let found: Vec<_> = of_services
            .map(|((line, _), place)| (*line, place.neighbours.len(), place.is_repeated))
            .collect();
        let expected = [
            (3, 2, false),
            (4, 2, false),
            (4, 2, true),
            (5, 2, false),
            (5, 2, false),
        ];
        assert_eq!(found, expected);
        assert_eq!(
            places[1].1.neighbours.last(),
            Some(&("enum", "AClient".to_owned()))
        );
    }

    #[test]
    fn text_that_is_no_program_has_an_end() {
        for text in [
            "", "}}}", "\"", "'", "/*", "r#\"", "fn", "#[", "fn fn", "'\\",
        ] {
            assert_eq!(associated(text), [""; 0]);
        }
    }
}
