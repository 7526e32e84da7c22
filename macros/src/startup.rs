//! `#[startup]`: a function that every child process runs before its worker.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, ReturnType, Type};

use crate::attributes;
use crate::errors::Errors;
use crate::function::Function;
use crate::header;
use crate::options::{CRATE, Options};
use crate::paths::Runtime;
use crate::place;
use crate::wording::code;

pub(crate) fn startup(options: TokenStream, item: &TokenStream) -> TokenStream {
    let function = match Function::parse("startup", item) {
        Ok(function) => function,
        Err(refused) => return refused,
    };
    let mut errors = Errors::about(format!("startup function `{}`", function.name()));
    let options = Options::parse(options, &[CRATE], &mut errors);
    let runtime = Runtime::from_options("startup", &options, &mut errors);
    check(&function, &mut errors);
    match (errors.into_compile_errors(), runtime) {
        (None, Some(runtime)) => expand(&function, &runtime),
        (errors, _) => quote!(#function #errors),
    }
}

fn check(function: &Function, errors: &mut Errors) {
    let takes_self = matches!(function.sig.inputs.first(), Some(FnArg::Receiver(_)));
    if !takes_self && place::of(function).is_associated {
        errors.refuse(
            &function.sig.ident,
            "cannot stand in an `impl` or `trait`: there is no room beside it to register it",
            "move it out, into the module around it, and call the associated function from there",
        );
    }
    if let Some(asyncness) = &function.sig.asyncness {
        errors.refuse(
            asyncness,
            "cannot be `async`: there is no executor in its process yet",
            "remove `async`, and block on the future inside the function",
        );
    }
    header::check(function, errors);
    header::check_lifetimes(function, errors);
    header::check_not_generic(
        function,
        errors,
        "there is nobody to choose one",
        "remove the parameter, and call the generic function from inside",
    );
    for parameter in &function.sig.inputs {
        errors.refuse(
            parameter,
            format_args!(
                "cannot take `{}`: there is nobody to pass an argument",
                code(parameter)
            ),
            "remove the parameter, and read what it needs from the environment",
        );
    }
    match &function.sig.output {
        ReturnType::Type(_, ty) if !is_unit(ty) => errors.refuse(
            ty,
            format_args!(
                "cannot return `{}`: there is nobody to look at it",
                code(ty)
            ),
            "return nothing, and panic if the worker must not run: its error then tells why",
        ),
        _ => {}
    }
}

fn expand(function: &Function, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let attrs = attributes::of_impl(&function.attrs);
    let name = function.ident();
    let text = function.name();
    quote! {
        #function

        #attrs
        const _: () = {
            use #private::macros::register_startup as __register;
            __register!(<#private::Startup>::new(#text, ::core::module_path!(), #name))
        };
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}
