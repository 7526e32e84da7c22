//! What remains of a worker with mistakes.
//!
//! Code that uses the worker is not to blame for them: it finds what it expects, so that rustc
//! reports the mistakes and nothing else. Editors find it too, while a signature is half written.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::visit::{self, Visit};
use syn::{ReturnType, Type};

use super::args::Args;
use super::expand;
use super::model::Worker;
use crate::attributes;
use crate::paths::Runtime;
use crate::remote::types;

/// The user's item, the generated functions as far as they can be declared, and the errors.
pub(super) fn expand(worker: &Worker<'_>, args: &Args, errors: &TokenStream) -> TokenStream {
    let function = worker.function;
    let obstacles = Obstacles::of(worker);
    match &args.runtime {
        // There is a type already, or no room for one.
        _ if obstacles.is_misplaced => quote!(#function #errors),
        Some(runtime) if !obstacles.is_invalid => {
            let api = api(worker, runtime);
            quote!(#function #api #errors)
        }
        // With the function but without its type, rustc would go on about every use. With
        // neither, it knows that the macro is to blame.
        _ => errors.clone(),
    }
}

/// The type and its functions, as generic as the user's. They are never called.
fn api(worker: &Worker<'_>, runtime: &Runtime) -> TokenStream {
    let name = worker.name();
    let handle = expand::handle(worker);
    let attrs = attributes::of_impl(&worker.function.attrs);
    let parameters: Vec<_> = worker
        .remote
        .parameters
        .iter()
        .map(|parameter| {
            let attrs = attributes::of_impl(&parameter.original.attrs);
            let name = &parameter.name;
            let ty = &parameter.original.ty;
            quote!(#attrs #name: #ty)
        })
        .collect();
    let private = runtime.private();
    let (generics, _, where_clause) = worker.function.sig.generics.split_for_impl();
    let result = worker.remote.result();
    let functions = [
        (
            "spawn",
            quote!(#private::Result<#private::Process<#result>>),
        ),
        ("run", quote!(#private::Result<#result>)),
        ("call", quote!(#private::Call<'static, #result>)),
    ]
    .map(|(function, output)| {
        let function = format_ident!("{function}");
        quote! {
            pub fn #function #generics (#(#parameters),*) -> #output #where_clause {
                ::core::unreachable!()
            }
        }
    });
    quote! {
        #handle

        #attrs
        impl #name {
            #(#functions)*
        }
    }
}

/// Why the functions cannot be declared.
struct Obstacles {
    /// The function stands in an `impl`, where a type cannot. Or the same attribute once more: it
    /// declares them.
    is_misplaced: bool,
    /// What rustc does not let any function have, and would report for each of the generated ones.
    is_invalid: bool,
    in_result: bool,
}

impl Obstacles {
    fn of(worker: &Worker<'_>) -> Self {
        let sig = &worker.function.sig;
        let mut obstacles = Obstacles {
            is_misplaced: worker.names_self()
                || worker.place.is_associated
                || worker.repetition().is_some(),
            is_invalid: sig.variadic.is_some() || worker.place.namesake.is_some(),
            in_result: false,
        };
        for parameter in &worker.remote.parameters {
            obstacles.visit_sized(&parameter.original.ty);
        }
        if let ReturnType::Type(_, ty) = &sig.output {
            obstacles.in_result = true;
            obstacles.visit_sized(ty);
        }
        obstacles
    }

    fn visit_sized(&mut self, ty: &Type) {
        self.is_invalid |= types::is_unsized(ty);
        self.visit_type(ty);
    }
}

impl<'ast> Visit<'ast> for Obstacles {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Infer(_) => self.is_invalid = true,
            // Only a body could say which type it is.
            Type::ImplTrait(_) if self.in_result => self.is_invalid = true,
            _ => {}
        }
        visit::visit_type(self, ty);
    }
}
