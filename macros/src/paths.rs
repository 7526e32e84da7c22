//! Where generated code finds the runtime.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;
use syn::parse::{Parse, ParseStream};

use crate::errors::Errors;
use crate::options::{CRATE, Malformed, Options};

/// The `multiproc` crate as the item sees it: `::multiproc`, or what the option `crate = ..` says.
pub(crate) struct Runtime(TokenStream);

impl Runtime {
    /// What the options say, or `None` if that was refused.
    pub(crate) fn from_options(options: &Options, errors: &mut Errors) -> Option<Self> {
        match options.value(&CRATE, errors) {
            Ok(runtime) => Some(runtime.unwrap_or_default()),
            Err(Malformed) => None,
        }
    }

    /// The module for generated code, which no other code may name.
    pub(crate) fn private(&self) -> TokenStream {
        quote!(#self::__private)
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Runtime(quote!(::multiproc))
    }
}

impl Parse for Runtime {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let path = Path::parse_mod_style(input)?;
        Ok(Runtime(path.into_token_stream()))
    }
}

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}
