//! `#[worker]`: a function becomes the entry point of a process.

pub(crate) mod args;
mod check;
pub(crate) mod expand;
mod fallback;
pub(crate) mod model;

use proc_macro2::TokenStream;
use quote::quote;

use self::args::Args;
use self::model::Worker;
use crate::errors::Errors;
use crate::function::Function;

/// Parse, model, check, expand.
pub(crate) fn worker(options: TokenStream, item: &TokenStream) -> TokenStream {
    let function = match Function::parse("worker", item) {
        Ok(function) => function,
        Err(refused) => return refused,
    };
    let mut errors = Errors::about(format!("worker `{}`", function.name()));
    let args = Args::parse(options, &mut errors);
    let worker = Worker::new(&function);
    if worker.place.namesake == Some("fn") {
        // The first of the two has the type, and rustc says what is wrong.
        return quote!(#function);
    }
    match check::check(&worker, &args, errors) {
        Ok(checked) => expand::expand(&checked),
        Err(refused) => fallback::expand(&worker, &args, &refused),
    }
}
