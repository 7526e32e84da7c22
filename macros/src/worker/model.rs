//! A worker in our own terms.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::Attribute;

use crate::function::Function;
use crate::place::{self, Place};
use crate::remote::generics::is_generic;
use crate::remote::model::Remote;

/// What a function says about itself as a worker, right or wrong.
///
/// A receiver is not a parameter here: [`check`](super::check) refuses it.
pub(crate) struct Worker<'a> {
    pub(crate) function: &'a Function,
    pub(crate) place: Place,
    pub(crate) remote: Remote<'a>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(function: &'a Function) -> Self {
        Worker {
            function,
            place: place::of(function),
            remote: Remote::new(&function.sig),
        }
    }

    /// The name of the function, and of the type beside it.
    pub(crate) fn name(&self) -> Ident {
        self.function.ident()
    }

    /// The same attribute once more, to be expanded next.
    pub(crate) fn repetition(&self) -> Option<&Attribute> {
        let mut attrs = self.function.attrs.iter();
        attrs.find(|attr| match attr.path().segments.last() {
            Some(last) => last.ident == "worker" && attr.path().segments.len() < 3,
            None => false,
        })
    }

    /// `self` or `Self` in its signature: it is written as part of an `impl`.
    pub(crate) fn names_self(&self) -> bool {
        let sig = &self.function.sig;
        let (inputs, output) = (&sig.inputs, &sig.output);
        contains_self(quote!(#inputs #output))
    }

    /// Whether there are many functions of its name.
    pub(crate) fn is_generic(&self) -> bool {
        is_generic(&self.function.sig.generics)
    }
}

fn contains_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "self" || ident == "Self",
        TokenTree::Group(group) => contains_self(group.stream()),
        _ => false,
    })
}
