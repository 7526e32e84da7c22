//! A checked worker becomes code. Nothing can go wrong any more.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use super::args::{Defaults, Hook};
use super::check::Checked;
use super::model::Worker;
use crate::attributes;
use crate::remote::codecs::{self, Sending};
use crate::remote::entry;
use crate::remote::generics::Generics;
use crate::remote::model::Passing;
use crate::wording::ends;

/// The function as it was, and beside it the type of the same name that starts processes.
pub(super) fn expand(worker: &Checked<'_>) -> TokenStream {
    let function = worker.function;
    let name = worker.name();
    let handle = handle(worker);
    let attrs = attributes::of_impl(&function.attrs);
    // clippy says so of the function.
    let many =
        (worker.remote.parameters.len() > 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let generics = Generics::of(&function.sig.generics, [&worker.carried]);
    let start = start(worker, &generics);
    let bind = bind(worker, &generics);
    let entry = entry(worker, &generics);
    let codecs = codecs::declare(
        &worker.carried,
        &format_ident!("__codecs"),
        &generics.parameters(),
        &generics.where_clause(),
    );
    let dispatch = dispatch(worker, &generics);
    quote! {
        #function

        #handle

        #attrs
        #many
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

/// `spawn` and `run`. Like `call`, they are as visible as the type: code that cannot see it is told so once.
fn start(worker: &Checked<'_>, generics: &Generics) -> TokenStream {
    let private = worker.carried.runtime.private();
    let name = worker.name();
    let names: Vec<_> = worker.remote.parameters.iter().map(|p| &p.name).collect();
    let types: Vec<_> = worker
        .remote
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
    let result = worker.remote.result();
    let parameters = generics.parameters();
    let arguments = generics.arguments();
    let where_clause = generics.where_clause();
    let spawn_doc = format!(" Starts a process that runs `{name}` with these arguments.");
    let run_doc = format!(" Runs `{name}` in a process of its own and waits for its result.");
    quote! {
        #[doc = #spawn_doc]
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = ""]
        #[doc = " No process could be started, or an argument could not be encoded."]
        pub fn spawn #parameters (
            #(#names: #types),*
        ) -> #private::Result<#private::Process<#result>>
        #where_clause
        {
            Self::call #arguments (#(#names),*).spawn()
        }

        #[doc = #run_doc]
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = ""]
        #[doc = " No process could be started, an argument could not be encoded, or the process"]
        #[doc = " ended without a result: the error says how."]
        pub fn run #parameters (#(#names: #types),*) -> #private::Result<#result>
        #where_clause
        {
            Self::call #arguments (#(#names),*).run()
        }
    }
}

/// `call`.
fn bind(worker: &Checked<'_>, generics: &Generics) -> TokenStream {
    let private = worker.carried.runtime.private();
    let name = worker.name();
    let lent = generics.free_lifetime();
    let parameters = worker.remote.declared(&lent);
    let (declared, lifetime) = if worker.remote.borrows() {
        (generics.parameters_after(Some(&lent)), quote!(#lent))
    } else {
        (generics.parameters(), quote!('static))
    };
    let instance = generics.arguments();
    let where_clause = generics.where_clause();
    let result = worker.remote.result();
    let Sending {
        checks,
        codecs,
        arguments,
        result: codec,
    } = codecs::send(&worker.carried, &quote!(Self::__codecs #instance));
    let call_doc = format!(" Binds `{name}` to its arguments, and starts nothing yet.");
    quote! {
        #[doc = #call_doc]
        pub fn call #declared (#(#parameters),*) -> #private::Call<#lifetime, #result>
        #where_clause
        {
            #checks
            #codecs
            #private::bind(Self::__entry #instance (), #arguments, #codec)
        }
    }
}

/// The worker's place in the registry.
fn entry(worker: &Checked<'_>, generics: &Generics) -> TokenStream {
    let name = if worker.is_generic() {
        quote!(Self)
    } else {
        worker.name().into_token_stream()
    };
    let arguments = generics.arguments();
    entry::declare(
        worker.carried.runtime,
        &worker.function.name(),
        &quote!(#name::__dispatch #arguments),
        &defaults(worker.defaults),
        generics,
        &generics.parameters(),
    )
}

/// What the options say, in calls on the entry.
pub(crate) fn defaults(defaults: &Defaults) -> TokenStream {
    let Defaults {
        timeout,
        memory,
        stack,
        nice,
        before_worker,
    } = defaults;
    let number = |number: &u64| Literal::u64_unsuffixed(*number);
    let timeout = timeout.as_ref().map(number);
    let timeout = timeout.map(|ms| quote!(.timeout(::core::time::Duration::from_millis(#ms))));
    let memory = memory.as_ref().map(number);
    let memory = memory.map(|bytes| quote!(.memory(#bytes)));
    let stack = stack.as_ref().map(number);
    let stack = stack.map(|bytes| quote!(.stack(#bytes)));
    let nice = nice.map(Literal::i32_unsuffixed);
    let nice = nice.map(|nice| quote!(.nice(#nice)));
    let before_worker = before_worker.as_ref().map(|Hook { key, path }| {
        // What is no such function is shown here, and not where the runtime takes it.
        let (key, _) = ends(key);
        let ty = quote_spanned!(key=> fn());
        let hook = quote_spanned!(Span::mixed_site()=> hook);
        quote!(.before_worker({ let #hook: #ty = #path; #hook }))
    });
    quote!(#timeout #memory #stack #nice #before_worker)
}

/// What the process of the worker runs.
fn dispatch(worker: &Checked<'_>, generics: &Generics) -> TokenStream {
    let private = worker.carried.runtime.private();
    let name = worker.name();
    let parameters = generics.parameters();
    let instance = generics.arguments();
    let where_clause = generics.where_clause();
    let body = codecs::answer(
        &worker.carried,
        &quote!(Self::__codecs #instance),
        worker.executor,
        |arguments| quote!(#name #instance (#(#arguments),*)),
    );
    quote_spanned! {Span::mixed_site()=>
        fn __dispatch #parameters (
            job: &mut #private::Job<'_>,
        ) -> ::core::result::Result<(), #private::Failure>
        #where_clause
        {
            #body
        }
    }
}
