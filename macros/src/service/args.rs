//! The options in `#[service(..)]`: those of a worker, and more; and those in `#[request(..)]`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, LitInt, Meta};

use crate::errors::Errors;
use crate::options::{Known, Options};
use crate::quantity::TIME;
use crate::worker::args::{Args as WorkerArgs, KNOWN, TIMEOUT, quantity};

const CLIENT: Known = Known {
    key: "client",
    value: "a name",
    example: "Handle",
};

const QUEUE: Known = Known {
    key: "queue",
    value: "a whole number",
    example: "64",
};

const THREADS: Known = Known {
    key: "threads",
    value: "a whole number",
    example: "4",
};

/// What the options say. An option that was refused is as if it were not there.
pub(super) struct Args {
    /// `timeout` is not among its defaults.
    pub(super) worker: WorkerArgs,
    /// That of each request, in milliseconds.
    pub(super) timeout: Option<u64>,
    pub(super) client: Option<Ident>,
    /// How many requests may wait.
    pub(super) queue: u32,
    /// How many requests may run.
    pub(super) threads: u16,
}

impl Args {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let known: Vec<Known> = KNOWN.into_iter().chain([CLIENT, QUEUE, THREADS]).collect();
        let options = Options::parse(tokens, &known, errors);
        let mut worker = WorkerArgs::from_options("service", &options, errors);
        Args {
            timeout: worker.defaults.timeout.take(),
            worker,
            client: options.value(&CLIENT, errors).ok().flatten(),
            queue: count(&options, &QUEUE, errors).unwrap_or(64),
            threads: count(&options, &THREADS, errors).unwrap_or(1),
        }
    }
}

/// The timeout of one request, in milliseconds, if its attributes say one.
pub(super) fn timeout(attrs: &[Attribute], errors: &mut Errors) -> Option<u64> {
    let mut tokens = TokenStream::new();
    for attr in attrs {
        match &attr.meta {
            Meta::Path(_) => {}
            Meta::List(list) => {
                let options = &list.tokens;
                tokens.extend(quote!(#options,));
            }
            Meta::NameValue(_) => errors.refuse(
                attr,
                "needs its options in parentheses",
                format_args!("write `#[request({} = {})]`", TIMEOUT.key, TIMEOUT.example),
            ),
        }
    }
    let options = Options::parse(tokens, &[TIMEOUT], errors);
    quantity(&options, &TIMEOUT, &TIME, errors)
}

/// A number from one.
fn count<T: TryFrom<u64>>(options: &Options, option: &Known, errors: &mut Errors) -> Option<T> {
    let digits: LitInt = options.value(option, errors).ok()??;
    let number = digits.base10_parse().ok().filter(|number| *number > 0);
    match number.map(T::try_from) {
        Some(Ok(number)) if digits.suffix().is_empty() => Some(number),
        _ => {
            errors.refuse(
                &digits,
                format_args!("cannot have {digits} for its option `{}`", option.key),
                format_args!(
                    "write a number from 1, as in `{} = {}`",
                    option.key, option.example
                ),
            );
            None
        }
    }
}
