//! What parameters and results cannot be, each refused where it is written.
//!
//! Whether serde can carry a type is for rustc to find: the expansion asks at the type itself.

use syn::{Attribute, GenericParam, Generics, ReturnType, Signature};

use super::model::{Output, Parameter, Passing, Remote};
use super::types::{self, SelfType};
use crate::errors::Errors;

/// Refuses parameters and the result, unless it is kept.
pub(crate) fn check(
    remote: &Remote<'_>,
    sig: &Signature,
    self_type: SelfType,
    errors: &mut Errors,
) {
    if let Some(variadic) = &sig.variadic {
        errors.refuse(
            variadic.dots,
            "cannot take `...`: how many arguments to send must be known",
            "take a slice, such as `&[i64]`",
        );
    }
    for parameter in &remote.parameters {
        check_parameter(parameter, self_type, errors);
    }
    if let (ReturnType::Type(_, ty), false) = (&sig.output, matches!(remote.output, Output::Kept)) {
        types::check_result(ty, self_type, errors);
    }
}

/// Refuses conditions on type and const parameters.
pub(crate) fn check_generics(generics: &Generics, errors: &mut Errors) {
    for parameter in &generics.params {
        match parameter {
            GenericParam::Type(parameter) => check_attributes(&parameter.attrs, errors),
            GenericParam::Const(parameter) => check_attributes(&parameter.attrs, errors),
            GenericParam::Lifetime(_) => {}
        }
    }
}

fn check_parameter(parameter: &Parameter<'_>, self_type: SelfType, errors: &mut Errors) {
    check_attributes(&parameter.original.attrs, errors);
    match parameter.passing {
        Passing::Owned(ty) => types::check_owned(ty, self_type, errors),
        Passing::Borrowed(reference) => types::check_borrowed(reference, self_type, errors),
    }
}

fn check_attributes(attrs: &[Attribute], errors: &mut Errors) {
    for attr in attrs {
        if attr.path().is_ident("cfg") {
            errors.refuse(
                attr,
                "cannot have `#[cfg]` on a parameter: the generated functions cannot follow it",
                "put `#[cfg]` on the function, and write one for each configuration",
            );
        }
    }
}
