//! What a test cannot be, each refused where it is written.

use proc_macro2::TokenStream;
use syn::{Attribute, ExprPath, FnArg, PatType, ReturnType, Type};

use super::args::{Args, End};
use crate::attributes::Presence;
use crate::errors::Errors;
use crate::function::Function;
use crate::header;
use crate::paths::Runtime;
use crate::place;
use crate::remote::model::ungrouped;
use crate::wording::code;
use crate::worker::args::Defaults;

/// A test without mistakes.
pub(super) struct Checked<'a> {
    pub(super) function: &'a Function,
    pub(super) runtime: &'a Runtime,
    /// What runs its future, if it is `async`.
    pub(super) executor: Option<&'a ExprPath>,
    pub(super) defaults: &'a Defaults,
    pub(super) end: Option<&'a End>,
    pub(super) should_panic: Presence,
}

/// Adds the mistakes of the function to those of the options. If there are none, the test is as
/// good as expanded.
pub(super) fn check<'a>(
    function: &'a Function,
    args: &'a Args,
    mut errors: Errors,
) -> Result<Checked<'a>, TokenStream> {
    let worker = &args.worker;
    let has = |role| function.attrs.iter().any(|attr| Role::of(attr) == role);
    // What runs the future is said already, in another way.
    let executor = if has(Role::OtherTest) {
        None
    } else {
        worker
            .executor
            .check("multiproc::test", function, &mut errors)
    };
    header::check(function, &mut errors);
    header::check_not_generic(
        function,
        &mut errors,
        "the test harness calls it",
        "remove the parameter, and call a generic function from inside",
    );
    // Arguments are for them to pass.
    if !has(Role::Cases) {
        check_inputs(function, &mut errors);
    }
    check_attributes(&function.attrs, &mut errors);
    if !function.attrs.iter().any(|attr| Role::of(attr).is_test()) {
        check_place(function, &mut errors);
    }
    for attr in &function.attrs {
        if attr.path().is_ident("should_panic") {
            check_panic(attr, function, args.end.as_ref(), &mut errors);
        }
    }
    match (errors.into_compile_errors(), &worker.runtime) {
        (None, Some(runtime)) => Ok(Checked {
            function,
            runtime,
            executor,
            defaults: &worker.defaults,
            end: args.end.as_ref(),
            should_panic: Presence::of("should_panic", &function.attrs),
        }),
        (errors, _) => Err(errors.unwrap_or_default()),
    }
}

fn check_inputs(function: &Function, errors: &mut Errors) {
    for parameter in &function.sig.inputs {
        let (text, help) = match parameter {
            FnArg::Receiver(receiver) => (
                code(receiver),
                "move it out of the `impl`, and make the value in the test",
            ),
            FnArg::Typed(PatType { pat, ty, .. }) => (
                format!("{}: {}", code(pat), code(ty)),
                "make the value in the test; if `#[rstest]` or `#[test_case]` is to pass it, write \
                 `#[multiproc::test]` below that",
            ),
        };
        errors.refuse(
            parameter,
            format_args!("cannot take `{text}`: the test harness passes no argument"),
            help,
        );
    }
}

/// What an attribute makes of a function, besides the test that it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `#[test]`
    Test,
    /// `#[multiproc::test]`
    Repetition,
    /// `#[tokio::test]`
    OtherTest,
    /// What `#[tokio::test]` leaves when it has been expanded.
    LeftByOther,
    Worker,
    /// One test for each set of arguments: `#[rstest]`.
    Cases,
    None,
}

impl Role {
    fn is_test(self) -> bool {
        matches!(
            self,
            Role::Test | Role::Repetition | Role::OtherTest | Role::LeftByOther
        )
    }

    pub(super) fn of(attr: &Attribute) -> Role {
        let path = attr.path();
        let Some(last) = path.segments.last() else {
            return Role::None;
        };
        match &*last.ident.to_string() {
            "test" => match code(path).trim_start_matches("::") {
                "test" => Role::Test,
                "multiproc::test" => Role::Repetition,
                "core::prelude::v1::test" | "std::prelude::v1::test" => Role::LeftByOther,
                _ => Role::OtherTest,
            },
            "worker" => Role::Worker,
            "rstest" | "test_case" => Role::Cases,
            _ => Role::None,
        }
    }
}

/// Refuses attributes that make something else of the function. What stands above this one has been
/// expanded already.
fn check_attributes(attrs: &[Attribute], errors: &mut Errors) {
    for attr in attrs {
        let text = code(attr.path());
        match Role::of(attr) {
            Role::Test => errors.refuse(
                attr,
                "cannot have `#[test]`, too: it would be two tests",
                "remove it: `#[multiproc::test]` makes the function a test",
            ),
            Role::Repetition => {
                errors.refuse(attr, "has the attribute twice", "remove one of the two");
            }
            Role::OtherTest => errors.refuse(
                attr,
                format_args!("cannot have `#[{text}]`, too: it would be two tests"),
                "remove it; for an `async` test, write `#[multiproc::test(runtime = path)]`",
            ),
            Role::LeftByOther => errors.refuse(
                attr,
                "is made a test by an attribute above, too: it would be two tests",
                "remove that one; for an `async` test, write `#[multiproc::test(runtime = path)]`",
            ),
            Role::Worker => errors.refuse(
                attr,
                "cannot be a worker, too: it already runs in a process of its own",
                format_args!("remove `#[{text}]`"),
            ),
            Role::Cases => errors.refuse(
                attr,
                format_args!("cannot stand above `#[{text}]`, which makes several tests of it"),
                format_args!("write `#[multiproc::test]` below `#[{text}]`"),
            ),
            Role::None => {}
        }
    }
}

/// Refuses a `#[test]` above this attribute, which is gone by now.
fn check_place(function: &Function, errors: &mut Errors) {
    // One that is written in another way may be what is found above.
    if place::is_written("#[multiproc::test")
        && let Some(path) = place::of(function).test
    {
        errors.refuse_attribute(
            format_args!("is made a test by `#[{path}]`, too: it would be two tests"),
            format_args!("remove `#[{path}]`"),
        );
    }
}

/// Refuses a panic that is expected of what returns a value, or of a process that has to end in
/// another way.
fn check_panic(attr: &Attribute, function: &Function, end: Option<&End>, errors: &mut Errors) {
    if let Some(End { key, .. }) = end {
        errors.refuse(
            attr,
            format_args!("cannot panic and have the option `{key}`: its process ends once"),
            "remove one of the two",
        );
    }
    match &function.sig.output {
        ReturnType::Type(_, ty) if !is_unit(ty) => errors.refuse(
            attr,
            format_args!("cannot panic and return `{}`", code(ty)),
            "return nothing, and call `unwrap` or `expect` on what fails",
        ),
        _ => {}
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(ungrouped(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}
