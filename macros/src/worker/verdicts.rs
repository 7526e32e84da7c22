//! Which types of a worker are asked about, before serde is: those of which std has many that mean
//! something in one process only.
//!
//! The runtime decides by the types themselves (`multiproc::__private::Judge`). Here only those are
//! left out that are known by name.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{GenericArgument, PathArguments, Type, TypePath};

use super::check::Checked;
use super::generics::depends;
use super::model::{Output, Passing, ungrouped};
use crate::wording::{code, written_ends};

/// The types that are asked about in one that is sent.
///
/// Each stands behind those around it, which may know better.
pub(super) struct Asked<'a>(Vec<Vec<&'a Type>>);

impl<'a> Asked<'a> {
    pub(super) fn of(worker: &Checked<'_>, ty: &'a Type) -> Self {
        let mut asked = Asked(Vec::new());
        asked.look_at(ty, &[]);
        // A constant cannot name the parameters of a function.
        asked
            .0
            .retain(|path| !path.iter().any(|ty| depends(worker, ty)));
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
                            self.0.push(path.clone());
                        }
                        for argument in &arguments.args {
                            if let GenericArgument::Type(ty) = argument {
                                self.look_at(ty, &path);
                            }
                        }
                    }
                    // One letter is a parameter of a function around this one, which rustc refuses.
                    _ if is_plain(ty) || last.ident.to_string().len() == 1 => {}
                    _ => self.0.push(path),
                }
            }
            Type::Macro(_) => self.0.push([around, &[ty]].concat()),
            _ => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A codec that is asked for, unless one of the types is refused.
    pub(super) fn unless_refused(
        &self,
        private: &TokenStream,
        kind: &Ident,
        codec: TokenStream,
    ) -> TokenStream {
        let mut verdicts = self.0.iter().map(|path| verdict(private, path));
        let Some(first) = verdicts.next() else {
            return codec;
        };
        quote!(#first #(.and(#verdicts))* .#kind(#codec))
    }
}

/// Whether this is spelt as a type without parameters that is the same in every process.
pub(super) fn is_plain(ty: &Type) -> bool {
    let Type::Path(ty) = ungrouped(ty) else {
        return false;
    };
    let last = ty.path.segments.last();
    last.is_some_and(|last| PLAIN.iter().any(|name| last.ident == name))
}

/// Constants that report what is refused. rustc names the function around them in its label.
pub(super) fn checks(worker: &Checked<'_>) -> TokenStream {
    let private = worker.runtime.private();
    let name = worker.function.name();
    let checks = sent(worker).into_iter().flat_map(|(verb, ty)| {
        let asked = Asked::of(worker, ty);
        let checks: Vec<_> = asked
            .0
            .iter()
            .map(|path| {
                let ty = path.last();
                let text = ty.map(code).unwrap_or_default();
                let subject = format!("worker `{name}` cannot {verb} `{text}`");
                let verdict = verdict(&private, path);
                let (_, end) = written_ends(ty);
                let check = quote_spanned!(end=> .check(#subject));
                quote! {
                    const _: () = {
                        use #private::Unjudged as _;
                        #verdict #check
                    };
                }
            })
            .collect();
        checks
    });
    checks.collect()
}

/// What has to be in scope where verdicts are given, if there are any.
pub(super) fn import(worker: &Checked<'_>) -> Option<TokenStream> {
    let private = worker.runtime.private();
    let is_asked = |ty| !Asked::of(worker, ty).is_empty();
    sent(worker)
        .into_iter()
        .any(|(_, ty)| is_asked(ty))
        .then(|| quote!(use #private::{Inferred as __Inferred, Unjudged as _};))
}

/// `_`, shown as the type.
pub(super) fn inferred(ty: &Type) -> TokenStream {
    let (start, end) = written_ends(ty);
    let alias = Ident::new("__Inferred", start);
    let close = quote_spanned!(end=> >);
    quote!(#alias<_ #close)
}

/// The types of parameters and result, each with what the worker does with a value.
fn sent<'a>(worker: &Checked<'a>) -> Vec<(&'static str, &'a Type)> {
    let parameters = worker
        .parameters
        .iter()
        .map(|parameter| match parameter.passing {
            Passing::Owned(ty) => ("take", ty),
            Passing::Borrowed(reference) => ("take", &*reference.elem),
        });
    let result = match worker.output {
        Output::Value(ty) => Some(("return", ty)),
        Output::Unit | Output::Never => None,
    };
    parameters.chain(result).collect()
}

/// `<Judge<ty>>::VERDICT`, shown as the type.
fn verdict(private: &TokenStream, path: &[&Type]) -> TokenStream {
    // All is shown as the innermost type.
    let (start, end) = written_ends(path.last());
    let mut verdicts = path.iter().map(|ty| {
        let open = quote_spanned!(start=> <);
        let verdict = Ident::new("VERDICT", end);
        quote!(#open #private::Judge<#ty>>::#verdict)
    });
    let first = verdicts.next();
    quote!(#first #(.inside(#verdicts))*)
}

const PLAIN: [&str; 25] = [
    "bool",
    "char",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "str",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "CStr",
    "CString",
    "Duration",
    "OsStr",
    "Path",
    "PathBuf",
    "RemoteError",
    "String",
];

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
