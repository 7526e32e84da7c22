//! Where a function stands, as far as its file tells.
//!
//! An attribute is given its item and nothing around it. Mistakes are made around it: a function in an
//! `impl` has no room for a type beside it, nor has one beside a module of the same name, or a service beside a
//! type with the name of its client; and a `#[test]` above the attribute has been taken away by the time that it
//! is expanded. rustc speaks of the first in words of generated code, and of the last not at all. So the file is
//! read, and looked through.
//!
//! What is found decides on messages only. Where the file is not to be had, or the function is not
//! where the compiler says, as in code that a macro made, nothing is known of it.

mod brackets;
mod known_attributes;
mod scanner;

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;

use proc_macro2::Span;
use syn::Token;

pub(crate) use self::brackets::Place;

use self::brackets::Position;
use self::scanner::Scanner;
use crate::function::Function;

/// What is known of the surroundings of a function.
pub(crate) fn of(function: &Function) -> Place {
    at(function.sig.ident.span()).unwrap_or_default()
}

/// What is known of the surroundings of a service, whose `impl` is there.
pub(crate) fn of_service(impl_token: Token![impl]) -> Place {
    at(impl_token.span).unwrap_or_default()
}

/// A kind of item, as texts call it.
pub(crate) fn in_words(kind: &'static str) -> &'static str {
    match kind {
        "mod" => "module",
        "type" => "type alias",
        kind => kind,
    }
}

/// Whether the attribute that is being expanded begins like this in its file.
pub(crate) fn is_written(attribute: &str) -> bool {
    written().is_some_and(|text| text.starts_with(attribute))
}

/// The path to where the attribute that is being expanded is taken from: `facade::multiproc` for
/// `#[facade::multiproc::worker]`.
pub(crate) fn origin() -> Option<String> {
    let text = written()?;
    let text = text.trim_start_matches(['#', '[']);
    let end = text.find(|char: char| !char.is_alphanumeric() && !matches!(char, '_' | ':'));
    let path = &text[..end.unwrap_or(text.len())];
    let (origin, _) = path.rsplit_once("::")?;
    (!origin.is_empty()).then(|| origin.to_owned())
}

fn written() -> Option<String> {
    if !proc_macro::is_available() {
        return None;
    }
    proc_macro::Span::call_site().source_text()
}

fn at(span: Span) -> Option<Place> {
    if !proc_macro::is_available() {
        return None;
    }
    let span = span.unwrap();
    let text = fs::read_to_string(span.local_file()?).ok()?;
    let start = span.start();
    let position = (start.line(), start.column());
    let places = places(text);
    let (_, place) = places.iter().find(|(found, _)| *found == position)?;
    Some(place.clone())
}

/// Functions and services, and their places, where there is something to tell.
type Places = Rc<[(Position, Place)]>;

/// Looks a text through, once for all that is in it.
fn places(text: String) -> Places {
    thread_local! {
        static LAST: RefCell<(String, Places)> = RefCell::new((String::new(), Rc::new([])));
    }
    LAST.with_borrow_mut(|(last, places)| {
        if *last != text {
            *places = Scanner::new(&text).places().into();
            *last = text;
        }
        Rc::clone(places)
    })
}
