//! Which types of a function are asked about, before serde is: those of which std has many that mean
//! something in one process only.
//!
//! The runtime decides by the types themselves (`multiproc::__private::Judge`). Here only those are
//! left out that are known by name.

use std::ptr;

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{GenericArgument, PathArguments, Type, TypePath};

use super::generics::depends;
use super::hints;
use super::model::{Carried, Output, Parameter, Passing, ungrouped};
use super::plain::is_plain;
use crate::wording::{code, written_ends};

/// What is asked about a type that is sent.
pub(super) struct Asked<'a> {
    sent: Sent<'a>,
    /// The types in it that are asked about. Each stands behind those around it, which may know better.
    paths: Vec<Vec<&'a Type>>,
    /// Whether it has parameters of the function inside, which a constant cannot name.
    is_generic: bool,
}

/// A type that is sent.
#[derive(Clone, Copy)]
pub(super) enum Sent<'a> {
    Owned(&'a Type),
    Borrowed(&'a Type),
    Result(&'a Type),
}

impl<'a> Sent<'a> {
    pub(super) fn parameter(parameter: &Parameter<'a>) -> Self {
        match parameter.passing {
            Passing::Owned(ty) => Sent::Owned(ty),
            Passing::Borrowed(reference) => Sent::Borrowed(&reference.elem),
        }
    }

    pub(super) fn ty(self) -> &'a Type {
        let (Sent::Owned(ty) | Sent::Borrowed(ty) | Sent::Result(ty)) = self;
        ty
    }

    /// What the function does with a value.
    fn verb(self) -> &'static str {
        match self {
            Sent::Owned(_) | Sent::Borrowed(_) => "take",
            Sent::Result(_) => "return",
        }
    }
}

impl<'a> Asked<'a> {
    pub(super) fn of(function: &Carried<'_>, sent: Sent<'a>) -> Self {
        let mut asked = Asked {
            sent,
            paths: Vec::new(),
            is_generic: depends(function, sent.ty()),
        };
        asked.look_at(sent.ty(), &[]);
        asked
            .paths
            .retain(|path| !path.iter().any(|ty| depends(function, ty)));
        asked
    }

    fn look_at(&mut self, ty: &'a Type, around: &[&'a Type]) {
        match ungrouped(ty) {
            Type::Array(array) => self.look_at(&array.elem, around),
            Type::Slice(slice) => self.look_at(&slice.elem, around),
            Type::Tuple(tuple) => {
                for elem in &tuple.elems {
                    self.look_at(elem, around);
                }
            }
            Type::Path(TypePath { path, .. }) => {
                let Some(last) = path.segments.last() else {
                    return;
                };
                let is_container = CONTAINERS.iter().any(|name| last.ident == name);
                let path = [around, &[ty]].concat();
                match &last.arguments {
                    PathArguments::AngleBracketed(arguments) => {
                        if !is_container {
                            self.paths.push(path.clone());
                        }
                        for argument in &arguments.args {
                            if let GenericArgument::Type(ty) = argument {
                                self.look_at(ty, &path);
                            }
                        }
                    }
                    // One letter is a parameter of a function around this one, which rustc refuses.
                    _ if is_plain(ty) || last.ident.to_string().len() == 1 => {}
                    _ => self.paths.push(path),
                }
            }
            Type::Macro(_) => self.paths.push([around, &[ty]].concat()),
            _ => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// The method of a verdict on all that is asked, for what is left out of a program that does not
    /// compile.
    pub(super) fn unless_refused(&self, private: &TokenStream, method: &Ident) -> TokenStream {
        let halves = self.halves(private);
        let verdicts = self.paths.iter().map(|path| verdict(private, path));
        let mut verdicts = verdicts.chain(halves);
        let first = verdicts.next();
        quote!(#first #(.and(#verdicts))* .#method)
    }

    /// Constants that report what is refused.
    fn checks(&self, private: &TokenStream, subject: &str) -> TokenStream {
        let check = |ty: &Type, verdict: TokenStream| {
            let subject = format!("{subject} cannot {} `{}`", self.sent.verb(), code(ty));
            let (_, end) = written_ends(ty);
            let check = quote_spanned!(end=> .check(#subject));
            let import = import(private);
            quote! {
                const _: () = {
                    #import
                    #verdict #check
                };
            }
        };
        let whole = self.sent.ty();
        let verdicts = || self.paths.iter().map(|path| verdict(private, path));
        let parts = self.paths.iter().filter_map(|path| path.last());
        let parts = parts.zip(verdicts());
        match self.halves(private) {
            None => parts.map(|(ty, verdict)| check(ty, verdict)).collect(),
            // One constant is enough.
            Some(halves) if self.is_about(whole) => {
                let verdicts = verdicts();
                check(whole, quote!(#(#verdicts)* .and(#halves)))
            }
            Some(halves) => {
                let first = verdicts().next();
                let others = verdicts().skip(1);
                let verdict = quote!(#first #(.and(#others))* .otherwise(#halves));
                let parts = parts.map(|(ty, verdict)| check(ty, verdict));
                parts.chain([check(whole, verdict)]).collect()
            }
        }
    }

    /// Whether the type is the only one that is asked about.
    fn is_about(&self, ty: &Type) -> bool {
        match &*self.paths {
            [path] => matches!(&**path, [only] if ptr::eq(*only, ty)),
            _ => false,
        }
    }

    /// The verdict on a type that serde knows by half, if there is something to ask.
    fn halves(&self, private: &TokenStream) -> Option<TokenStream> {
        let ty = self.sent.ty();
        let is_result = matches!(self.sent, Sent::Result(_));
        if self.is_empty() || self.is_generic || hints::has_words(ty, is_result) {
            return None;
        }
        let (start, end) = written_ends(ty);
        let open = quote_spanned!(start=> <);
        let ask = |constant: &str| {
            let constant = Ident::new(constant, end);
            quote!(#open #private::Serde<#ty>>::#constant)
        };
        let writes = ask("WRITES");
        let reads = ask("READS");
        Some(match self.sent {
            Sent::Owned(_) | Sent::Result(_) => quote!(#writes.and_read(#reads)),
            Sent::Borrowed(_) => {
                let owns = ask("OWNS");
                let reads_owned = ask("READS_OWNED");
                quote! {
                    #owns.choose(
                        #writes.and_read(#reads_owned),
                        #writes.and_only_read(#reads),
                    )
                }
            }
        })
    }
}

/// The argument that a codec makes of a value, whose type may have left out a lifetime: then the value
/// lives too short to be bound.
pub(super) fn own(private: &TokenStream, ty: &Type, codec: &Ident, name: &Ident) -> TokenStream {
    let (start, end) = written_ends(ty);
    let open = quote_spanned!(start=> <);
    let verdict = Ident::new("VERDICT", end);
    quote!(#open #private::Elision<fn(#ty)>>::#verdict.own(&#codec, #name))
}

/// Constants that report what is refused. rustc names the function around them in its label.
pub(super) fn checks(function: &Carried<'_>) -> TokenStream {
    let private = function.runtime.private();
    sent(function)
        .map(|sent| Asked::of(function, sent).checks(&private, &function.subject))
        .collect()
}

/// Whether something is asked at all.
pub(super) fn are_asked(function: &Carried<'_>) -> bool {
    sent(function).any(|sent| !Asked::of(function, sent).is_empty())
}

/// What has to be in scope where verdicts are given.
pub(super) fn import(private: &TokenStream) -> TokenStream {
    quote!(use #private::verdicts::{Elided as _, Lacking as _, Unjudged as _};)
}

/// `_`, shown as the type.
pub(super) fn inferred(ty: &Type) -> TokenStream {
    let (start, end) = written_ends(ty);
    let alias = Ident::new("__Inferred", start);
    let close = quote_spanned!(end=> >);
    quote!(#alias<_ #close)
}

/// The types of parameters and result.
fn sent<'a>(function: &Carried<'a>) -> impl Iterator<Item = Sent<'a>> {
    let result = match function.remote.output {
        Output::Value(ty) => Some(Sent::Result(ty)),
        Output::Unit | Output::Never | Output::Kept => None,
    };
    let parameters = function.remote.parameters.iter().map(Sent::parameter);
    parameters.chain(result)
}

/// The verdict on the innermost type, by what it is and by its lifetimes, shown as that type.
fn verdict(private: &TokenStream, path: &[&Type]) -> TokenStream {
    let (start, end) = written_ends(path.last());
    let ask = |judge: TokenStream| {
        let open = quote_spanned!(start=> <);
        let verdict = Ident::new("VERDICT", end);
        quote!(#open #judge>::#verdict)
    };
    let elision = path
        .last()
        .map(|ty| ask(quote!(#private::Elision<fn(#ty)>)));
    let mut verdicts = path.iter().map(|ty| ask(quote!(#private::Judge<#ty>)));
    let innermost = verdicts.next_back();
    let innermost = quote!(#innermost.and(#elision));
    match verdicts.next() {
        Some(first) => quote!(#first #(.inside(#verdicts))* .inside(#innermost)),
        None => innermost,
    }
}

/// Types that are as good as their parameters.
const CONTAINERS: [&str; 13] = [
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "BinaryHeap",
    "Box",
    "HashMap",
    "HashSet",
    "LinkedList",
    "Option",
    "Rc",
    "Result",
    "Vec",
    "VecDeque",
];
