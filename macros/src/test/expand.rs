//! A checked test becomes code.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ReturnType, Type};

use super::args::{End, How};
use super::check::{Checked, Role};
use crate::attributes::{self, Presence};
use crate::function::Function;
use crate::remote::codecs::run;
use crate::remote::model::ungrouped;
use crate::wording::ends;
use crate::worker::expand::defaults;

/// The test that the harness knows, with the function inside of it.
pub(super) fn expand(test: &Checked<'_>) -> TokenStream {
    let Function { attrs, vis, .. } = test.function;
    let private = test.runtime.private();
    let name = test.function.ident();
    let path = format!("::{}", test.function.sig.ident);
    let outer = attributes::of_test(attrs);
    let inner = attributes::of_tested(attrs);
    let function = test.function.bare();
    let defaults = defaults(test.defaults);
    let expected = expected(test, &private);
    let call = run(test.executor, quote!(#name()));
    // A panic of the test that the harness sees is told to be here.
    let at = name.span();
    let entry = quote! {
        __register!(
            <#private::Entry>::new(
                #private::name_of_test(::core::concat!(::core::module_path!(), #path)),
                ::core::module_path!(),
                ::core::file!(),
                ::core::line!(),
                __dispatch,
            )
            #defaults
        )
    };
    let run = quote_spanned!(at=> #private::run_test(#entry, #expected));
    let finish = match &test.function.sig.output {
        ReturnType::Type(_, ty) if matches!(ungrouped(ty), Type::Never(_)) => call,
        output => {
            let result = match output {
                ReturnType::Default => quote!(()),
                ReturnType::Type(_, ty) if !can_be_named(test, ty) => quote!(_),
                ReturnType::Type(_, ty) => quote!(#ty),
            };
            // What no test can return is shown, and not what is done with it.
            let (start, _) = ends(&result);
            let open = quote_spanned!(start=> <);
            quote_spanned! {Span::mixed_site()=>
                let success = #open #result as #private::Tested>::succeeds(#call);
                job.reply(&<bool as #private::Payload>::result(), &success)
            }
        }
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
        #outer
        #vis fn #name() {
            #inner
            #function

            #dispatch

            use #private::macros::register as __register;
            #run
        }
    }
}

/// The function without its place among the tests, and the errors.
pub(super) fn fallback(function: &Function, errors: &TokenStream) -> TokenStream {
    let Function { attrs, vis, .. } = function;
    if attrs.iter().any(|attr| Role::of(attr) == Role::Cases) {
        // Their attributes on parameters mean nothing without them.
        return errors.clone();
    }
    let own = attrs.iter().filter(|attr| Role::of(attr) == Role::None);
    let attrs = attributes::of_tested(&own.cloned().collect::<Vec<_>>());
    let bare = function.bare();
    quote!(#attrs #vis #bare #errors)
}

/// Whether the type of the result means the same outside of the function.
fn can_be_named(test: &Checked<'_>, ty: &Type) -> bool {
    let generics = &test.function.sig.generics;
    generics.params.is_empty() && !matches!(ungrouped(ty), Type::ImplTrait(_))
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
        None => match &test.should_panic {
            Presence::Absent => quote!(#private::Expected::Returns),
            Presence::Present => quote!(#private::Expected::Panics),
            Presence::If(condition) => quote! {
                if ::core::cfg!(#condition) {
                    #private::Expected::Panics
                } else {
                    #private::Expected::Returns
                }
            },
        },
    }
}
