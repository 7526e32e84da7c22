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

fn of_code(meta: &Meta) -> Option<TokenStream> {
    match meta {
        _ if meta.path().is_ident("cfg") || meta.path().is_ident("allow") => Some(quote!(#meta)),
        // Whether the expectation is met is for the function to say.
        Meta::List(MetaList { path, tokens, .. }) if path.is_ident("expect") => {
            Some(quote!(allow(#tokens)))
        }
        _ => None,
    }
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
