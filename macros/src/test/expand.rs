//! A checked test becomes code.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, ReturnType, Type};

use super::args::{End, How};
use super::check::{Checked, Role, is};
use crate::attributes;
use crate::function::Function;
use crate::worker::expand::{defaults, run};
use crate::worker::model::ungrouped;

/// The test that the harness knows, with the function inside of it.
pub(super) fn expand(test: &Checked<'_>) -> TokenStream {
    let Function { attrs, vis, .. } = test.function;
    let private = test.runtime.private();
    let name = test.function.ident();
    let path = format!("::{}", test.function.sig.ident);
    let (outer, inner): (Vec<_>, Vec<_>) = attrs.iter().partition(|attr| is_for_harness(attr));
    let lints = attributes::of_impl(attrs);
    let function = test.function.inner(&inner);
    let defaults = defaults(test.defaults);
    let expected = expected(test, &private);
    let call = run(test.executor, quote!(#name()));
    // A panic of the test that the harness sees is told to be here.
    let at = name.span();
    let run = quote_spanned!(at=> #private::run_test(&__ENTRY, #expected));
    let finish = match &test.function.sig.output {
        ReturnType::Type(_, ty) if matches!(ungrouped(ty), Type::Never(_)) => call,
        _ => quote_spanned! {Span::mixed_site()=>
            let success = #private::Tested::succeeds(#call);
            job.reply(&<bool as #private::Payload>::result(), &success)
        },
    };
    let dispatch = quote_spanned! {Span::mixed_site()=>
        fn __dispatch(
            job: &mut #private::Job<'_>,
        ) -> ::core::result::Result<(), #private::Failure> {
            job.begin()?;
            #finish
        }
    };
    quote! {
        #[::core::prelude::v1::test]
        #(#outer)*
        #lints
        #vis fn #name() {
            #function

            #dispatch

            #[#private::linkme::distributed_slice(#private::WORKERS)]
            #[linkme(crate = #private::linkme)]
            static __ENTRY: #private::Entry = #private::Entry::new(
                #private::name_of_test(::core::concat!(::core::module_path!(), #path)),
                ::core::module_path!(),
                ::core::file!(),
                ::core::line!(),
                __dispatch,
            )
            #defaults;

            #run
        }
    }
}

/// The function without its place among the tests, and the errors.
pub(super) fn fallback(function: &Function, errors: &TokenStream) -> TokenStream {
    let attrs: Vec<_> = function.attrs.iter().collect();
    if attrs.iter().any(|attr| Role::of(attr) == Role::Cases) {
        // Their attributes on parameters mean nothing without them.
        return errors.clone();
    }
    let is_own = |attr: &&Attribute| !is_for_harness(attr) && Role::of(attr) == Role::None;
    let attrs: Vec<_> = attrs.into_iter().filter(is_own).collect();
    let function = function.inner(&attrs);
    quote!(#function #errors)
}

fn expected(test: &Checked<'_>, private: &TokenStream) -> TokenStream {
    match test.end {
        Some(End {
            how: How::Dies(signal),
            ..
        }) => quote!(#private::Expected::Dies(#signal)),
        Some(End {
            how: How::Exits(code),
            ..
        }) => {
            let code = Literal::u8_unsuffixed(*code);
            quote!(#private::Expected::Exits(#code))
        }
        None if test.should_panic => quote!(#private::Expected::Panics),
        None => quote!(#private::Expected::Returns),
    }
}

/// Whether an attribute is for the function that the test harness knows.
fn is_for_harness(attr: &Attribute) -> bool {
    ["doc", "ignore", "should_panic"]
        .iter()
        .any(|name| is(attr, name))
}
