//! What the types of parameters and results cannot be, at any depth.

use std::fmt::Display;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{Expr, Lifetime, Type, TypeParamBound, TypePath, TypeReference, TypeTraitObject};

use super::model::ungrouped;
use crate::errors::Errors;
use crate::wording::{code, owned_form};

/// What `Self` is in a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelfType {
    /// Nothing that could be named.
    Unknown,
    /// The type of a service.
    Service,
}

/// Checks the type of a parameter that is given away.
pub(super) fn check_owned(ty: &Type, self_type: SelfType, errors: &mut Errors) {
    TypeCheck::of_parameter(self_type, errors).check_value(ty);
}

/// Checks the type of a parameter that is lent.
pub(super) fn check_borrowed(reference: &TypeReference, self_type: SelfType, errors: &mut Errors) {
    let TypeReference {
        and_token,
        lifetime,
        mutability,
        elem,
        ..
    } = reference;
    let text = code(reference);
    if mutability.is_some() {
        errors.refuse(
            quote!(#and_token #lifetime #mutability),
            format_args!("cannot take `{text}`: it would change a copy that only its process sees"),
            format_args!("take `{}`, and return the changed value", owned_form(elem)),
        );
    } else if let Some(lifetime) = lifetime
        && lifetime.ident == "static"
    {
        errors.refuse(
            lifetime,
            "cannot borrow for `'static`: the argument is lent to it for one call",
            format_args!("write `&{}`", code(elem)),
        );
    }
    let mut inside = TypeCheck::of_parameter(self_type, errors);
    if let Type::Reference(inner) = ungrouped(elem) {
        inside.errors.refuse(
            and_token,
            format_args!("cannot take `{text}`: only what one reference points to is sent"),
            format_args!("write `{}`", code(inner)),
        );
        inside.visit_type(&inner.elem);
    } else {
        inside.visit_type(elem);
    }
}

/// Checks the type of the result.
pub(super) fn check_result(ty: &Type, self_type: SelfType, errors: &mut Errors) {
    TypeCheck::of_result(self_type, errors).check_value(ty);
}

/// Whether this is one of the types that only stand behind a pointer.
pub(crate) fn is_unsized(ty: &Type) -> bool {
    match ungrouped(ty) {
        Type::Path(ty) => ty.path.is_ident("str"),
        Type::Slice(_) | Type::TraitObject(_) => true,
        _ => false,
    }
}

/// Refuses parts of one type.
struct TypeCheck<'e> {
    errors: &'e mut Errors,
    self_type: SelfType,
    is_parameter: bool,
    /// What the function does with a value of the type.
    verb: &'static str,
    place: &'static str,
}

impl<'e> TypeCheck<'e> {
    fn of_parameter(self_type: SelfType, errors: &'e mut Errors) -> Self {
        TypeCheck {
            errors,
            self_type,
            is_parameter: true,
            verb: "take",
            place: "inside a parameter",
        }
    }

    fn of_result(self_type: SelfType, errors: &'e mut Errors) -> Self {
        TypeCheck {
            errors,
            self_type,
            is_parameter: false,
            verb: "return",
            place: "in its result",
        }
    }

    fn check_value(&mut self, ty: &Type) {
        if is_unsized(ty) && !matches!(ungrouped(ty), Type::TraitObject(_)) {
            let help = format!("write `{}`", owned_form(ty));
            self.refuse(ty, "its size is not known", help);
        }
        self.visit_type(ty);
    }

    fn refuse(&mut self, ty: impl ToTokens, why: &str, help: impl Display) {
        let what = format!("cannot {} `{}`: {why}", self.verb, code(&ty));
        self.errors.refuse(ty, what, help);
    }

    /// The client has the same types in its functions, and is another `Self`.
    fn refuse_self_in(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if ident == "Self" => self.errors.refuse(
                    &ident,
                    "cannot name `Self` in a type: it stands in its client, too",
                    "write the type's own name",
                ),
                TokenTree::Group(group) => self.refuse_self_in(group.stream()),
                _ => {}
            }
        }
    }

    fn refuse_trait_object(&mut self, object: &TypeTraitObject) {
        let help = if object.bounds.iter().any(names_error) {
            "write `multiproc::RemoteError` in the place of the box: `?` makes one of any error"
        } else {
            "write an enum of the types it can be"
        };
        self.refuse(object, "which type is behind it is not sent along", help);
    }
}

impl<'ast> Visit<'ast> for TypeCheck<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        const ADDRESS: &str = "an address means nothing in another process";
        const UNKNOWN: &str = "both processes must know which type it is";
        match ty {
            Type::FnPtr(_) => self.refuse(ty, ADDRESS, "write an enum of the functions it can be"),
            Type::ImplTrait(impl_trait) if self.is_parameter => {
                let bounds = code(&impl_trait.bounds);
                let text = code(ty);
                let help = match self.self_type {
                    SelfType::Unknown => format!(
                        "name a type parameter, as in `<T: {bounds}>`, and write it in the place of \
                         `{text}`"
                    ),
                    SelfType::Service => format!(
                        "write a concrete type, or name a parameter of the `impl`, as in `impl<T: {bounds}>`, \
                         and write it in the place of `{text}`"
                    ),
                };
                self.refuse(
                    ty,
                    "a type without a name cannot be named to its process",
                    help,
                );
            }
            Type::ImplTrait(_) => self.refuse(ty, UNKNOWN, "write a concrete type"),
            Type::Infer(_) => self.refuse(ty, UNKNOWN, "write the type"),
            Type::Ptr(_) => self.refuse(ty, ADDRESS, "write the type of the data it points to"),
            Type::TraitObject(object) => self.refuse_trait_object(object),
            _ => visit::visit_type(self, ty),
        }
    }

    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        let what = format!(
            "cannot have a reference {}: it would point into another process",
            self.place
        );
        let owned = owned_form(&reference.elem);
        let help = format!("write `{owned}` in the place of `{}`", code(reference));
        self.errors.refuse(reference, what, help);
        // Not the lifetime: it goes with the reference.
        self.visit_type(&reference.elem);
    }

    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        if let Some(first) = ty.path.segments.first()
            && first.ident == "Self"
        {
            match self.self_type {
                SelfType::Unknown => self.errors.refuse(
                    &first.ident,
                    "cannot name `Self`: it stands outside of any `impl`",
                    "write the type's own name, and move the function out of its `impl`",
                ),
                SelfType::Service => {
                    let why = "the service does not leave its process";
                    let help = "write a type that holds what others need to know of it";
                    self.refuse(ty, why, help);
                }
            }
        }
        visit::visit_type_path(self, ty);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            let what = format!(
                "cannot have a lifetime {}: a borrow does not reach into another process",
                self.place
            );
            let help = "write a type that owns its data, or `'static` where that makes the type \
                        own it, as in `Cow<'static, str>`";
            self.errors.refuse(lifetime, what, help);
        }
    }

    /// The length of an array and a const argument are computed, not sent.
    fn visit_expr(&mut self, expr: &'ast Expr) {
        if self.self_type == SelfType::Service {
            self.refuse_self_in(expr.to_token_stream());
        }
    }
}

fn names_error(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Trait(bound) => {
            let last = bound.path.segments.last();
            last.is_some_and(|segment| segment.ident == "Error")
        }
        _ => false,
    }
}
