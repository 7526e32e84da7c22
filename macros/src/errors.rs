//! The mistakes of one item, collected so that one compile reports them all.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// A sink for mistakes. Every message begins with what it is about.
pub(crate) struct Errors {
    subject: String,
    found: Option<syn::Error>,
}

impl Errors {
    /// `subject` opens every message: ``worker `resize` ``.
    pub(crate) fn about(subject: String) -> Self {
        Errors {
            subject,
            found: None,
        }
    }

    /// Refuses `tokens`. `what` completes the sentence that the subject opens and gives the
    /// reason, `help` says what to write instead.
    pub(crate) fn refuse(&mut self, tokens: impl ToTokens, what: impl Display, help: impl Display) {
        let message = self.message(what, help);
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// Refuses the attribute that is being expanded.
    pub(crate) fn refuse_attribute(&mut self, what: impl Display, help: impl Display) {
        let message = self.message(what, help);
        self.add(syn::Error::new(Span::call_site(), message));
    }

    /// Adds the mistakes of a part that has a subject of its own.
    pub(crate) fn append(&mut self, part: Errors) {
        if let Some(found) = part.found {
            self.add(found);
        }
    }

    fn message(&self, what: impl Display, help: impl Display) -> String {
        format!("{} {what}\nhelp: {help}", self.subject)
    }

    fn add(&mut self, error: syn::Error) {
        match &mut self.found {
            None => self.found = Some(error),
            Some(found) => found.combine(error),
        }
    }

    /// What makes rustc report the mistakes, if there are any.
    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        self.found.map(syn::Error::into_compile_error)
    }
}
