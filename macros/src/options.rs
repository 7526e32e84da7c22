//! The options of an attribute: `key = value, ..`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::LitStr;
use syn::parse::Parse;

use crate::errors::Errors;
use crate::wording;

/// An option that an attribute knows.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) key: &'static str,
    /// What kind of value it takes, as in "a path".
    pub(crate) value: &'static str,
    pub(crate) example: &'static str,
}

/// `crate = path`: a runtime that is renamed or re-exported.
pub(crate) const CRATE: Known = Known {
    key: "crate",
    value: "a path",
    example: "::facade::multiproc",
};

/// The options that were given and are known, their values unparsed.
pub(crate) struct Options {
    given: Vec<Setting>,
    /// What unknown options probably mean.
    meant: Vec<&'static str>,
}

/// A value that has been refused.
pub(crate) struct Malformed;

impl Options {
    /// Refuses what is unknown or repeated, and keeps the rest.
    pub(crate) fn parse(tokens: TokenStream, known: &[Known], errors: &mut Errors) -> Self {
        let mut options = Options {
            given: Vec::new(),
            meant: Vec::new(),
        };
        for setting in split_at_commas(tokens) {
            match Setting::new(setting) {
                Err(stray) => errors.refuse(stray, "has an option without a name", list_of(known)),
                Ok(setting) if !known.iter().any(|known| setting.key == known.key) => {
                    let Setting { key, .. } = setting;
                    let name = key.to_string();
                    let meant = wording::closest(&name, known.iter().map(|known| known.key));
                    options.meant.extend(meant);
                    let help = meant
                        .map_or_else(|| list_of(known), |key| format!("did you mean `{key}`?"));
                    errors.refuse(key, format_args!("has the unknown option `{name}`"), help);
                }
                Ok(Setting { key, .. }) if options.given.iter().any(|given| given.key == key) => {
                    let what = format!("has the option `{key}` twice");
                    errors.refuse(key, what, "remove one of the two");
                }
                Ok(setting) => options.given.push(setting),
            }
        }
        options
    }

    /// The value of an option, if it was given.
    pub(crate) fn value<T: Parse>(
        &self,
        option: &Known,
        errors: &mut Errors,
    ) -> Result<Option<T>, Malformed> {
        let Some(setting) = self.setting(option) else {
            return Ok(None);
        };
        if setting.assigned
            && let Ok(value) = syn::parse2(setting.value.clone())
        {
            return Ok(Some(value));
        }
        let Known {
            key,
            value,
            example,
        } = option;
        let what = format!("needs {value} for its option `{key}`");
        match syn::parse2::<LitStr>(setting.value.clone()) {
            Ok(quoted) if quoted.parse::<T>().is_ok() => {
                let help = format!("write it without quotes: `{key} = {}`", quoted.value());
                errors.refuse(quoted, what, help);
            }
            _ => errors.refuse(setting, what, format_args!("write `{key} = {example}`")),
        }
        Err(Malformed)
    }

    /// The option as it was given.
    pub(crate) fn key(&self, option: &Known) -> Option<&Ident> {
        self.setting(option).map(|setting| &setting.key)
    }

    /// The value of an option as it was written, if it was given.
    pub(crate) fn written(&self, option: &Known) -> Option<&TokenStream> {
        self.setting(option).map(|setting| &setting.value)
    }

    /// Whether something was refused that probably meant this option.
    pub(crate) fn is_misspelt(&self, option: &Known) -> bool {
        self.meant.contains(&option.key)
    }

    fn setting(&self, option: &Known) -> Option<&Setting> {
        self.given.iter().find(|given| given.key == option.key)
    }
}

/// One `key = value`.
struct Setting {
    key: Ident,
    /// Whether an `=` stands before the value.
    assigned: bool,
    value: TokenStream,
}

impl Setting {
    /// Gives the tokens back when they do not begin with a key.
    fn new(tokens: TokenStream) -> Result<Self, TokenStream> {
        let mut rest = tokens.clone().into_iter().peekable();
        let Some(TokenTree::Ident(key)) = rest.next() else {
            return Err(tokens);
        };
        let assigned = rest.next_if(|token| is_punct(token, '=')).is_some();
        Ok(Setting {
            key,
            assigned,
            value: rest.collect(),
        })
    }
}

/// The part to blame when the value is not what it should be.
impl ToTokens for Setting {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if self.value.is_empty() {
            self.key.to_tokens(tokens);
        } else {
            self.value.to_tokens(tokens);
        }
    }
}

/// Splits before anything is parsed, so that a mistake in one part does not hide the next.
pub(crate) fn split_at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    tokens
        .split(|token| is_punct(token, ','))
        .filter(|part| !part.is_empty())
        .map(|part| part.iter().cloned().collect())
        .collect()
}

fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

fn list_of(known: &[Known]) -> String {
    let list: Vec<_> = known
        .iter()
        .map(|Known { key, example, .. }| format!("`{key} = {example}`"))
        .collect();
    format!("known options: {}", list.join(", "))
}
