//! A checked service becomes code. Nothing can go wrong any more.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use super::check::{Checked, CheckedConstructor, CheckedRequest};
use super::client;
use super::model::{Gives, Service, Taking};
use crate::attributes;
use crate::function::Function;
use crate::remote::codecs::{self, Sending};
use crate::remote::entry;
use crate::remote::generics::Generics;
use crate::wording::written_ends;
use crate::worker::expand::defaults;

/// The `impl` as it was, and beside it the type of the clients and what the process of the service runs.
pub(super) fn expand(checked: &Checked<'_>) -> TokenStream {
    let service = checked.service;
    let block = service.block;
    let type_ = client::declare(service, checked.runtime);
    let expansion = Expansion {
        checked,
        private: checked.runtime.private(),
        generics: Generics::of(
            &service.generics,
            checked
                .constructors
                .iter()
                .map(|constructor| &constructor.carried)
                .chain(checked.requests.iter().map(|request| &request.carried)),
        ),
    };
    let functions = expansion.functions();
    let served = expansion.served();
    quote! {
        #block

        #type_

        #functions

        #served
    }
}

/// What all parts of the code are made from.
struct Expansion<'a> {
    checked: &'a Checked<'a>,
    private: TokenStream,
    generics: Generics,
}

impl Expansion<'_> {
    fn service(&self) -> &Service<'_> {
        self.checked.service
    }

    /// The functions of the client.
    fn functions(&self) -> TokenStream {
        let Service { block, client, .. } = self.service();
        let attrs = attributes::of_impl(&block.attrs);
        let parameters = self.generics.parameters();
        let arguments = self.generics.parameter_names();
        let constructors = self.checked.constructors.iter().zip(0..);
        let constructors =
            constructors.map(|(constructor, number)| self.start(constructor, number));
        let requests = self.checked.requests.iter().zip(0..);
        let requests = requests.map(|(request, number)| self.ask(request, number));
        let entry = self.entry();
        let carried = self.checked.constructors.iter();
        let carried = carried.map(|constructor| (constructor.function, &constructor.carried));
        let requested = self.checked.requests.iter();
        let requested = requested.map(|request| (request.function, &request.carried));
        let codecs = carried
            .chain(requested)
            .filter(|(_, carried)| !codecs::are_needless(carried))
            .map(|(function, carried)| {
                let attrs = attributes::of_impl(&function.attrs);
                let codecs = codecs::declare(
                    carried,
                    &codecs_of(function),
                    &TokenStream::new(),
                    &self.generics.where_clause(),
                );
                quote!(#attrs #codecs)
            });
        quote! {
            #attrs
            impl #parameters #client #arguments {
                #(#constructors)*
                #(#requests)*
                #entry
                #(#codecs)*
            }
        }
    }

    /// The function of a constructor, which describes a service that begins with it.
    fn start(&self, constructor: &CheckedConstructor<'_>, number: u16) -> TokenStream {
        let Self { private, .. } = self;
        let CheckedConstructor {
            function, carried, ..
        } = constructor;
        let service = self.service();
        let name = function.ident();
        let text = function.name();
        let doc = format!(
            " Describes a service that `{}::{text}` makes. Nothing is started yet.",
            service.name
        );
        let attrs = documented(function, &doc, carried.remote.parameters.len());
        let vis = &function.vis;
        let lent = self.generics.free_lifetime();
        let (declared, lifetime) = if carried.remote.borrows() {
            (Some(quote!(<#lent>)), quote!(#lent))
        } else {
            (None, quote!('static))
        };
        let parameters = carried.remote.declared(&lent);
        let where_clause = self.generics.where_clause();
        let codecs_name = codecs_of(function);
        let Sending {
            checks,
            codecs,
            arguments,
            ..
        } = codecs::send(carried, &quote!(Self::#codecs_name));
        let number = Literal::u16_unsuffixed(number);
        let queue = Literal::u32_unsuffixed(self.checked.args.queue);
        quote! {
            #attrs
            #vis fn #name #declared (#(#parameters),*) -> #private::Launch<#lifetime, Self>
            #where_clause
            {
                #checks
                #codecs
                #private::launch(Self::__entry(), #number, #queue, ::std::vec!#arguments)
            }
        }
    }

    /// The function of a request.
    fn ask(&self, request: &CheckedRequest<'_>, number: u16) -> TokenStream {
        let Self { private, .. } = self;
        let CheckedRequest {
            function,
            carried,
            timeout,
            ..
        } = request;
        let service = &self.service().name;
        let name = function.ident();
        let text = function.name();
        let doc = format!(" A request to call `{service}::{text}`. Nothing is sent yet.");
        let attrs = documented(function, &doc, carried.remote.parameters.len() + 1);
        let vis = &function.vis;
        let lent = self.generics.free_lifetime();
        let parameters = carried.remote.declared(&lent);
        let result = carried.remote.result();
        let where_clause = self.generics.where_clause();
        let codecs_name = codecs_of(function);
        let Sending {
            checks,
            codecs,
            arguments,
            result: codec,
        } = codecs::send(carried, &quote!(Self::#codecs_name));
        let number = Literal::u16_unsuffixed(number);
        let timeout = match timeout {
            Some(ms) => {
                let ms = Literal::u64_unsuffixed(*ms);
                quote!(::core::option::Option::Some(::core::time::Duration::from_millis(#ms)))
            }
            None => quote!(::core::option::Option::None),
        };
        let info = quote_spanned!(Span::mixed_site()=> info);
        quote! {
            #attrs
            #vis fn #name<#lent>(
                &#lent self,
                #(#parameters),*
            ) -> #private::Request<#lent, #result>
            #where_clause
            {
                #checks
                #codecs
                let #info = #private::RequestInfo {
                    number: #number,
                    name: #text,
                    service: #service,
                    timeout: #timeout,
                };
                #private::request(&self.client, #info, ::std::vec!#arguments, #codec)
            }
        }
    }

    fn entry(&self) -> TokenStream {
        let Self { private, .. } = self;
        let service = self.service();
        let ty = &service.block.self_ty;
        let threads = self.checked.args.threads;
        let serve = if threads > 1 {
            let threads = Literal::u16_unsuffixed(threads);
            quote_spanned! {Span::mixed_site()=>
                |job| #private::serve_in_parallel::<#ty>(job, #threads)
            }
        } else {
            quote!(#private::serve::<#ty>)
        };
        let defaults = defaults(&self.checked.args.worker.defaults);
        let settings = quote!(.service() #defaults);
        entry::declare(
            self.checked.runtime,
            &service.name,
            &serve,
            &settings,
            &self.generics,
            &TokenStream::new(),
        )
    }

    /// What the process of the service calls.
    fn served(&self) -> TokenStream {
        let Self { private, .. } = self;
        let block = self.service().block;
        let ty = &block.self_ty;
        let attrs = attributes::of_impl(&block.attrs);
        let parameters = self.generics.parameters();
        let where_clause = self.generics.where_clause();
        let constructors = self.checked.constructors.iter().zip(0..);
        let constructors = constructors.map(|(constructor, number)| self.make(constructor, number));
        let requests = self.checked.requests.iter().zip(0..);
        let requests = requests.map(|(request, number)| self.answer(request, number));
        quote_spanned! {Span::mixed_site()=>
            #attrs
            #[automatically_derived]
            impl #parameters #private::Served for #ty #where_clause {
                fn construct(
                    constructor: ::core::primitive::u16,
                    job: &mut #private::Job<'_>,
                ) -> ::core::result::Result<Self, #private::Unbuilt> {
                    match constructor {
                        #(#constructors)*
                        _ => ::core::unreachable!(),
                    }
                }

                fn method(
                    number: ::core::primitive::u16,
                ) -> ::core::option::Option<#private::Method<Self>> {
                    match number {
                        #(#requests)*
                        _ => ::core::option::Option::None,
                    }
                }
            }
        }
    }

    /// An arm that makes the object.
    fn make(&self, constructor: &CheckedConstructor<'_>, number: u16) -> TokenStream {
        let Self { private, .. } = self;
        let CheckedConstructor {
            function,
            carried,
            gives,
            executor,
        } = constructor;
        let attrs = attributes::of_impl(&function.attrs);
        let name = function.ident();
        let text = function.name();
        let call = |arguments: &[TokenStream]| quote!(Self::#name(#(#arguments),*));
        let made = |call| match gives {
            Gives::Service => quote!(::core::result::Result::Ok(#call)),
            Gives::Result(ty) => {
                // That an error cannot be told is shown at its type.
                let (start, end) = written_ends(ty);
                let failed = Ident::new("constructor_failed", start);
                let error = Ident::new("error", end);
                let reference = quote_spanned!(end=> &);
                quote_spanned! {Span::mixed_site()=>
                    match #call {
                        ::core::result::Result::Ok(service) => ::core::result::Result::Ok(service),
                        ::core::result::Result::Err(#error) => {
                            ::core::result::Result::Err(
                                #private::#failed(#text, #reference #error)
                            )
                        }
                    }
                }
            }
            Gives::Option => quote_spanned! {Span::mixed_site()=>
                match #call {
                    ::core::option::Option::Some(service) => ::core::result::Result::Ok(service),
                    ::core::option::Option::None => {
                        ::core::result::Result::Err(#private::constructor_gave_none(#text))
                    }
                }
            },
        };
        let body = codecs::receive(carried, &self.path(function), |arguments| {
            made(codecs::run(*executor, call(arguments)))
        });
        let number = Literal::u16_unsuffixed(number);
        quote!(#attrs #number => { #body })
    }

    /// An arm that gives what answers a request.
    fn answer(&self, request: &CheckedRequest<'_>, number: u16) -> TokenStream {
        let Self { private, .. } = self;
        let CheckedRequest {
            function,
            carried,
            taking,
            executor,
            ..
        } = request;
        let attrs = attributes::of_impl(&function.attrs);
        let name = function.ident();
        let object = quote_spanned!(Span::mixed_site()=> object);
        let body = codecs::answer(
            carried,
            &self.path(function),
            *executor,
            |arguments| quote!(Self::#name(#object #(, #arguments)*)),
        );
        let taking = match taking {
            Taking::Shared => quote!(Shared),
            Taking::Exclusive => quote!(Exclusive),
            Taking::Last => quote!(Last),
        };
        let number = Literal::u16_unsuffixed(number);
        quote_spanned! {Span::mixed_site()=>
            #attrs
            #number => ::core::option::Option::Some(#private::Method::#taking(|#object, job| {
                #body
            })),
        }
    }

    /// The path to the codecs of a function, from outside of the client.
    fn path(&self, function: &Function) -> TokenStream {
        let client = &self.service().client;
        let arguments = self.generics.arguments();
        let name = codecs_of(function);
        quote!(#client #arguments::#name)
    }
}

/// The attributes of a client's function for one of the service.
fn documented(function: &Function, doc: &str, inputs: usize) -> TokenStream {
    let attrs = attributes::of_type(&function.attrs);
    let is_documented = function
        .attrs
        .iter()
        .any(|attr| attr.path().is_ident("doc"));
    let paragraph = is_documented.then(|| quote!(#[doc = ""]));
    // clippy says so of the function.
    let many = (inputs > 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    quote! {
        #attrs
        #paragraph
        #[doc = #doc]
        #many
    }
}

/// `__find_codecs`
fn codecs_of(function: &Function) -> Ident {
    format_ident!(
        "__{}_codecs",
        function.sig.ident.unraw(),
        span = Span::call_site()
    )
}
