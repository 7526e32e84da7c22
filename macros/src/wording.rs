//! How messages quote the user's code.

use proc_macro2::{Span, TokenTree};
use quote::ToTokens;
use syn::Type;

/// Tokens as rustfmt would write them on one line, near enough for a message.
pub(crate) fn code(tokens: impl ToTokens) -> String {
    let mut text = String::new();
    for piece in tokens.to_token_stream().to_string().split_whitespace() {
        if stand_apart(&text, piece) {
            text.push(' ');
        }
        text.push_str(piece);
    }
    text
}

/// What to write in the place of a reference to `referent`.
pub(crate) fn owned_form(referent: &Type) -> String {
    let text = code(referent);
    match referent {
        Type::Group(group) => owned_form(&group.elem),
        Type::Paren(paren) => owned_form(&paren.elem),
        Type::Reference(reference) => owned_form(&reference.elem),
        Type::Slice(slice) => format!("Vec<{}>", code(&slice.elem)),
        Type::Path(path) => match path.path.segments.last() {
            Some(last) if last.ident == "str" => "String".to_owned(),
            Some(last) if last.ident == "Path" => text + "Buf",
            Some(last) if last.ident == "OsStr" || last.ident == "CStr" => text + "ing",
            _ => text,
        },
        _ => text,
    }
}

/// Where tokens begin and where they end, for code that is generated.
pub(crate) fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let (first, last) = written_ends(tokens);
    let call_site = Span::call_site();
    (call_site.located_at(first), call_site.located_at(last))
}

/// The same, for code that rustc shall take for the user's: an error in it is not said to come from
/// a macro.
pub(crate) fn written_ends(tokens: impl ToTokens) -> (Span, Span) {
    let tokens: Vec<_> = tokens.to_token_stream().into_iter().collect();
    let at = |token: Option<&TokenTree>| token.map_or_else(Span::call_site, TokenTree::span);
    (at(tokens.first()), at(tokens.last()))
}

/// The candidate that `word` is most likely a slip of the finger for.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let is_part = |candidate: &str| {
        word.len() > 2 && candidate.starts_with(word) || word.starts_with(candidate)
    };
    candidates
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|&(edits, candidate)| edits <= candidate.len() / 3 || is_part(candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters to insert, remove or replace to make one word the other.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}

/// Whether a space belongs between two pieces of a type.
fn stand_apart(left: &str, right: &str) -> bool {
    let is_operator = |piece: &str| matches!(piece, "->" | "=" | "+");
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '"');
    let Some(end) = left.chars().last() else {
        return false;
    };
    let last_word = left.rsplit(|c| !is_word(c)).next();
    is_operator(right)
        || matches!(last_word, Some("const" | "dyn" | "impl" | "mut"))
        || left.ends_with([',', ';', '=', '+'])
        || left.ends_with("->")
        || right.starts_with('[') && is_word(end)
        || right.starts_with('(') && last_word.is_some_and(|word| word.starts_with('\''))
        || right.starts_with(is_word)
            && (is_word(end) || end == '>' || end == ':' && !left.ends_with("::"))
        || right == "&" && end == ':'
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;

    #[test]
    fn code_is_spaced_as_rustfmt_would() {
        for text in [
            "Vec<(u8, String)>",
            "&'static [u8; 4]",
            "&'static (dyn Fn(u32) + Sync)",
            "&mut <T as Iterator>::Item",
            "&mut [u8]",
            "extern \"C\"",
            "Box<dyn Fn(u8, &str) -> u8 + Send + 'static>",
            "impl Iterator<Item = u8>",
            "for<'a> fn(&'a str) -> !",
            "*const std::ffi::c_void",
            "T: Into<u8>",
            "self: &Rc<Self>",
        ] {
            let tokens: proc_macro2::TokenStream = text.parse().unwrap();
            // Without the spacing of the source, as tokens come out of a syntax tree.
            let tokens = tokens.into_iter().map(|token| quote!(#token));
            assert_eq!(code(quote!(#(#tokens)*)), text);
        }
    }

    #[test]
    fn owned_forms_are_what_users_write() {
        let check = |referent: Type, owned: &str| assert_eq!(owned_form(&referent), owned);
        check(parse_quote!(str), "String");
        check(parse_quote!([f64]), "Vec<f64>");
        check(parse_quote!(std::path::Path), "std::path::PathBuf");
        check(parse_quote!(OsStr), "OsString");
        check(parse_quote!(CStr), "CString");
        check(parse_quote!(&str), "String");
        check(parse_quote!(MyPath), "MyPath");
    }

    #[test]
    fn only_near_misses_are_suggested() {
        let closest = |word| closest(word, ["crate", "timeout"].into_iter());
        assert_eq!(closest("crat"), Some("crate"));
        assert_eq!(closest("tiemout"), Some("timeout"));
        assert_eq!(closest("create"), Some("crate"));
        assert_eq!(closest("time"), Some("timeout"));
        assert_eq!(closest("timeout_ms"), Some("timeout"));
        assert_eq!(closest("name"), None);
        assert_eq!(closest("t"), None);
    }
}
