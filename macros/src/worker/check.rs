//! What a worker cannot be, each refused where it is written.

use std::ops::Deref;

use proc_macro2::TokenStream;
use syn::{Attribute, ExprPath, FnArg, Signature};

use super::args::{Args, Defaults};
use super::model::Worker;
use crate::errors::Errors;
use crate::header;
use crate::place::in_words;
use crate::remote::check::{self as remote, check_generics};
use crate::remote::model::Carried;
use crate::remote::types::SelfType;
use crate::wording::code;

/// A worker without mistakes.
pub(crate) struct Checked<'a> {
    worker: &'a Worker<'a>,
    pub(crate) carried: Carried<'a>,
    /// What runs its future, if it is `async`.
    pub(crate) executor: Option<&'a ExprPath>,
    pub(crate) defaults: &'a Defaults,
}

impl<'a> Deref for Checked<'a> {
    type Target = Worker<'a>;

    fn deref(&self) -> &Worker<'a> {
        self.worker
    }
}

/// Adds the mistakes of the signature to those of the options. If there are none, the worker is
/// as good as expanded.
pub(crate) fn check<'a>(
    worker: &'a Worker<'a>,
    args: &'a Args,
    mut errors: Errors,
) -> Result<Checked<'a>, TokenStream> {
    check_place(worker, &mut errors);
    let executor = if check_test(worker, &mut errors) {
        // What runs the future is to go.
        None
    } else {
        args.executor.check("worker", worker.function, &mut errors)
    };
    header::check(worker.function, &mut errors);
    header::check_lifetimes(worker.function, &mut errors);
    check_generics(&worker.function.sig.generics, &mut errors);
    if let Some(attr) = worker.repetition() {
        errors.refuse(attr, "has the attribute twice", "remove one of the two");
    }
    check_receiver(&worker.function.sig, &mut errors);
    remote::check(
        &worker.remote,
        &worker.function.sig,
        SelfType::Unknown,
        &mut errors,
    );
    match (errors.into_compile_errors(), &args.runtime) {
        (None, Some(runtime)) => Ok(Checked {
            worker,
            carried: Carried {
                remote: &worker.remote,
                runtime,
                subject: format!("worker `{}`", worker.function.name()),
                generics: &worker.function.sig.generics,
            },
            executor,
            defaults: &args.defaults,
        }),
        (errors, _) => Err(errors.unwrap_or_default()),
    }
}

/// Refuses a function for whose type there is no room, if nothing in it is to blame.
fn check_place(worker: &Worker<'_>, errors: &mut Errors) {
    if worker.place.is_associated && !worker.names_self() {
        errors.refuse(
            &worker.function.sig.ident,
            "cannot stand in an `impl` or `trait`: there is no room for the type beside it",
            "move it out, into the module around it, and call it from there",
        );
    }
    let kind = match worker.place.namesake {
        // rustc says so of functions.
        None | Some("fn") => return,
        Some(kind) => in_words(kind),
    };
    errors.refuse(
        &worker.function.sig.ident,
        format_args!(
            "has the name of the {kind} beside it, and so has the type that starts its processes"
        ),
        "rename one of the two",
    );
}

/// Refuses a worker that is a test. Says whether it is one.
fn check_test(worker: &Worker<'_>, errors: &mut Errors) -> bool {
    let what = "cannot be a test, too: the test would run in the process of all tests";
    let help = |path: &str| {
        let replacement = if worker.function.sig.asyncness.is_some() {
            "#[multiproc::test(runtime = block_on)]"
        } else {
            "#[multiproc::test]"
        };
        format!(
            "write `{replacement}` in the place of `#[{path}]` and `#[worker]`: the test then runs in \
             a process of its own"
        )
    };
    let mut attrs = worker.function.attrs.iter();
    if let Some(attr) = attrs.find(|attr| makes_test(attr)) {
        errors.refuse(attr, what, help(&code(attr.path())));
        return true;
    }
    if let Some(path) = &worker.place.test {
        // It is gone. What is left to show is the other.
        errors.refuse_attribute(what, help(path));
        return true;
    }
    false
}

/// `#[test]`, `#[tokio::test]`
fn makes_test(attr: &Attribute) -> bool {
    let last = attr.path().segments.last();
    last.is_some_and(|last| last.ident == "test")
}

/// Refuses what stands among the parameters and is none.
fn check_receiver(sig: &Signature, errors: &mut Errors) {
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        let text = code(receiver);
        errors.refuse(
            receiver,
            format_args!("cannot take `{text}`: it is started by its path, not through a value"),
            "move it out of the `impl`, and make the value an ordinary parameter",
        );
    }
}
