//! What a function takes and gives, in our own terms.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{
    FnArg, Generics, Lifetime, Pat, PatIdent, PatType, ReturnType, Signature, Type, TypeReference,
};

use crate::function::generated;
use crate::paths::Runtime;

/// The values that go to the process of a function and come back, right or wrong.
///
/// A receiver is not a parameter here.
pub(crate) struct Remote<'a> {
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
    /// It stays in the process.
    Kept,
}

/// A function without mistakes, for the code that carries its values.
pub(crate) struct Carried<'a> {
    pub(crate) remote: &'a Remote<'a>,
    pub(crate) runtime: &'a Runtime,
    /// Opens messages: ``worker `resize` ``.
    pub(crate) subject: String,
    /// The parameters that its types may name.
    pub(crate) generics: &'a Generics,
}

impl<'a> Remote<'a> {
    pub(crate) fn new(sig: &'a Signature) -> Self {
        let inputs = || {
            sig.inputs.iter().filter_map(|input| match input {
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
        Remote {
            parameters: parameters.collect(),
            output: Output::new(&sig.output),
        }
    }

    /// The same for a function whose result stays where it is made.
    pub(crate) fn keeping(sig: &'a Signature) -> Self {
        Remote {
            output: Output::Kept,
            ..Remote::new(sig)
        }
    }

    pub(crate) fn borrows(&self) -> bool {
        let mut parameters = self.parameters.iter();
        parameters.any(|parameter| matches!(parameter.passing, Passing::Borrowed(_)))
    }

    /// The parameters of a function that binds them, with the lifetime of what is lent.
    pub(crate) fn declared(&self, lent: &Lifetime) -> Vec<TokenStream> {
        let parameters = self.parameters.iter();
        parameters
            .map(|Parameter { name, passing, .. }| match passing {
                Passing::Owned(ty) => quote!(#name: #ty),
                Passing::Borrowed(reference) => {
                    let referent = &reference.elem;
                    quote!(#name: &#lent #referent)
                }
            })
            .collect()
    }

    /// The type of the result, as a type that can be named anywhere.
    pub(crate) fn result(&self) -> TokenStream {
        match self.output {
            Output::Unit | Output::Kept => quote!(()),
            Output::Never => quote!(::core::convert::Infallible),
            Output::Value(ty) => quote!(#ty),
        }
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
