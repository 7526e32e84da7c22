//! The code that carries values: asks whether they can be sent, sends them, and receives them.
//!
//! Local variables have mixed-site hygiene, so that neither a parameter nor the function itself can be
//! mistaken for one, whatever the user calls it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ExprPath;

use super::hints;
use super::model::{Carried, Output, Parameter, Passing};
use super::verdicts::{self, Asked, Sent};
use crate::wording::ends;

/// A function that gives the codecs of all values. It is the one place that asks whether types can be
/// sent. What it returns stands for the answer, so a type that cannot be sent is one error, at the type.
///
/// `parameters` and `where_clause` are those of generics.
pub(crate) fn declare(
    function: &Carried<'_>,
    name: &Ident,
    parameters: &TokenStream,
    where_clause: &TokenStream,
) -> TokenStream {
    let private = function.runtime.private();
    let (types, values): (Vec<_>, Vec<_>) = function
        .remote
        .parameters
        .iter()
        .map(|parameter| codec(function, parameter))
        .unzip();
    let (result_type, result_value) = match function.remote.output {
        Output::Kept => (None, None),
        _ => {
            let result = function.remote.result();
            let codec = result_codec(function);
            (
                Some(quote!(#private::ResultCodec<#result>,)),
                Some(quote!(#codec,)),
            )
        }
    };
    let import = verdicts::are_asked(function).then(|| {
        let import = verdicts::import(&private);
        quote!(#import use #private::verdicts::Inferred as __Inferred;)
    });
    // A lifetime that is left out in a type is that of the parameter: it is refused, and rustc shall not
    // say before that it has to be written.
    let elided = elided_argument(function).map(|_| quote!(_: &()));
    quote! {
        fn #name #parameters (#elided) -> (#(#types,)* #result_type)
        #where_clause
        {
            #import
            (#(#values,)* #result_value)
        }
    }
}

/// What sends the arguments of a function.
pub(crate) struct Sending {
    /// Statements that report what is refused.
    pub(crate) checks: TokenStream,
    /// A statement that binds the codecs.
    pub(crate) codecs: TokenStream,
    /// The arguments, each with its codec: an array.
    pub(crate) arguments: TokenStream,
    /// The codec of the result.
    pub(crate) result: TokenStream,
}

/// `codecs` is a path to the function that [`declare`] makes.
pub(crate) fn send(function: &Carried<'_>, codecs: &TokenStream) -> Sending {
    let private = function.runtime.private();
    let parameters = &function.remote.parameters;
    let names = locals("codec", function);
    let is_asked =
        |parameter: &Parameter<'_>| !Asked::of(function, Sent::parameter(parameter)).is_empty();
    let arguments = parameters.iter().zip(&names).map(|(parameter, codec)| {
        let Parameter { name, passing, .. } = parameter;
        match passing {
            Passing::Borrowed(_) => quote!(#codec.lend(#name)),
            Passing::Owned(ty) if is_asked(parameter) => verdicts::own(&private, ty, codec, name),
            Passing::Owned(_) => quote!(#codec.own(#name)),
        }
    });
    let arguments = quote!([#(#arguments),*]);
    let checks = verdicts::checks(function);
    let import = parameters
        .iter()
        .any(|parameter| matches!(parameter.passing, Passing::Owned(_)) && is_asked(parameter))
        .then(|| quote!(use #private::verdicts::Elided as _;));
    let elided = elided_argument(function);
    let result = quote_spanned!(Span::mixed_site()=> result);
    let bound = match function.remote.output {
        Output::Kept => None,
        _ => Some(quote!(#result,)),
    };
    let codecs = if are_needless(function) {
        TokenStream::new()
    } else {
        quote!(let (#(#names,)* #bound) = #codecs(#elided);)
    };
    Sending {
        checks: quote!(#checks #import),
        codecs,
        arguments,
        result,
    }
}

/// Statements that receive the arguments and begin the `job`, and then do what `finish` makes of the
/// arguments.
pub(crate) fn receive(
    function: &Carried<'_>,
    codecs: &TokenStream,
    finish: impl FnOnce(&[TokenStream]) -> TokenStream,
) -> TokenStream {
    let names = locals("codec", function);
    let arguments = locals("argument", function);
    let parameters = function.remote.parameters.iter();
    let passed: Vec<_> = parameters
        .zip(&arguments)
        .map(|(parameter, argument)| match parameter.passing {
            Passing::Owned(_) => quote!(#argument),
            Passing::Borrowed(_) => quote!(&*#argument),
        })
        .collect();
    let finish = finish(&passed);
    let result = match function.remote.output {
        Output::Kept => None,
        Output::Never => Some(quote!(_,)),
        Output::Unit | Output::Value(_) => Some(quote_spanned!(Span::mixed_site()=> result,)),
    };
    let elided = elided_argument(function);
    let bind =
        (!are_needless(function)).then(|| quote!(let (#(#names,)* #result) = #codecs(#elided);));
    quote_spanned! {Span::mixed_site()=>
        #bind
        #(let #arguments = job.argument(&#names)?;)*
        job.begin()?;
        #finish
    }
}

/// The same, and a reply with the result of what `call` makes of the arguments.
pub(crate) fn answer(
    function: &Carried<'_>,
    codecs: &TokenStream,
    executor: Option<&ExprPath>,
    call: impl FnOnce(&[TokenStream]) -> TokenStream,
) -> TokenStream {
    receive(function, codecs, |arguments| {
        let call = run(executor, call(arguments));
        if matches!(function.remote.output, Output::Never) {
            return call;
        }
        // A runtime that gives something else is shown, and not what is done with the value.
        let ascription = executor.map(|_| {
            let result = function.remote.result();
            quote!(: #result)
        });
        quote_spanned! {Span::mixed_site()=>
            let value #ascription = #call;
            job.reply(&result, &value)
        }
    })
}

/// Whether nothing is carried, not even that a function has returned.
pub(crate) fn are_needless(function: &Carried<'_>) -> bool {
    function.remote.parameters.is_empty() && matches!(function.remote.output, Output::Kept)
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

/// The type of a parameter's codec, and the codec.
fn codec(function: &Carried<'_>, parameter: &Parameter<'_>) -> (TokenStream, TokenStream) {
    let private = function.runtime.private();
    match parameter.passing {
        Passing::Owned(ty) => (
            quote!(#private::OwnedCodec<#ty>),
            ask(
                function,
                Sent::Owned(ty),
                &hints::payload(ty, false),
                "owned",
            ),
        ),
        Passing::Borrowed(reference) => {
            let referent = &reference.elem;
            (
                quote!(#private::BorrowedCodec<#referent>),
                ask(
                    function,
                    Sent::Borrowed(referent),
                    &hints::payload_ref(referent),
                    "borrowed",
                ),
            )
        }
    }
}

fn result_codec(function: &Carried<'_>) -> TokenStream {
    let private = function.runtime.private();
    match function.remote.output {
        Output::Never => quote!(#private::never()),
        Output::Unit | Output::Kept => quote!(<() as #private::Payload>::result()),
        Output::Value(ty) => ask(
            function,
            Sent::Result(ty),
            &hints::payload(ty, true),
            "result",
        ),
    }
}

/// `<ty as runtime::trait>::method()`. Whatever rustc finds wrong with it, it shows the type.
///
/// The type is left to be inferred where it may be refused: then the codec is for another.
fn ask(function: &Carried<'_>, sent: Sent<'_>, trait_: &TokenStream, method: &str) -> TokenStream {
    let private = function.runtime.private();
    let ty = sent.ty();
    let (start, end) = ends(ty);
    let open = quote_spanned!(start=> <);
    let asked = Asked::of(function, sent);
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

/// What the codecs are made of where a lifetime may be left out in a type.
fn elided_argument(function: &Carried<'_>) -> Option<TokenStream> {
    verdicts::are_asked(function).then(|| quote!(&()))
}

fn locals(stem: &str, function: &Carried<'_>) -> Vec<Ident> {
    (0..function.remote.parameters.len())
        .map(|index| format_ident!("{stem}{index}", span = Span::mixed_site()))
        .collect()
}
