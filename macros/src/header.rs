//! What no function can be that a child process calls on its own: neither a worker nor a
//! startup function.

use syn::{GenericParam, Ident, Safety};

use crate::errors::Errors;
use crate::function::Function;
use crate::wording::code;

/// Refuses qualifiers, generic parameters and attributes, everything but parameters and result.
pub(crate) fn check(function: &Function, errors: &mut Errors) {
    let sig = &function.sig;
    if let Some(asyncness) = &sig.asyncness {
        errors.refuse(
            asyncness,
            "cannot be `async`: there is no executor in its process",
            "remove `async`, and block on the future inside the function",
        );
    }
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
    check_generics(function, errors);
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

fn check_generics(function: &Function, errors: &mut Errors) {
    let generics = &function.sig.generics;
    for parameter in &generics.params {
        match parameter {
            GenericParam::Lifetime(parameter) => {
                let lifetime = &parameter.lifetime;
                errors.refuse(
                    lifetime,
                    format_args!(
                        "cannot name the lifetime `{lifetime}`: \
                         what it borrows is lent for one call"
                    ),
                    format_args!("leave it out: write `&T` for `&{lifetime} T`"),
                );
            }
            GenericParam::Type(parameter) => {
                refuse_generic(&parameter.ident, "type", errors);
            }
            GenericParam::Const(parameter) => {
                refuse_generic(&parameter.ident, "value", errors);
            }
        }
    }
    // With parameters, it goes when they do.
    if let (true, Some(clause)) = (generics.params.is_empty(), &generics.where_clause) {
        errors.refuse(
            clause,
            "cannot have a `where` clause: it has no generic parameters",
            "remove the clause",
        );
    }
}

fn refuse_generic(parameter: &Ident, what: &str, errors: &mut Errors) {
    errors.refuse(
        parameter,
        format_args!(
            "cannot be generic over `{parameter}`: its process calls it by name, \
             and a name stands for one function"
        ),
        format_args!(
            "write a concrete {what}; several workers can share a generic function \
             that does the work"
        ),
    );
}
