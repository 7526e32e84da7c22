//! The paths in a piece of code.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Each path with two segments or more, and each branch of a `use` tree, as its segments.
///
/// Paths that begin with `::` are left out: they lead out of the crate.
pub fn paths(tokens: TokenStream) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    collect(tokens, &mut found);
    found
}

fn collect(tokens: TokenStream, found: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(_) if !is_continued(&tokens, at) => {
                at = path(&tokens, at, Vec::new(), found);
            }
            TokenTree::Group(group) => {
                collect(group.stream(), found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Whether the token before says that a path has begun already, or that this is a field or method.
fn is_continued(tokens: &[TokenTree], at: usize) -> bool {
    let is = |before: usize, char| {
        at >= before
            && matches!(&tokens[at - before], TokenTree::Punct(punct) if punct.as_char() == char)
    };
    is(1, '.') && !is(2, '.') || is(1, ':') && is(2, ':')
}

/// Reads the path that begins here; says where it ends.
fn path(
    tokens: &[TokenTree],
    mut at: usize,
    mut segments: Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> usize {
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(ident)) => segments.push(ident.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                branches(group.stream(), &segments, found);
                return at + 1;
            }
            // A glob, or the arguments of a generic type.
            _ => break,
        }
        at += 1;
        if !are_colons(tokens, at) {
            break;
        }
        at += 2;
    }
    if segments.len() > 1 {
        found.push(segments);
    }
    at
}

fn are_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    colon(tokens.get(at)) && colon(tokens.get(at + 1))
}

fn branches(tokens: TokenStream, stem: &[String], found: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if matches!(tokens[at], TokenTree::Ident(_)) {
            at = path(&tokens, at, stem.to_vec(), found);
            // A new name has nothing to do with where it comes from.
            if matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == "as") {
                at += 2;
            }
        } else {
            at += 1;
        }
    }
}

#[test]
fn all_branches_are_found() {
    let code = "use a::{b::C, d::{self, E as F}, g::*}; fn h() -> i::J { k.l::<m::N>(); ::o::p() }";
    let found = paths(code.parse().expect("the code has tokens"));
    let found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
    let expected = ["a::b::C", "a::d::self", "a::d::E", "a::g", "i::J", "m::N"];
    assert_eq!(found, expected);
}
