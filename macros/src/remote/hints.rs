//! In which words rustc shall say that a type cannot be sent, by how the type is spelt.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit::{self, Visit};
use syn::{
    AngleBracketedGenericArguments, Expr, ExprLit, GenericArgument, Lit, PathArguments, Type,
    TypeArray, TypePath,
};

use super::plain::is_plain;

/// The trait to ask for, of an owned type.
pub(super) fn payload(ty: &Type, is_result: bool) -> TokenStream {
    match hint(ty, is_result) {
        Some(Hint::Array) => quote!(PayloadArray),
        Some(Hint::Pointer) => quote!(PayloadPointer),
        Some(Hint::Channel) => quote!(PayloadChannel),
        Some(Hint::Handle) => quote!(PayloadHandle),
        Some(Hint::Result) => quote!(PayloadResult),
        None => quote!(Payload),
    }
}

/// The trait to ask for, of a type that is lent.
pub(super) fn payload_ref(ty: &Type) -> TokenStream {
    match hint(ty, false) {
        Some(Hint::Array) => quote!(PayloadRefArray),
        Some(Hint::Handle) => quote!(PayloadRefHandle),
        _ => quote!(PayloadRef),
    }
}

/// Whether something in a type is spelt as what has words of its own.
pub(super) fn has_words(ty: &Type, is_result: bool) -> bool {
    hint(ty, is_result).is_some()
}

/// What is most likely wrong with a type, if something is.
#[derive(Clone, Copy)]
enum Hint {
    Array,
    Pointer,
    Channel,
    Handle,
    Result,
}

fn hint(ty: &Type, is_result: bool) -> Option<Hint> {
    let mut search = Search {
        is_fallible: false,
        found: None,
    };
    search.visit_type(ty);
    let is_error = is_result && search.is_fallible;
    search.found.or(is_error.then_some(Hint::Result))
}

/// Looks for the outermost part of a type that tells something.
struct Search {
    is_fallible: bool,
    found: Option<Hint>,
}

impl<'ast> Visit<'ast> for Search {
    fn visit_type_array(&mut self, array: &'ast TypeArray) {
        if is_long(array) {
            self.found = self.found.or(Some(Hint::Array));
        }
        visit::visit_type_array(self, array);
    }

    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        if let Some(last) = ty.path.segments.last()
            && let PathArguments::AngleBracketed(arguments) = &last.arguments
        {
            let hint = match last.ident.to_string().as_str() {
                "Arc" | "Rc" => Some(Hint::Pointer),
                "Sender" | "SyncSender" | "UnboundedSender" | "Receiver" | "UnboundedReceiver" => {
                    Some(Hint::Channel)
                }
                "Buffer" | "Chunk" | "Mutex" | "RwLock" | "ReentrantLock" | "Shared" => {
                    Some(Hint::Handle)
                }
                "Result" => {
                    self.is_fallible |= !has_plain_error(arguments);
                    None
                }
                _ => None,
            };
            self.found = self.found.or(hint);
        }
        visit::visit_type_path(self, ty);
    }
}

/// Whether it is most likely the length for which serde does not know an array.
fn is_long(array: &TypeArray) -> bool {
    match &array.len {
        Expr::Lit(ExprLit {
            lit: Lit::Int(len), ..
        }) => len.base10_parse().is_ok_and(|len: usize| len > 32),
        _ => is_plain(&array.elem),
    }
}

/// Whether the error in a `Result` is one that serde knows.
fn has_plain_error(arguments: &AngleBracketedGenericArguments) -> bool {
    match arguments.args.iter().nth(1) {
        Some(GenericArgument::Type(ty)) => is_plain(ty),
        _ => false,
    }
}
