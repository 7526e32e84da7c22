//! Which of the function's attributes the generated items carry too.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Meta, MetaList};

use crate::options::split_at_commas;

/// For the type beside the function: it exists when the function does and reads like it.
pub(crate) fn of_type(attrs: &[Attribute]) -> TokenStream {
    carry(attrs, |meta| {
        let path = meta.path();
        if path.is_ident("doc") {
            // Doctests are collected from the function, and need to run only once.
            Some(quote!(cfg_attr(not(doctest), #meta)))
        } else if path.is_ident("deprecated") {
            Some(quote!(#meta))
        } else {
            of_code(meta)
        }
    })
}

/// For code that names the function and its types: it may do what the function may.
pub(crate) fn of_impl(attrs: &[Attribute]) -> TokenStream {
    carry(attrs, |meta| {
        if meta.path().is_ident("deprecated") {
            Some(quote!(allow(deprecated)))
        } else {
            of_code(meta)
        }
    })
}

/// For the test that the harness knows: what it says to the harness, and what of the function's goes
/// for all code in it.
pub(crate) fn of_test(attrs: &[Attribute]) -> TokenStream {
    carry(attrs, |meta| {
        if is_for_harness(meta) {
            Some(quote!(#meta))
        } else {
            of_code(meta)
        }
    })
}

/// For the function inside of that test.
pub(crate) fn of_tested(attrs: &[Attribute]) -> TokenStream {
    carry(attrs, |meta| (!is_for_harness(meta)).then(|| quote!(#meta)))
}

/// Whether a function has an attribute.
pub(crate) enum Presence {
    Absent,
    Present,
    /// On this condition, for `cfg!`.
    If(TokenStream),
}

impl Presence {
    pub(crate) fn of(name: &str, attrs: &[Attribute]) -> Presence {
        let mut conditions = Vec::new();
        for Attribute { meta, .. } in attrs {
            match meta {
                Meta::List(list) if list.path.is_ident("cfg_attr") => {
                    let mut parts = split_at_commas(list.tokens.clone()).into_iter();
                    let condition = parts.next();
                    if parts.any(|part| {
                        syn::parse2(part).is_ok_and(|meta: Meta| meta.path().is_ident(name))
                    }) {
                        conditions.extend(condition);
                    }
                }
                meta if meta.path().is_ident(name) => return Presence::Present,
                _ => {}
            }
        }
        if conditions.is_empty() {
            Presence::Absent
        } else {
            Presence::If(quote!(any(#(#conditions),*)))
        }
    }
}

fn is_for_harness(meta: &Meta) -> bool {
    ["doc", "ignore", "should_panic"]
        .iter()
        .any(|name| meta.path().is_ident(name))
}

fn of_code(meta: &Meta) -> Option<TokenStream> {
    match meta {
        _ if meta.path().is_ident("cfg") || meta.path().is_ident("allow") => Some(quote!(#meta)),
        // Whether the expectation is met is for the function to say.
        Meta::List(MetaList { path, tokens, .. }) if path.is_ident("expect") => {
            let lints = split_at_commas(tokens.clone());
            let lints: Vec<_> = lints
                .into_iter()
                .filter(|lint| !is_about_use(lint))
                .collect();
            (!lints.is_empty()).then(|| quote!(allow(#(#lints),*)))
        }
        _ => None,
    }
}

/// Whether a lint says that something is not used. Code that is allowed to be unused counts as used, and
/// with it the function that it calls, of which it is expected that it is not.
fn is_about_use(lint: &TokenStream) -> bool {
    matches!(lint.to_string().as_str(), "dead_code" | "unused")
}

fn carry(attrs: &[Attribute], select: impl Fn(&Meta) -> Option<TokenStream>) -> TokenStream {
    let carried = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => conditional(list, &select),
        meta => select(meta),
    });
    quote!(#(#[#carried])*)
}

/// A `cfg_attr` with what is left of its attributes.
fn conditional(
    list: &MetaList,
    select: impl Fn(&Meta) -> Option<TokenStream>,
) -> Option<TokenStream> {
    let mut parts = split_at_commas(list.tokens.clone()).into_iter();
    let predicate = parts.next()?;
    let carried: Vec<_> = parts
        .filter_map(|attr| syn::parse2(attr).ok())
        .filter_map(|attr| select(&attr))
        .collect();
    (!carried.is_empty()).then(|| quote!(cfg_attr(#predicate, #(#carried),*)))
}
