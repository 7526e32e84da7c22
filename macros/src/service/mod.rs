//! `#[service]`: the type of an `impl` becomes an object in a process of its own.

mod args;
mod block;
mod check;
mod client;
mod expand;
mod fallback;
mod model;

use proc_macro2::TokenStream;
use quote::quote;

use self::args::Args;
use self::block::Block;
use self::model::Service;
use crate::errors::Errors;

/// Parse, model, check, expand.
pub(crate) fn service(options: TokenStream, item: &TokenStream) -> TokenStream {
    let block = match Block::parse(item) {
        Ok(block) => block,
        Err(refused) => return refused,
    };
    let Some(name) = block.name() else {
        let mut errors = Errors::about("`#[service]`".to_owned());
        errors.refuse(
            &block.self_ty,
            "needs a type that has a name",
            "write a `struct` or an `enum` around it, and the `impl` for that",
        );
        let errors = errors.into_compile_errors();
        return quote!(#block #errors);
    };
    let mut errors = Errors::about(format!("service `{name}`"));
    let args = Args::parse(options, &mut errors);
    let service = Service::new(&block, name, &args);
    match check::check(&service, &args, errors) {
        Ok(checked) => expand::expand(&checked),
        Err(refused) => fallback::expand(&service, &args, &refused),
    }
}
