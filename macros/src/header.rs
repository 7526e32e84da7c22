//! What no function can be that a child process calls on its own: no worker, no startup function,
//! and no test.

use syn::{GenericParam, Safety};

use crate::errors::Errors;
use crate::function::Function;
use crate::wording::code;

/// Refuses qualifiers and attributes, everything but parameters and result.
pub(crate) fn check(function: &Function, errors: &mut Errors) {
    let sig = &function.sig;
    if let Safety::Unsafe(unsafety) = &sig.safety {
        errors.refuse(
            unsafety,
            "cannot be `unsafe`: in its process there is no caller to uphold its conditions",
            "remove `unsafe`, and write an `unsafe` block inside the function",
        );
    }
    if let Some(abi) = &sig.abi {
        let abi_text = code(abi);
        errors.refuse(
            abi,
            format_args!("cannot be `{abi_text}`: its process calls it as a Rust function"),
            format_args!("remove `{abi_text}`, or call the foreign function from inside"),
        );
    }
    for attr in &function.attrs {
        if attr.path().is_ident("target_feature") {
            errors.refuse(
                attr,
                "cannot have `#[target_feature]`: its process calls it on any processor",
                "detect the feature, and call a function that has the attribute from inside",
            );
        }
    }
}

/// Refuses names of lifetimes.
pub(crate) fn check_lifetimes(function: &Function, errors: &mut Errors) {
    for parameter in &function.sig.generics.params {
        if let GenericParam::Lifetime(parameter) = parameter {
            let lifetime = &parameter.lifetime;
            errors.refuse(
                lifetime,
                format_args!(
                    "cannot name the lifetime `{lifetime}`: what it borrows is lent for one call"
                ),
                format_args!("leave it out: write `&T` for `&{lifetime} T`"),
            );
        }
    }
}

/// Refuses parameters for types and constants: for this `reason`, and with this `help`.
pub(crate) fn check_not_generic(
    function: &Function,
    errors: &mut Errors,
    reason: &str,
    help: &str,
) {
    for parameter in &function.sig.generics.params {
        let ident = match parameter {
            GenericParam::Type(parameter) => &parameter.ident,
            GenericParam::Const(parameter) => &parameter.ident,
            GenericParam::Lifetime(_) => continue,
        };
        errors.refuse(
            ident,
            format_args!("cannot be generic over `{ident}`: {reason}"),
            help,
        );
    }
}
