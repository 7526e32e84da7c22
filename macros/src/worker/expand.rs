//! A checked worker becomes code. Nothing can go wrong any more.
//!
//! Local variables of generated functions have mixed-site hygiene, so that neither a parameter
//! nor the function itself can be mistaken for one, whatever the user calls it.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ExprPath;

use super::args::{Defaults, Hook};
use super::check::Checked;
use super::generics::Generics;
use super::hints;
use super::model::{Output, Parameter, Passing, Worker};
use super::verdicts::{self, Asked, Sent};
use crate::attributes;
use crate::wording::ends;

/// The function as it was, and beside it the type of the same name that starts processes.
pub(super) fn expand(worker: &Checked<'_>) -> TokenStream {
    let function = worker.function;
    let name = worker.name();
    let handle = handle(worker);
    let attrs = attributes::of_impl(&function.attrs);
    // clippy says so of the function.
    let many = (worker.parameters.len() > 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let generics = Generics::of(worker);
    let start = start(worker, &generics);
    let bind = bind(worker, &generics);
    let entry = entry(worker, &generics);
    let codecs = codecs(worker, &generics);
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
    let private = worker.runtime.private();
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
    let private = worker.runtime.private();
    let name = worker.name();
    let lent = generics.free_lifetime();
    let parameters =
        worker
            .parameters
            .iter()
            .map(|Parameter { name, passing, .. }| match passing {
                Passing::Owned(ty) => quote!(#name: #ty),
                Passing::Borrowed(reference) => {
                    let referent = &reference.elem;
                    quote!(#name: &#lent #referent)
                }
            });
    let (declared, lifetime) = if worker.borrows() {
        (generics.parameters_after(Some(&lent)), quote!(#lent))
    } else {
        (generics.parameters(), quote!('static))
    };
    let instance = generics.arguments();
    let where_clause = generics.where_clause();
    let result = result(worker);
    let codecs = locals("codec", worker);
    let is_asked =
        |parameter: &Parameter<'_>| !Asked::of(worker, Sent::parameter(parameter)).is_empty();
    let arguments = worker
        .parameters
        .iter()
        .zip(&codecs)
        .map(|(parameter, codec)| {
            let Parameter { name, passing, .. } = parameter;
            match passing {
                Passing::Borrowed(_) => quote!(#codec.lend(#name)),
                Passing::Owned(ty) if is_asked(parameter) => {
                    verdicts::own(&private, ty, codec, name)
                }
                Passing::Owned(_) => quote!(#codec.own(#name)),
            }
        });
    let checks = verdicts::checks(worker);
    let import = worker
        .parameters
        .iter()
        .any(|parameter| matches!(parameter.passing, Passing::Owned(_)) && is_asked(parameter))
        .then(|| quote!(use #private::verdicts::Elided as _;));
    let elided = elided_argument(worker);
    let call_doc = format!(" Binds `{name}` to its arguments, and starts nothing yet.");
    let body = quote_spanned! {Span::mixed_site()=>
        let (#(#codecs,)* result,) = Self::__codecs #instance (#elided);
        #private::bind(Self::__entry #instance (), ::std::vec![#(#arguments),*], result)
    };
    quote! {
        #[doc = #call_doc]
        pub fn call #declared (#(#parameters),*) -> #private::Call<#lifetime, #result>
        #where_clause
        {
            #checks
            #import
            #body
        }
    }
}

/// The worker's place in the registry. Only one that is not generic can stand there; the others
/// are constants, found by where the image has them.
fn entry(worker: &Checked<'_>, generics: &Generics) -> TokenStream {
    let private = worker.runtime.private();
    let text = worker.function.name();
    let defaults = defaults(worker.defaults);
    let parameters = generics.parameters();
    let arguments = generics.arguments();
    let where_clause = generics.where_clause();
    let name = if worker.is_generic() {
        quote!(Self)
    } else {
        worker.name().into_token_stream()
    };
    let entry = quote! {
        <#private::Entry>::new(
            #text,
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            #name::__dispatch #arguments,
        )
        #defaults
    };
    let body = if worker.is_generic() {
        quote!(const { &#entry })
    } else {
        quote! {
            use #private::macros::register as __register;
            __register!(#entry)
        }
    };
    quote! {
        fn __entry #parameters () -> &'static #private::Entry
        #where_clause
        {
            #body
        }
    }
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

/// The one place that asks whether types can be sent. What it returns stands for the answer, so
/// a type that cannot be sent is one error, at the type.
fn codecs(worker: &Checked<'_>, generics: &Generics) -> TokenStream {
    let private = worker.runtime.private();
    let (types, values): (Vec<_>, Vec<_>) = worker
        .parameters
        .iter()
        .map(|parameter| match parameter.passing {
            Passing::Owned(ty) => (
                quote!(#private::OwnedCodec<#ty>),
                ask(worker, Sent::Owned(ty), &hints::payload(ty, false), "owned"),
            ),
            Passing::Borrowed(reference) => {
                let referent = &reference.elem;
                (
                    quote!(#private::BorrowedCodec<#referent>),
                    ask(
                        worker,
                        Sent::Borrowed(referent),
                        &hints::payload_ref(referent),
                        "borrowed",
                    ),
                )
            }
        })
        .unzip();
    let result = result(worker);
    let value = match worker.output {
        Output::Never => quote!(#private::never()),
        Output::Unit => quote!(<() as #private::Payload>::result()),
        Output::Value(ty) => ask(
            worker,
            Sent::Result(ty),
            &hints::payload(ty, true),
            "result",
        ),
    };
    let parameters = generics.parameters();
    let where_clause = generics.where_clause();
    let import = verdicts::are_asked(worker).then(|| {
        let import = verdicts::import(&private);
        quote!(#import use #private::verdicts::Inferred as __Inferred;)
    });
    // A lifetime that is left out in a type is that of the parameter: it is refused, and rustc shall not
    // say before that it has to be written.
    let elided = elided_argument(worker).map(|_| quote!(_: &()));
    quote! {
        fn __codecs #parameters (#elided) -> (#(#types,)* #private::ResultCodec<#result>,)
        #where_clause
        {
            #import
            (#(#values,)* #value,)
        }
    }
}

/// `<ty as runtime::trait>::method()`. Whatever rustc finds wrong with it, it shows the type.
///
/// The type is left to be inferred where it may be refused: then the codec is for another.
fn ask(worker: &Checked<'_>, sent: Sent<'_>, trait_: &TokenStream, method: &str) -> TokenStream {
    let private = worker.runtime.private();
    let ty = sent.ty();
    let (start, end) = ends(ty);
    let open = quote_spanned!(start=> <);
    let asked = Asked::of(worker, sent);
    let subject = if asked.is_empty() {
        quote!(#ty)
    } else {
        verdicts::inferred(ty)
    };
    let kind = if method == "borrowed" {
        method
    } else {
        "owned"
    };
    let kind = Ident::new(kind, end);
    let method = Ident::new(method, end);
    let close = quote_spanned!(end=> ());
    let codec = quote!(#open #subject as #private::#trait_>::#method #close);
    if asked.is_empty() {
        return codec;
    }
    let unless_refused = asked.unless_refused(&private, &kind);
    quote!(#unless_refused(#codec))
}

/// What `__codecs` is given where a lifetime may be left out in a type.
fn elided_argument(worker: &Checked<'_>) -> Option<TokenStream> {
    verdicts::are_asked(worker).then(|| quote!(&()))
}

/// What the process of the worker runs.
fn dispatch(worker: &Checked<'_>, generics: &Generics) -> TokenStream {
    let private = worker.runtime.private();
    let name = worker.name();
    let elided = elided_argument(worker);
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
    let parameters = generics.parameters();
    let instance = generics.arguments();
    let where_clause = generics.where_clause();
    let call = run(worker.executor, quote!(#name #instance (#(#passed),*)));
    // A runtime that gives something else is shown, and not what is done with the value.
    let ascription = worker.executor.map(|_| {
        let result = result(worker);
        quote!(: #result)
    });
    let (result, finish) = match worker.output {
        Output::Never => (quote!(_), call),
        Output::Unit | Output::Value(_) => (
            quote_spanned!(Span::mixed_site()=> result),
            quote_spanned! {Span::mixed_site()=>
                let value #ascription = #call;
                job.reply(&result, &value)
            },
        ),
    };
    quote_spanned! {Span::mixed_site()=>
        fn __dispatch #parameters (
            job: &mut #private::Job<'_>,
        ) -> ::core::result::Result<(), #private::Failure>
        #where_clause
        {
            let (#(#codecs,)* #result,) = Self::__codecs #instance (#elided);
            #(let #arguments = job.argument(&#codecs)?;)*
            job.begin()?;
            #finish
        }
    }
}

/// The call inside what runs its future, if it is `async`.
pub(crate) fn run(executor: Option<&ExprPath>, call: TokenStream) -> TokenStream {
    let Some(path) = executor else {
        return call;
    };
    let (_, end) = ends(path);
    let argument = quote_spanned!(end=> (#call));
    quote!(#path #argument)
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
