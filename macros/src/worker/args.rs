//! The options in `#[worker(..)]`, which other attributes have, too.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, ExprPath, LitInt, LitStr, Token};

use crate::errors::Errors;
use crate::function::Function;
use crate::options::{CRATE, Known, Options};
use crate::paths::Runtime;
use crate::quantity::{SIZE, Scale, TIME};
use crate::wording::code;

const RUNTIME: Known = Known {
    key: "runtime",
    value: "a path",
    example: "block_on",
};

pub(crate) const TIMEOUT: Known = Known {
    key: "timeout",
    value: "a duration",
    example: "\"30s\"",
};

const MEMORY: Known = Known {
    key: "memory",
    value: "a size",
    example: "\"512MiB\"",
};

const STACK: Known = Known {
    key: "stack",
    value: "a size",
    example: "\"64MiB\"",
};

const NICE: Known = Known {
    key: "nice",
    value: "a whole number",
    example: "10",
};

const BEFORE_WORKER: Known = Known {
    key: "before_worker",
    value: "a path",
    example: "lock_down",
};

/// The options that are known.
pub(crate) const KNOWN: [Known; 7] = [CRATE, RUNTIME, TIMEOUT, MEMORY, STACK, NICE, BEFORE_WORKER];

/// What the options say. An option that was refused is `None`.
pub(crate) struct Args {
    pub(crate) runtime: Option<Runtime>,
    pub(crate) executor: Executor,
    pub(crate) defaults: Defaults,
}

/// What runs the futures of the worker.
pub(crate) enum Executor {
    Missing,
    /// The value of this option.
    Given(Ident, ExprPath),
    /// It was refused.
    Refused,
}

/// What calls of the worker start from.
pub(crate) struct Defaults {
    /// In milliseconds.
    pub(crate) timeout: Option<u64>,
    /// In bytes.
    pub(crate) memory: Option<u64>,
    /// In bytes.
    pub(crate) stack: Option<u64>,
    pub(crate) nice: Option<i32>,
    pub(crate) before_worker: Option<Hook>,
}

/// The option `before_worker`.
pub(crate) struct Hook {
    pub(crate) key: Ident,
    pub(crate) path: ExprPath,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        Args::from_options("worker", &Options::parse(tokens, &KNOWN, errors), errors)
    }

    /// `attribute` is how the attribute is written.
    pub(crate) fn from_options(attribute: &str, options: &Options, errors: &mut Errors) -> Self {
        Args {
            runtime: Runtime::from_options(attribute, options, errors),
            executor: Executor::from_options(attribute, options, errors),
            defaults: Defaults {
                timeout: quantity(options, &TIMEOUT, &TIME, errors),
                memory: quantity(options, &MEMORY, &SIZE, errors),
                stack: quantity(options, &STACK, &SIZE, errors),
                nice: niceness(options, errors),
                before_worker: Hook::from_options(options, errors),
            },
        }
    }
}

impl Executor {
    /// Refuses a future without something that runs it, and the other way round. `attribute` is how
    /// the attribute is written.
    pub(crate) fn check(
        &self,
        attribute: &str,
        function: &Function,
        errors: &mut Errors,
    ) -> Option<&ExprPath> {
        match (&function.sig.asyncness, self) {
            (Some(_), Executor::Given(_, path)) => return Some(path),
            (Some(asyncness), Executor::Missing) => match makes_ordinary(&function.attrs) {
                Some(attr) => errors.refuse(
                    attr,
                    format_args!(
                        "is still `async` here: `{}` has yet to make an ordinary function of it",
                        code(attr)
                    ),
                    format_args!("write `{}` above `#[{attribute}]`", code(attr)),
                ),
                None => errors.refuse(
                    asyncness,
                    "cannot be `async` alone: nothing runs its future",
                    block_on(attribute),
                ),
            },
            (None, Executor::Given(key, _)) => errors.refuse(
                key,
                "cannot have the option `runtime`: it is not `async`",
                "write `async fn`, or remove the option",
            ),
            (None, Executor::Missing) | (_, Executor::Refused) => {}
        }
        None
    }

    fn from_options(attribute: &str, options: &Options, errors: &mut Errors) -> Self {
        if let Some(written) = options.written(&RUNTIME)
            && let Some((name, call)) = executor_crate(written)
        {
            errors.refuse(
                written,
                format_args!("needs a function for its option `runtime`, and `{name}` is a crate"),
                call.map_or_else(
                    || block_on(attribute),
                    |call| format!("write `runtime = {call}`"),
                ),
            );
            return Executor::Refused;
        }
        match (options.value(&RUNTIME, errors), options.key(&RUNTIME)) {
            (Ok(Some(path)), Some(key)) => Executor::Given(key.clone(), path),
            (Ok(None), _) if !options.is_misspelt(&RUNTIME) => Executor::Missing,
            _ => Executor::Refused,
        }
    }
}

/// The crate that was named in the place of a function, quoted or not, and the function that it has.
fn executor_crate(written: &TokenStream) -> Option<(&'static str, Option<&'static str>)> {
    const CRATES: [(&str, Option<&str>); 5] = [
        ("tokio", None),
        ("async_std", Some("async_std::task::block_on")),
        ("futures", Some("futures::executor::block_on")),
        ("pollster", Some("pollster::block_on")),
        ("smol", Some("smol::block_on")),
    ];
    let text = written.to_string();
    let name = text.trim_matches('"').replace('-', "_");
    CRATES.into_iter().find(|(known, _)| name == *known)
}

/// What to write where a future needs something that runs it.
fn block_on(attribute: &str) -> String {
    format!(
        "write `#[{attribute}(runtime = block_on)]`, and have a function that does, such as\n\
         \n    \
         fn block_on<F: Future>(future: F) -> F::Output {{\n        \
             tokio::runtime::Runtime::new().unwrap().block_on(future)\n    \
         }}\n"
    )
}

/// An attribute such as `#[tokio::main]`, which runs futures in an ordinary function.
fn makes_ordinary(attrs: &[Attribute]) -> Option<&Attribute> {
    attrs.iter().find(|attr| {
        let mut segments = attr.path().segments.iter().rev();
        segments.next().is_some_and(|last| last.ident == "main") && segments.next().is_some()
    })
}

impl Hook {
    fn from_options(options: &Options, errors: &mut Errors) -> Option<Self> {
        let path = options.value(&BEFORE_WORKER, errors).ok()??;
        let key = options.key(&BEFORE_WORKER)?.clone();
        Some(Hook { key, path })
    }
}

pub(crate) fn quantity(
    options: &Options,
    option: &Known,
    scale: &Scale,
    errors: &mut Errors,
) -> Option<u64> {
    let text: LitStr = options.value(option, errors).ok()??;
    scale.read(option, &text, errors)
}

fn niceness(options: &Options, errors: &mut Errors) -> Option<i32> {
    let Integer { sign, digits } = options.value(&NICE, errors).ok()??;
    let text = format!("{}{}", sign.map_or("", |_| "-"), digits.base10_digits());
    match text.parse() {
        Ok(number @ -20..=19) => Some(number),
        _ => {
            errors.refuse(
                quote!(#sign #digits),
                format_args!("cannot have {text} for its option `{}`", NICE.key),
                "write a number from -20, for the most urgent, to 19",
            );
            None
        }
    }
}

/// `10`, `-5`
struct Integer {
    sign: Option<Token![-]>,
    digits: LitInt,
}

impl Parse for Integer {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let sign = input.parse()?;
        let digits: LitInt = input.parse()?;
        if !digits.suffix().is_empty() {
            return Err(input.error("expected a number without a suffix"));
        }
        Ok(Integer { sign, digits })
    }
}
