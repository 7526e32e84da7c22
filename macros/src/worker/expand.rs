//! A checked worker becomes code. Nothing can go wrong any more.
//!
//! Local variables of generated functions have mixed-site hygiene, so that neither a parameter
//! nor the function itself can be mistaken for one, whatever the user calls it.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;

use super::check::Checked;
use super::model::{Output, Parameter, Passing, Worker};
use crate::attributes;

/// The function as it was, and beside it the type of the same name that starts processes.
pub(super) fn expand(worker: &Checked<'_>) -> TokenStream {
    let function = worker.function;
    let name = worker.name();
    let handle = handle(worker);
    let attrs = attributes::of_impl(&function.attrs);
    let start = start(worker);
    let bind = bind(worker);
    let entry = entry(worker);
    let codecs = codecs(worker);
    let dispatch = dispatch(worker);
    quote! {
        #function

        #handle

        #attrs
        impl #name {
            #start
            #bind
            #entry
            #codecs
            #dispatch
        }
    }
}

/// The type: a function lives among the values, so its name is free among the types.
pub(super) fn handle(worker: &Worker<'_>) -> TokenStream {
    let vis = &worker.function.vis;
    let name = worker.name();
    let attrs = attributes::of_type(&worker.function.attrs);
    let is_documented = worker
        .function
        .attrs
        .iter()
        .any(|attr| attr.path().is_ident("doc"));
    let paragraph = is_documented.then(|| quote!(#[doc = ""]));
    let doc = format!(
        " `{name}` as the entry point of a process: `{name}::spawn` starts one that runs it, \
         `{name}::run` also waits for its result, `{name}::call` binds it to its arguments."
    );
    quote! {
        #attrs
        #paragraph
        #[doc = #doc]
        #vis struct #name {}
    }
}

/// `spawn` and `run`.
fn start(worker: &Checked<'_>) -> TokenStream {
    let vis = &worker.function.vis;
    let runtime = worker.runtime;
    let name = worker.name();
    let names: Vec<_> = worker.parameters.iter().map(|p| &p.name).collect();
    let types: Vec<_> = worker
        .parameters
        .iter()
        .map(|parameter| match parameter.passing {
            Passing::Owned(ty) => quote!(#ty),
            Passing::Borrowed(reference) => {
                let referent = &reference.elem;
                quote!(&#referent)
            }
        })
        .collect();
    let result = result(worker);
    let spawn_doc = format!(" Starts a process that runs `{name}` with these arguments.");
    let run_doc = format!(" Runs `{name}` in a process of its own and waits for its result.");
    quote! {
        #[doc = #spawn_doc]
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = ""]
        #[doc = " No process could be started, or an argument could not be encoded."]
        #vis fn spawn(#(#names: #types),*) -> #runtime::Result<#runtime::Process<#result>> {
            Self::call(#(#names),*).spawn()
        }

        #[doc = #run_doc]
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = ""]
        #[doc = " No process could be started, an argument could not be encoded, or the process"]
        #[doc = " ended without a result: the error says how."]
        #vis fn run(#(#names: #types),*) -> #runtime::Result<#result> {
            Self::call(#(#names),*).run()
        }
    }
}

/// `call`.
fn bind(worker: &Checked<'_>) -> TokenStream {
    let vis = &worker.function.vis;
    let runtime = worker.runtime;
    let private = runtime.private();
    let name = worker.name();
    let parameters =
        worker
            .parameters
            .iter()
            .map(|Parameter { name, passing, .. }| match passing {
                Passing::Owned(ty) => quote!(#name: #ty),
                Passing::Borrowed(reference) => {
                    let referent = &reference.elem;
                    quote!(#name: &'call #referent)
                }
            });
    let (generics, lifetime) = if worker.borrows() {
        (quote!(<'call>), quote!('call))
    } else {
        (quote!(), quote!('static))
    };
    let result = result(worker);
    let codecs = locals("codec", worker);
    let arguments =
        worker
            .parameters
            .iter()
            .zip(&codecs)
            .map(|(Parameter { name, passing, .. }, codec)| match passing {
                Passing::Owned(_) => quote!(#codec.own(#name)),
                Passing::Borrowed(_) => quote!(#codec.lend(#name)),
            });
    let call_doc = format!(" Binds `{name}` to its arguments, and starts nothing yet.");
    let body = quote_spanned! {Span::mixed_site()=>
        let (#(#codecs,)* result,) = Self::__codecs();
        #private::bind(Self::__entry(), ::std::vec![#(#arguments),*], result)
    };
    quote! {
        #[doc = #call_doc]
        #vis fn call #generics (#(#parameters),*) -> #runtime::Call<#lifetime, #result> {
            #body
        }
    }
}

/// The worker's place in the registry.
fn entry(worker: &Checked<'_>) -> TokenStream {
    let private = worker.runtime.private();
    let name = worker.name();
    let text = worker.function.name();
    quote! {
        fn __entry() -> &'static #private::Entry {
            #[#private::linkme::distributed_slice(#private::WORKERS)]
            #[linkme(crate = #private::linkme)]
            static ENTRY: #private::Entry = #private::Entry::new(
                #text,
                ::core::module_path!(),
                ::core::file!(),
                ::core::line!(),
                #name::__dispatch,
            );
            &ENTRY
        }
    }
}

/// The one place that asks whether types can be sent. What it returns stands for the answer, so
/// a type that cannot be sent is one error, at the type.
fn codecs(worker: &Checked<'_>) -> TokenStream {
    let private = worker.runtime.private();
    let (types, values): (Vec<_>, Vec<_>) = worker
        .parameters
        .iter()
        .map(|parameter| match parameter.passing {
            Passing::Owned(ty) => (
                quote!(#private::OwnedCodec<#ty>),
                ask(ty, &quote!(#private::Payload), "owned"),
            ),
            Passing::Borrowed(reference) => {
                let referent = &reference.elem;
                (
                    quote!(#private::BorrowedCodec<#referent>),
                    ask(referent, &quote!(#private::PayloadRef), "borrowed"),
                )
            }
        })
        .unzip();
    let result = result(worker);
    let value = match worker.output {
        Output::Never => quote!(#private::never()),
        Output::Unit => quote!(<() as #private::Payload>::result()),
        Output::Value(ty) => ask(ty, &quote!(#private::Payload), "result"),
    };
    quote! {
        fn __codecs() -> (#(#types,)* #private::ResultCodec<#result>,) {
            (#(#values,)* #value,)
        }
    }
}

/// `<ty as runtime::trait>::method()`. Whatever rustc finds wrong with it, it shows the type.
fn ask(ty: &Type, trait_: &TokenStream, method: &str) -> TokenStream {
    let tokens: Vec<_> = ty.to_token_stream().into_iter().collect();
    let at = |token: Option<&TokenTree>| {
        let call_site = Span::call_site();
        token.map_or(call_site, |token| call_site.located_at(token.span()))
    };
    let (start, end) = (at(tokens.first()), at(tokens.last()));
    let open = quote_spanned!(start=> <);
    let method = Ident::new(method, end);
    let close = quote_spanned!(end=> ());
    quote!(#open #ty as #trait_>::#method #close)
}

/// What the process of the worker runs.
fn dispatch(worker: &Checked<'_>) -> TokenStream {
    let private = worker.runtime.private();
    let name = worker.name();
    let codecs = locals("codec", worker);
    let arguments = locals("argument", worker);
    let passed = worker
        .parameters
        .iter()
        .zip(&arguments)
        .map(|(parameter, argument)| match parameter.passing {
            Passing::Owned(_) => quote!(#argument),
            Passing::Borrowed(_) => quote!(&*#argument),
        });
    let call = quote!(#name(#(#passed),*));
    let (result, finish) = match worker.output {
        Output::Never => (quote!(_), call),
        Output::Unit | Output::Value(_) => (
            quote_spanned!(Span::mixed_site()=> result),
            quote_spanned! {Span::mixed_site()=>
                let value = #call;
                job.reply(&result, &value)
            },
        ),
    };
    quote_spanned! {Span::mixed_site()=>
        fn __dispatch(
            job: &mut #private::Job<'_>,
        ) -> ::core::result::Result<(), #private::Failure> {
            let (#(#codecs,)* #result,) = Self::__codecs();
            #(let #arguments = job.argument(&#codecs)?;)*
            job.begin()?;
            #finish
        }
    }
}

/// The type of the result, as a type that can be named anywhere.
pub(super) fn result(worker: &Worker<'_>) -> TokenStream {
    match worker.output {
        Output::Unit => quote!(()),
        Output::Never => quote!(::core::convert::Infallible),
        Output::Value(ty) => quote!(#ty),
    }
}

fn locals(stem: &str, worker: &Worker<'_>) -> Vec<Ident> {
    (0..worker.parameters.len())
        .map(|index| format_ident!("{stem}{index}", span = Span::mixed_site()))
        .collect()
}
