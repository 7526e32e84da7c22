//! The options in `#[worker(..)]`.

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::options::{CRATE, Options};
use crate::paths::Runtime;

/// What the options say. An option that was refused is `None`.
pub(crate) struct Args {
    pub(crate) runtime: Option<Runtime>,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let options = Options::parse(tokens, &[CRATE], errors);
        Args {
            runtime: Runtime::from_options(&options, errors),
        }
    }
}
