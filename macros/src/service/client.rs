//! The type of the clients: what stands beside the `impl`, whatever its methods are.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics};

use super::model::Service;
use crate::attributes;
use crate::paths::Runtime;
use crate::remote::generics::is_relaxed;

/// The type, with what makes it a handle that can be sent.
pub(super) fn declare(service: &Service<'_>, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let Service {
        block,
        name,
        client,
        vis,
        ..
    } = service;
    let attrs = attributes::of_impl(&block.attrs);
    let generics = declared(&service.generics);
    let (parameters, arguments, clause) = generics.split_for_impl();
    let declared = &generics.params;
    let declaration = (!declared.is_empty()).then(|| quote!(<#declared>));
    let types: Vec<_> = generics.params.iter().filter_map(marked).collect();
    let marked = match &*types {
        [] => None,
        [ty] => Some(quote!(#ty)),
        types => Some(quote!((#(#types),*))),
    };
    let field = marked
        .as_ref()
        .map(|ty| quote!(marker: ::core::marker::PhantomData<fn() -> #ty>,));
    let marker = marked.map(|_| quote!(marker: ::core::marker::PhantomData,));
    let with_de = with_lifetime(&generics);
    let (de_parameters, _, _) = with_de.split_for_impl();
    let doc = format!(
        " A client of a service that is made of `{name}`, in a process of its own: the constructors of \
         `{name}` start one, and its methods are requests to it. Clones ask the same service, also from \
         other processes."
    );
    quote! {
        #attrs
        #[doc = #doc]
        #vis struct #client #declaration {
            client: #private::Client<Self>,
            #field
        }

        #attrs
        #[automatically_derived]
        impl #parameters ::core::clone::Clone for #client #arguments #clause {
            fn clone(&self) -> Self {
                #private::ServiceClient::from_client(::core::clone::Clone::clone(&self.client))
            }
        }

        #attrs
        #[automatically_derived]
        impl #parameters ::core::fmt::Debug for #client #arguments #clause {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.client, formatter)
            }
        }

        #attrs
        #[automatically_derived]
        impl #parameters #private::serde::Serialize for #client #arguments #clause {
            fn serialize<__S: #private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                #private::serde::Serialize::serialize(&self.client, serializer)
            }
        }

        #attrs
        #[automatically_derived]
        impl #de_parameters #private::serde::Deserialize<'de> for #client #arguments #clause {
            fn deserialize<__D: #private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                let client = #private::serde::Deserialize::deserialize(deserializer)?;
                ::core::result::Result::Ok(#private::ServiceClient::from_client(client))
            }
        }

        #attrs
        impl #parameters #private::ServiceClient for #client #arguments #clause {
            fn from_client(client: #private::Client<Self>) -> Self {
                #client { client, #marker }
            }

            fn as_client(&self) -> &#private::Client<Self> {
                &self.client
            }
        }
    }
}

/// The parameters without what the `impl` asks of them, but that they last: more is asked where
/// something is made of them.
fn declared(generics: &Generics) -> Generics {
    let mut declared = Generics::default();
    for parameter in &generics.params {
        let mut parameter = parameter.clone();
        match &mut parameter {
            GenericParam::Type(parameter) => {
                parameter.attrs.clear();
                let bounds = std::mem::take(&mut parameter.bounds);
                parameter.bounds = bounds.into_iter().filter(is_relaxed).collect();
                let ident = &parameter.ident;
                let clause = declared.make_where_clause();
                clause.predicates.push(syn::parse_quote!(#ident: 'static));
            }
            GenericParam::Const(parameter) => parameter.attrs.clear(),
            GenericParam::Lifetime(_) => {}
        }
        declared.params.push(parameter);
    }
    declared
}

/// The same with a lifetime `'de`, that of what is read.
fn with_lifetime(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    generics.params.insert(0, syn::parse_quote!('de));
    generics
}

/// A type that names the parameter, unless it is one that need not be named.
fn marked(parameter: &GenericParam) -> Option<TokenStream> {
    match parameter {
        GenericParam::Type(parameter) => Some(parameter.ident.to_token_stream()),
        GenericParam::Lifetime(_) | GenericParam::Const(_) => None,
    }
}
