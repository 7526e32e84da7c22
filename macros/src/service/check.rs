//! What a service cannot be, each refused where it is written.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{ExprPath, GenericParam, Generics, ReceiverKind, Type};

use super::args::{self, Args};
use super::model::{Constructor, Gives, Request, Service, Taking};
use crate::errors::Errors;
use crate::function::Function;
use crate::header;
use crate::paths::Runtime;
use crate::place::in_words;
use crate::remote::check::{self as remote, check_generics};
use crate::remote::model::{Carried, Remote, ungrouped};
use crate::remote::types::SelfType;
use crate::wording::code;
use crate::worker::args::Executor;

/// What `multiproc::Service` does itself, so that no request can have these names.
const TAKEN: [&str; 6] = [
    "client",
    "events",
    "id",
    "kill",
    "shutdown",
    "shutdown_timeout",
];

/// A service without mistakes.
pub(super) struct Checked<'a> {
    pub(super) service: &'a Service<'a>,
    pub(super) args: &'a Args,
    pub(super) runtime: &'a Runtime,
    /// In the order of their numbers.
    pub(super) constructors: Vec<CheckedConstructor<'a>>,
    /// In the order of their numbers.
    pub(super) requests: Vec<CheckedRequest<'a>>,
}

pub(super) struct CheckedConstructor<'a> {
    pub(super) function: &'a Function,
    pub(super) carried: Carried<'a>,
    pub(super) gives: Gives<'a>,
    /// What runs its future, if it is `async`.
    pub(super) executor: Option<&'a ExprPath>,
}

pub(super) struct CheckedRequest<'a> {
    pub(super) function: &'a Function,
    pub(super) carried: Carried<'a>,
    pub(super) taking: Taking,
    /// What runs its future, if it is `async`.
    pub(super) executor: Option<&'a ExprPath>,
    /// In milliseconds.
    pub(super) timeout: Option<u64>,
}

/// Adds the mistakes of the `impl` to those of the options. If there are none, the service is as good
/// as expanded.
pub(super) fn check<'a>(
    service: &'a Service<'a>,
    args: &'a Args,
    mut errors: Errors,
) -> Result<Checked<'a>, TokenStream> {
    check_block(service, args, &mut errors);
    let executors: Vec<_> = service
        .constructors
        .iter()
        .map(|constructor| {
            let mut part = Errors::about(subject(service, "constructor", constructor.function()));
            let executor = check_constructor(constructor, args, &mut part);
            errors.append(part);
            executor
        })
        .collect();
    let ways: Vec<_> = service
        .requests
        .iter()
        .map(|request| {
            let mut part = Errors::about(subject(service, "request", request.function()));
            let way = check_request(request, args, &mut part);
            errors.append(part);
            way
        })
        .collect();
    for helper in &service.helpers {
        let mut part = Errors::about(subject(service, "function", &helper.function));
        part.refuse(
            &helper.function.sig.ident,
            "is neither a constructor, which gives `Self`, nor a request, which takes `&self`, \
             `&mut self` or `self`",
            "put helpers into another `impl`",
        );
        errors.append(part);
    }
    let errors = errors.into_compile_errors();
    let (None, false, Some(runtime)) = (&errors, service.has_namesakes, &args.worker.runtime)
    else {
        return Err(errors.unwrap_or_default());
    };
    let carried = |kind, function, remote| Carried {
        remote,
        runtime,
        subject: subject(service, kind, function),
        generics: &service.generics,
    };
    let constructors = service.constructors.iter().zip(executors);
    let requests = service.requests.iter().zip(ways);
    Ok(Checked {
        service,
        args,
        runtime,
        constructors: constructors
            .map(|(constructor, executor)| CheckedConstructor {
                function: constructor.function(),
                carried: carried("constructor", constructor.function(), &constructor.remote),
                gives: constructor.gives,
                executor,
            })
            .collect(),
        requests: requests
            .filter_map(|(request, (executor, timeout))| {
                Some(CheckedRequest {
                    function: request.function(),
                    carried: carried("request", request.function(), &request.remote),
                    taking: request.taking?,
                    executor,
                    timeout,
                })
            })
            .collect(),
    })
}

/// ``request `find` of service `Index` ``
fn subject(service: &Service<'_>, kind: &str, function: &Function) -> String {
    format!("{kind} `{}` of service `{}`", function.name(), service.name)
}

fn check_block(service: &Service<'_>, args: &Args, errors: &mut Errors) {
    let Service { block, name, .. } = service;
    if let Some((trait_, _)) = &block.trait_ {
        errors.refuse(
            trait_,
            "cannot be the `impl` of a trait: its client is another type, which does not have that trait",
            format_args!("write an `impl {name}` with methods that call those of the trait"),
        );
    }
    for parameter in &block.generics.params {
        if let GenericParam::Lifetime(parameter) = parameter {
            let lifetime = &parameter.lifetime;
            errors.refuse(
                lifetime,
                format_args!(
                    "cannot name the lifetime `{lifetime}`: it borrows nothing, as it is made in a \
                     process of its own"
                ),
                format_args!("write `'static` in the place of `{lifetime}`"),
            );
        }
    }
    check_generics(&block.generics, errors);
    for other in block.others() {
        let kind = other.kind;
        errors.refuse(
            &other.keyword,
            format_args!(
                "cannot have {kind} here: this `impl` holds its constructors and requests"
            ),
            "put it into another `impl`",
        );
    }
    if service.constructors.is_empty() && service.helpers.is_empty() && block.trait_.is_none() {
        errors.refuse(
            &block.self_ty,
            "has no constructor: its process has to make it",
            "write a function that gives it, such as `fn new() -> Self`",
        );
    }
    if let Some(client) = &args.client
        && *client == *name
    {
        errors.refuse(
            client,
            format_args!("cannot call its client `{name}`: that is its own name"),
            format_args!("leave the option `client` out, and it is called `{name}Client`"),
        );
    }
    if service.place.is_repeated {
        errors.refuse(
            &block.self_ty,
            "has the attribute on an `impl` before this one: it is one service, with one client",
            "move these methods there",
        );
    } else if let Some(kind) = service.namesake() {
        let client = &service.client;
        let kind = in_words(kind);
        let blamed = match &args.client {
            Some(given) => given.to_token_stream(),
            None => block.self_ty.to_token_stream(),
        };
        errors.refuse(
            blamed,
            format_args!(
                "cannot have a client of the name `{client}`: the {kind} beside it has this name"
            ),
            "rename one of the two; the option `client = Handle` says what the client is called",
        );
    }
    let mut methods = block.methods();
    if let Executor::Given(key, _) = &args.worker.executor
        && !methods.any(|method| method.function.sig.asyncness.is_some())
    {
        errors.refuse(
            key,
            "cannot have the option `runtime`: none of its methods is `async`",
            "write `async fn`, or remove the option",
        );
    }
}

fn check_constructor<'a>(
    constructor: &Constructor<'_>,
    args: &'a Args,
    errors: &mut Errors,
) -> Option<&'a ExprPath> {
    for attr in &constructor.method.request {
        errors.refuse(
            attr,
            "cannot have `#[request]`: it is not a request",
            "remove it; `startup_timeout` of the `Launch` says how long a constructor may take",
        );
    }
    check_function(constructor.function(), &constructor.remote, args, errors)
}

fn check_request<'a>(
    request: &Request<'_>,
    args: &'a Args,
    errors: &mut Errors,
) -> (Option<&'a ExprPath>, Option<u64>) {
    let function = request.function();
    let name = function.name();
    if TAKEN.contains(&&*name) {
        errors.refuse(
            &function.sig.ident,
            format_args!("has a name that `Service` has: there, `{name}` would mean the other"),
            "rename it",
        );
    }
    check_receiver(request, errors);
    let executor = check_function(function, &request.remote, args, errors);
    let timeout = args::timeout(&request.method.request, errors).or(args.timeout);
    (executor, timeout)
}

/// Refuses what takes the service in a way that its process has not.
fn check_receiver(request: &Request<'_>, errors: &mut Errors) {
    let receiver = request.receiver;
    if request.taking.is_none() {
        let text = code(receiver);
        errors.refuse(
            receiver,
            format_args!(
                "cannot take `{text}`: there is nothing around the service in its process"
            ),
            "write `&self`, `&mut self` or `self`",
        );
    }
    let lifetime = match &receiver.kind {
        ReceiverKind::Reference(_, lifetime, _) => lifetime.as_ref(),
        ReceiverKind::Typed(_, ty) => match ungrouped(ty) {
            Type::Reference(reference) => reference.lifetime.as_ref(),
            _ => None,
        },
        _ => None,
    };
    if let Some(lifetime) = lifetime
        && lifetime.ident == "static"
    {
        errors.refuse(
            lifetime,
            "cannot borrow the service for `'static`: it is lent for one request",
            "leave the lifetime out",
        );
    }
}

/// Refuses what is true of constructors and requests.
fn check_function<'a>(
    function: &Function,
    remote: &Remote<'_>,
    args: &'a Args,
    errors: &mut Errors,
) -> Option<&'a ExprPath> {
    header::check(function, errors);
    header::check_lifetimes(function, errors);
    header::check_not_generic(
        function,
        errors,
        "a service has one function for each request",
        "name a parameter of the `impl`, or take an `enum` of the types it can be",
    );
    check_no_conditions(&function.sig.generics, errors);
    remote::check(remote, &function.sig, SelfType::Service, errors);
    function.sig.asyncness?;
    args.worker.executor.check("service", function, errors)
}

fn check_no_conditions(generics: &Generics, errors: &mut Errors) {
    if let Some(clause) = &generics.where_clause
        && generics.params.is_empty()
    {
        errors.refuse(
            clause.where_token,
            "cannot have a `where` clause of its own: the service has all of its methods",
            "move the clause to the `impl`",
        );
    }
}
