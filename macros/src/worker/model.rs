//! A worker in our own terms.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::{
    Attribute, FnArg, GenericParam, Pat, PatIdent, PatType, ReturnType, Type, TypeReference,
};

use crate::function::{Function, generated};
use crate::place::{self, Place};

/// What a function says about itself as a worker, right or wrong.
///
/// A receiver is not a parameter here: [`check`](super::check) refuses it.
pub(crate) struct Worker<'a> {
    pub(crate) function: &'a Function,
    pub(crate) place: Place,
    pub(crate) parameters: Vec<Parameter<'a>>,
    pub(crate) output: Output<'a>,
}

pub(crate) struct Parameter<'a> {
    /// What the generated functions call it: a pattern has no name of its own.
    pub(crate) name: Ident,
    pub(crate) passing: Passing<'a>,
    pub(crate) original: &'a PatType,
}

pub(crate) enum Passing<'a> {
    /// `T` is decoded and given away.
    Owned(&'a Type),
    /// `&T` is decoded into its owned form and lent.
    Borrowed(&'a TypeReference),
}

pub(crate) enum Output<'a> {
    Unit,
    Never,
    Value(&'a Type),
}

impl<'a> Worker<'a> {
    pub(crate) fn new(function: &'a Function) -> Self {
        let inputs = || {
            function.sig.inputs.iter().filter_map(|input| match input {
                FnArg::Typed(parameter) => Some(parameter),
                FnArg::Receiver(_) => None,
            })
        };
        let taken: Vec<&Ident> = inputs()
            .filter_map(|input| plain_name(&input.pat))
            .collect();
        let parameters = inputs().enumerate().map(|(index, original)| Parameter {
            name: plain_name(&original.pat).map_or_else(|| invented_name(index, &taken), generated),
            passing: Passing::new(&original.ty),
            original,
        });
        Worker {
            function,
            place: place::of(function),
            parameters: parameters.collect(),
            output: Output::new(&function.sig.output),
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
        let mut params = self.function.sig.generics.params.iter();
        params.any(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
    }

    pub(crate) fn borrows(&self) -> bool {
        let mut parameters = self.parameters.iter();
        parameters.any(|parameter| matches!(parameter.passing, Passing::Borrowed(_)))
    }
}

impl<'a> Passing<'a> {
    fn new(ty: &'a Type) -> Self {
        match ungrouped(ty) {
            Type::Reference(reference) => Passing::Borrowed(reference),
            _ => Passing::Owned(ty),
        }
    }
}

impl<'a> Output<'a> {
    fn new(output: &'a ReturnType) -> Self {
        match output {
            ReturnType::Default => Output::Unit,
            ReturnType::Type(_, ty) if matches!(ungrouped(ty), Type::Never(_)) => Output::Never,
            ReturnType::Type(_, ty) => Output::Value(ty),
        }
    }
}

fn contains_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "self" || ident == "Self",
        TokenTree::Group(group) => contains_self(group.stream()),
        _ => false,
    })
}

/// The type without parentheses, and without the invisible ones around a macro's `$ty`.
pub(crate) fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        ty => ty,
    }
}

fn plain_name(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(PatIdent { ident, .. }) => Some(ident),
        Pat::Paren(paren) => plain_name(&paren.pat),
        _ => None,
    }
}

fn invented_name(index: usize, taken: &[&Ident]) -> Ident {
    let mut name = format_ident!("argument{index}");
    while taken.iter().any(|&taken| *taken == name) {
        name = format_ident!("{name}_");
    }
    name
}
