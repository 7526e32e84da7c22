//! Places in the registry, under which processes find what they are to run.

use proc_macro2::TokenStream;
use quote::quote;

use super::generics::Generics;
use crate::paths::Runtime;

/// A function that gives an entry. Only one that is not generic can stand in the registry; the others
/// are constants, found by where the image has them.
///
/// `dispatch` is what the process runs, `settings` are calls on the entry. `parameters` are those of the
/// function itself.
pub(crate) fn declare(
    runtime: &Runtime,
    text: &str,
    dispatch: &TokenStream,
    settings: &TokenStream,
    generics: &Generics,
    parameters: &TokenStream,
) -> TokenStream {
    let private = runtime.private();
    let where_clause = generics.where_clause();
    let entry = quote! {
        <#private::Entry>::new(
            #text,
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            #dispatch,
        )
        #settings
    };
    let body = if generics.is_empty() {
        quote! {
            use #private::macros::register as __register;
            __register!(#entry)
        }
    } else {
        quote!(const { &#entry })
    };
    quote! {
        fn __entry #parameters () -> &'static #private::Entry
        #where_clause
        {
            #body
        }
    }
}
