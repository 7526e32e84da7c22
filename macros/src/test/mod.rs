//! `#[test]`: a test that runs in a process of its own.
//!
//! The function moves into a test of the same name that the harness knows: a `#[test]` which starts a
//! process, as a worker's `run` does, and fails if that ends in another way than it should. What runs
//! there is an entry in the registry like that of a worker without parameters; it calls the function
//! and says whether its result is a success.

mod args;
mod check;
mod expand;

use proc_macro2::TokenStream;

use self::args::Args;
use crate::errors::Errors;
use crate::function::Function;

/// Parse, check, expand.
pub(crate) fn test(options: TokenStream, item: &TokenStream) -> TokenStream {
    let function = match Function::parse("multiproc::test", item) {
        Ok(function) => function,
        Err(refused) => return refused,
    };
    let mut errors = Errors::about(format!("test `{}`", function.name()));
    let args = Args::parse(options, &mut errors);
    match check::check(&function, &args, errors) {
        Ok(checked) => expand::expand(&checked),
        Err(refused) => expand::fallback(&function, &refused),
    }
}
