//! What remains of a service with mistakes.
//!
//! Code that uses the service is not to blame for them: it finds the client that it expects, so that
//! rustc reports the mistakes and nothing else. Editors find it too, while a method is half written.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{ReturnType, Type};

use super::args::Args;
use super::client;
use super::model::{Service, moved_outside};
use crate::attributes;
use crate::function::Function;
use crate::paths::Runtime;
use crate::remote::model::Remote;
use crate::remote::types;

/// The user's item, the client as far as it can be declared, and the errors.
pub(super) fn expand(service: &Service<'_>, args: &Args, errors: &TokenStream) -> TokenStream {
    let block = service.block;
    match &args.worker.runtime {
        // There is another type in its place.
        _ if service.namesake().is_some() => quote!(#block #errors),
        Some(runtime) if service.place.is_repeated => {
            let functions = functions(service, runtime);
            quote!(#block #functions #errors)
        }
        Some(runtime) => {
            let client = client::declare(service, runtime);
            let functions = functions(service, runtime);
            quote!(#block #client #functions #errors)
        }
        // With the `impl` but without the client, rustc would go on about every use. With neither, it
        // knows that the macro is to blame.
        None => errors.clone(),
    }
}

/// The functions of the client, as the user's are. They are never called.
fn functions(service: &Service<'_>, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let Service { block, client, .. } = service;
    let attrs = attributes::of_impl(&block.attrs);
    let (parameters, arguments, clause) = service.generics.split_for_impl();
    let constructors = service.constructors.iter().map(|constructor| {
        let launch = quote!(#private::Launch<'static, Self>);
        let remote = &constructor.remote;
        declare(service, constructor.function(), None, remote, &launch)
    });
    let requests = service.requests.iter().map(|request| {
        let function = request.function();
        let result = match &function.sig.output {
            ReturnType::Type(_, ty) if !can_be_declared(ty, true) => quote!(()),
            _ => moved_outside(request.remote.result(), block),
        };
        let request_type = quote!(#private::Request<'_, #result>);
        let receiver = quote!(&self,);
        declare(
            service,
            function,
            Some(&receiver),
            &request.remote,
            &request_type,
        )
    });
    quote! {
        #attrs
        impl #parameters #client #arguments #clause {
            #(#constructors)*
            #(#requests)*
        }
    }
}

fn declare(
    service: &Service<'_>,
    function: &Function,
    receiver: Option<&TokenStream>,
    remote: &Remote<'_>,
    output: &TokenStream,
) -> TokenStream {
    let attrs = attributes::of_type(&function.attrs);
    let doc = format!(" `{}`, which has mistakes.", function.name());
    let vis = &function.vis;
    let name = function.ident();
    let generics = &function.sig.generics;
    let (generics, _, clause) = generics.split_for_impl();
    let parameters = remote.parameters.iter().map(|parameter| {
        let attrs = attributes::of_impl(&parameter.original.attrs);
        let name = &parameter.name;
        let ty = &parameter.original.ty;
        let ty = if can_be_declared(ty, false) {
            moved_outside(ty.to_token_stream(), service.block)
        } else {
            quote!(impl ::core::marker::Sized)
        };
        quote!(#attrs #name: #ty)
    });
    quote! {
        #attrs
        #[doc = #doc]
        #vis fn #name #generics (#receiver #(#parameters),*) -> #output #clause {
            ::core::unreachable!()
        }
    }
}

/// Whether a function can have such a parameter, or such a result.
fn can_be_declared(ty: &Type, is_result: bool) -> bool {
    let mut obstacles = Obstacles {
        is_result,
        are_found: types::is_unsized(ty),
    };
    obstacles.visit_type(ty);
    !obstacles.are_found
}

/// Looks for what rustc does not let any function have, and would report for the generated one.
struct Obstacles {
    is_result: bool,
    are_found: bool,
}

impl<'ast> Visit<'ast> for Obstacles {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Infer(_) => self.are_found = true,
            // Only a body could say which type it is.
            Type::ImplTrait(_) if self.is_result => self.are_found = true,
            _ => {}
        }
        visit::visit_type(self, ty);
    }
}
