//! The type and const parameters of a worker or a service, as the functions beside it have them.
//!
//! Beyond what the user asks of them, they have to make types that can be sent. That is asked of
//! the types that are sent and not of the parameters, because it is all that is needed: `Vec<T>`
//! and not `T`. Who calls with one that cannot be sent is told of that type.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit::{self, Visit};
use syn::{GenericParam, Lifetime, Macro, Path, Type, TypeParam, TypeParamBound};

use super::model::{Carried, Output, Passing};
use crate::attributes;
use crate::function::generated;
use crate::wording::ends;

pub(crate) struct Generics {
    /// `T`, `const N: usize`
    parameters: Vec<TokenStream>,
    /// `T`, `{ N }`
    arguments: Vec<TokenStream>,
    /// All of them stand in the `where` clause that can: lints want those of a parameter in one place.
    bounds: Vec<TokenStream>,
}

impl Generics {
    /// Those that are written, with what is asked of them if all these functions shall be called.
    pub(crate) fn of<'a>(
        generics: &syn::Generics,
        functions: impl IntoIterator<Item = &'a Carried<'a>>,
    ) -> Self {
        if !is_generic(generics) {
            // A `where` clause without parameters is true or rustc says so at the function.
            return Generics {
                parameters: Vec::new(),
                arguments: Vec::new(),
                bounds: Vec::new(),
            };
        }
        let (parameters, arguments) = generics.params.iter().map(repeat).unzip();
        let clause = generics.where_clause.iter();
        let written = clause.flat_map(|clause| &clause.predicates);
        Generics {
            parameters,
            arguments,
            bounds: generics
                .type_params()
                .filter_map(bounds)
                .chain(written.map(ToTokens::to_token_stream))
                .chain(can_be_sent(functions))
                .collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }

    /// `<T, const N: usize>`
    pub(crate) fn parameters(&self) -> TokenStream {
        self.parameters_after(None)
    }

    /// `<T, { N }>`
    pub(crate) fn parameter_names(&self) -> TokenStream {
        let Generics { arguments, .. } = self;
        if arguments.is_empty() {
            return TokenStream::new();
        }
        quote!(<#(#arguments),*>)
    }

    pub(crate) fn parameters_after(&self, lifetime: Option<&Lifetime>) -> TokenStream {
        let Generics { parameters, .. } = self;
        let lifetime = lifetime.map(|lifetime| quote!(#lifetime,));
        if parameters.is_empty() && lifetime.is_none() {
            return TokenStream::new();
        }
        quote!(<#lifetime #(#parameters),*>)
    }

    /// A lifetime that no bound names, `'call`.
    pub(crate) fn free_lifetime(&self) -> Lifetime {
        let bounds: Vec<_> = self.bounds.iter().map(ToString::to_string).collect();
        let mut name = "'call".to_owned();
        while bounds.iter().any(|bound| bound.contains(&name)) {
            name.push('_');
        }
        Lifetime::new(&name, Span::call_site())
    }

    /// `::<T, { N }>`
    pub(crate) fn arguments(&self) -> TokenStream {
        let Generics { arguments, .. } = self;
        if arguments.is_empty() {
            return TokenStream::new();
        }
        quote!(::<#(#arguments),*>)
    }

    /// `where T: Ord, [T]: PayloadRef`
    pub(crate) fn where_clause(&self) -> TokenStream {
        let Generics { bounds, .. } = self;
        if bounds.is_empty() {
            return TokenStream::new();
        }
        quote!(where #(#bounds),*)
    }
}

/// A parameter as it is declared and as it is handed on.
fn repeat(parameter: &GenericParam) -> (TokenStream, TokenStream) {
    match parameter {
        GenericParam::Type(parameter) => {
            let attrs = attributes::of_impl(&parameter.attrs);
            let ident = generated(&parameter.ident);
            let mut relaxed = parameter
                .bounds
                .iter()
                .filter(|bound| is_relaxed(bound))
                .peekable();
            let colon = relaxed.peek().map(|_| quote!(:));
            (quote!(#attrs #ident #colon #(#relaxed)+*), quote!(#ident))
        }
        GenericParam::Const(parameter) => {
            let attrs = attributes::of_impl(&parameter.attrs);
            let ident = generated(&parameter.ident);
            let ty = &parameter.ty;
            // In braces: there may be a type of this name.
            (quote!(#attrs const #ident: #ty), quote!({ #ident }))
        }
        // Refused.
        GenericParam::Lifetime(parameter) => {
            let lifetime = &parameter.lifetime;
            (quote!(#lifetime), quote!(#lifetime))
        }
    }
}

/// The bounds of a parameter that stand where it is declared, and need not.
fn bounds(parameter: &TypeParam) -> Option<TokenStream> {
    let TypeParam { ident, bounds, .. } = parameter;
    let bounds: Vec<_> = bounds.iter().filter(|bound| !is_relaxed(bound)).collect();
    (!bounds.is_empty()).then(|| quote!(#ident: #(#bounds)+*))
}

/// `?Sized`, which can only stand where the parameter is declared.
pub(crate) fn is_relaxed(bound: &TypeParamBound) -> bool {
    bound.to_token_stream().to_string().starts_with('?')
}

/// The bounds of the types that are sent, where they depend on parameters. Of the others, it is
/// asked where they are used.
fn can_be_sent<'a>(functions: impl IntoIterator<Item = &'a Carried<'a>>) -> Vec<TokenStream> {
    let mut asked = HashSet::new();
    functions
        .into_iter()
        .flat_map(bounds_of_sent)
        .filter(|bound| asked.insert(bound.to_string()))
        .collect()
}

fn bounds_of_sent(function: &Carried<'_>) -> Vec<TokenStream> {
    let private = function.runtime.private();
    let (payload, payload_ref) = ("Payload", "PayloadRef");
    let result = match function.remote.output {
        Output::Value(ty) => Some((ty, payload)),
        Output::Never | Output::Unit | Output::Kept => None,
    };
    let parameters = function.remote.parameters.iter();
    let sent = parameters
        .map(|parameter| match parameter.passing {
            Passing::Owned(ty) => (ty, payload),
            Passing::Borrowed(reference) => (&*reference.elem, payload_ref),
        })
        .chain(result);
    sent.filter(|(ty, _)| depends(function, ty))
        .map(|(ty, trait_)| bound(ty, &private, trait_))
        .collect()
}

/// `ty: trait`. Where rustc shows the bound, it shows the type.
fn bound(ty: &Type, private: &TokenStream, trait_: &str) -> TokenStream {
    let (start, end) = ends(ty);
    // It begins and ends with the type. What is between stays where the crate is named, for rustc to show
    // if there is none.
    let open = quote_spanned!(start=> for<>);
    let trait_ = Ident::new(trait_, end);
    quote!(#ty: #open #private::#trait_)
}

/// Whether there are parameters for types or constants.
pub(crate) fn is_generic(generics: &syn::Generics) -> bool {
    let mut params = generics.params.iter();
    params.any(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
}

/// Whether a type of a function names its parameters.
pub(super) fn depends(function: &Carried<'_>, ty: &Type) -> bool {
    let params = &function.generics.params;
    let mut search = ParameterSearch {
        parameters: params
            .iter()
            .filter_map(|parameter| match parameter {
                GenericParam::Type(parameter) => Some(&parameter.ident),
                GenericParam::Const(parameter) => Some(&parameter.ident),
                GenericParam::Lifetime(_) => None,
            })
            .collect(),
        is_found: false,
    };
    search.visit_type(ty);
    search.is_found
}

/// Looks for parameters in a type.
struct ParameterSearch<'a> {
    parameters: Vec<&'a Ident>,
    is_found: bool,
}

impl ParameterSearch<'_> {
    fn see(&mut self, ident: &Ident) {
        self.is_found |= self.parameters.contains(&ident);
    }

    fn see_all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => self.see(&ident),
                TokenTree::Group(group) => self.see_all(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for ParameterSearch<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        if let (None, Some(first)) = (path.leading_colon, path.segments.first()) {
            self.see(&first.ident);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, macro_: &'ast Macro) {
        self.see_all(macro_.tokens.clone());
    }
}
