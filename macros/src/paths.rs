//! Where generated code finds the runtime.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;
use syn::parse::{Parse, ParseStream};

use crate::errors::Errors;
use crate::externs::{self, Missing};
use crate::options::{CRATE, Malformed, Options};
use crate::place;
use crate::wording::ends;

/// The `multiproc` crate as the item sees it: `::multiproc`, or what the option `crate = ..` says.
///
/// If there is none, rustc would say so for each path in generated code. It says the same only once, so
/// all of them begin with the same tokens, at the same place.
pub(crate) struct Runtime(TokenStream);

impl Runtime {
    /// What the options say, or `None` if that was refused. `attribute` is the one that has the options.
    pub(crate) fn from_options(
        attribute: &str,
        options: &Options,
        errors: &mut Errors,
    ) -> Option<Self> {
        match options.value(&CRATE, errors) {
            Ok(Some(runtime)) => Some(runtime),
            Ok(None) => match externs::missing() {
                Some(missing) => refuse(attribute, missing, errors),
                None => Some(Runtime::default()),
            },
            Err(Malformed) => None,
        }
    }

    /// The module for generated code, which no other code may name.
    pub(crate) fn private(&self) -> TokenStream {
        let Runtime(path) = self;
        let (_, end) = ends(path);
        let module = quote_spanned!(end=> __private);
        quote!(#path::#module)
    }
}

/// Says where the crate is, or how it comes to be there.
fn refuse(attribute: &str, missing: Missing, errors: &mut Errors) -> Option<Runtime> {
    let macros = match &missing {
        Missing::OnlyMacros(name) => Some(name),
        _ => None,
    };
    let origin = place::origin().filter(|origin| Some(origin) != macros);
    let path = match (origin, missing) {
        (Some(path), _) | (None, Missing::Renamed(path)) => path,
        (None, Missing::OnlyMacros(_)) => {
            errors.refuse_attribute(
                "needs the crate `multiproc`, and `multiproc-macros` is only a part of it",
                "write `cargo add multiproc`, and take the attribute from there",
            );
            return None;
        }
        (None, Missing::Unknown) => {
            errors.refuse_attribute(
                "cannot find the crate `multiproc`",
                format_args!(
                    "write `cargo add multiproc`; if another crate has it, say where, as in \
                     `#[{attribute}(crate = {})]`",
                    CRATE.example
                ),
            );
            return None;
        }
    };
    let attribute = attribute.replace("multiproc", &path);
    errors.refuse_attribute(
        format_args!("cannot find the crate `multiproc`: here it is `{path}`"),
        format_args!("add the option `crate`: `#[{attribute}(crate = {path})]`"),
    );
    syn::parse_str(&path).ok()
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
