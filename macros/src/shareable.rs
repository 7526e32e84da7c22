//! `#[derive(Shareable)]`: a type that may live in memory shared between processes.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Field, Fields, GenericParam, Generics, Ident, Item, Meta, Type};

use crate::errors::Errors;
use crate::options::{CRATE, Options};
use crate::paths::Runtime;
use crate::wording::code;

pub(crate) fn shareable(item: TokenStream) -> TokenStream {
    let subject = match Subject::parse(item) {
        Ok(subject) => subject,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::about(format!("shared type `{}`", subject.name));
    let options = Options::parse(subject.options(), &[CRATE], &mut errors);
    let runtime = Runtime::from_options("shareable", &options, &mut errors).unwrap_or_default();
    let fields = check(&subject, &mut errors);
    let errors = errors.into_compile_errors();
    // Also when there are errors: what uses the type shall not cause more of them.
    let implementation =
        fields.map(|fields| expand(&subject, &fields, errors.is_none(), &runtime.private()));
    quote!(#implementation #errors)
}

/// The type that the derive stands on.
struct Subject {
    name: Ident,
    attrs: Vec<Attribute>,
    generics: Generics,
    shape: Shape,
    union: Option<syn::token::Union>,
}

/// What the type is made of.
enum Shape {
    Struct(Fields),
    Enum(Vec<(Ident, Fields)>),
}

impl Subject {
    fn parse(item: TokenStream) -> syn::Result<Self> {
        let subject = match syn::parse2(item)? {
            Item::Struct(item) => Subject {
                name: item.ident,
                attrs: item.attrs,
                generics: item.generics,
                shape: Shape::Struct(item.fields),
                union: None,
            },
            Item::Enum(item) => Subject {
                name: item.ident,
                attrs: item.attrs,
                generics: item.generics,
                shape: Shape::Enum(
                    item.variants
                        .into_iter()
                        .map(|variant| (variant.ident, variant.fields))
                        .collect(),
                ),
                union: None,
            },
            Item::Union(item) => Subject {
                name: item.ident,
                attrs: item.attrs,
                generics: item.generics,
                shape: Shape::Struct(Fields::Named(item.fields)),
                union: Some(item.union_token),
            },
            other => {
                return Err(syn::Error::new_spanned(
                    other,
                    "`#[derive(Shareable)]` is for structs and enums",
                ));
            }
        };
        Ok(subject)
    }

    fn fields(&self) -> Vec<&Field> {
        match &self.shape {
            Shape::Struct(fields) => fields.iter().collect(),
            Shape::Enum(variants) => variants.iter().flat_map(|(_, fields)| fields).collect(),
        }
    }

    /// What stands in `#[shareable(..)]`.
    fn options(&self) -> TokenStream {
        self.attrs
            .iter()
            .filter_map(|attr| match &attr.meta {
                Meta::List(list) if list.path.is_ident("shareable") => Some(&list.tokens),
                _ => None,
            })
            .map(|tokens| quote!(#tokens,))
            .collect()
    }
}

/// Refuses what cannot be shared and is known by its name, and returns the types that rustc has to
/// look at; `None` if an implementation would cause errors of its own.
fn check<'a>(subject: &'a Subject, errors: &mut Errors) -> Option<Vec<&'a Type>> {
    let mut is_possible = true;
    if let Some(union) = &subject.union {
        errors.refuse(
            union,
            "cannot be a union: nobody else knows which of its fields has a value",
            "use an `enum`",
        );
    }
    for parameter in &subject.generics.params {
        if let GenericParam::Lifetime(parameter) = parameter {
            let lifetime = &parameter.lifetime;
            errors.refuse(
                parameter,
                format_args!("cannot borrow for `{lifetime}`: what it borrows lies in the memory of one process"),
                "hold the value itself",
            );
            is_possible = false;
        }
    }
    let mut types = Vec::new();
    for field in subject.fields() {
        let mut search = PointerSearch {
            errors,
            refused: false,
            is_possible: true,
        };
        search.visit_type(&field.ty);
        is_possible &= search.is_possible;
        if !search.refused {
            types.push(&field.ty);
        }
    }
    is_possible.then_some(types)
}

/// Looks for what points into the memory of one process, in every corner of a type.
struct PointerSearch<'e> {
    errors: &'e mut Errors,
    refused: bool,
    /// Nothing was found that is not even `Send`, which rustc would report, too.
    is_possible: bool,
}

impl PointerSearch<'_> {
    fn refuse(&mut self, ty: impl ToTokens, reason: &str, help: &str) {
        let text = code(&ty);
        let what = format!("cannot hold `{text}`: {reason}");
        self.errors.refuse(ty, what, help);
        self.refused = true;
    }
}

impl<'ast> Visit<'ast> for PointerSearch<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Reference(_) => self.refuse(
                ty,
                "what it refers to lies in the memory of one process",
                "hold the value itself",
            ),
            Type::Ptr(_) => {
                self.is_possible = false;
                self.refuse(
                    ty,
                    "an address means nothing in another process",
                    "hold the value itself, or an index into an array",
                );
            }
            Type::TraitObject(_) => {
                self.is_possible = false;
                self.refuse(
                    ty,
                    "which type it is means nothing in another process",
                    "hold the value itself, or an `enum` of the types it can be",
                );
            }
            Type::FnPtr(_) => self.refuse(
                ty,
                "an address means nothing in another process",
                "hold a number or an `enum` that says which function is meant",
            ),
            Type::Path(path) => match path.path.segments.last().map(|last| &last.ident) {
                Some(name) if name == "String" || name == "OsString" || name == "PathBuf" => self
                    .refuse(
                        ty,
                        "its text lies in the memory of one process",
                        "use an array of fixed size such as `[u8; 64]`, or send the text as an argument, a result or through a channel",
                    ),
                Some(name) if name == "Vec" || name == "VecDeque" => self.refuse(
                    ty,
                    "its elements lie in the memory of one process",
                    "use an array of fixed size, or a `multiproc::shm::Buffer` beside it",
                ),
                Some(name)
                    if ["Box", "Rc", "Arc", "Weak"]
                        .iter()
                        .any(|pointer| name == pointer) =>
                {
                    self.is_possible = false;
                    self.refuse(
                        ty,
                        "what it points to lies in the memory of one process",
                        "hold the value itself",
                    );
                }
                Some(name)
                    if ["HashMap", "BTreeMap", "HashSet", "BTreeSet"]
                        .iter()
                        .any(|map| name == map) =>
                {
                    self.refuse(
                        ty,
                        "its entries lie in the memory of one process",
                        "use an array of entries",
                    );
                }
                _ => visit::visit_type(self, ty),
            },
            _ => visit::visit_type(self, ty),
        }
    }
}

fn expand(
    subject: &Subject,
    types: &[&Type],
    is_sound: bool,
    private: &TokenStream,
) -> TokenStream {
    let Subject {
        name,
        generics,
        union,
        ..
    } = subject;
    let mut generics = generics.clone();
    let bounds: Vec<_> = generics
        .type_params()
        .map(|parameter| parameter.ident.clone())
        .collect();
    let clause = generics.make_where_clause();
    for parameter in bounds {
        clause
            .predicates
            .push(syn::parse_quote!(#parameter: #private::Shareable));
    }
    let (parameters, arguments, clause) = generics.split_for_impl();
    let no_drop = (is_sound && generics.params.is_empty()).then(|| {
        let message = format!(
            "shared type `{name}` cannot have a destructor: nobody would run it when the last process is gone"
        );
        // A field with a destructor is refused already, and so is one of a type that is not known.
        quote_spanned! {name.span()=>
            const _: () = ::core::assert!(
                !::core::mem::needs_drop::<#name>() #(|| ::core::mem::needs_drop::<#types>())*,
                #message,
            );
        }
    });
    let body = match union {
        Some(_) => TokenStream::new(),
        None if is_sound => is_value(&subject.shape, private),
        None => check_fields(types, private),
    };
    quote! {
        #[automatically_derived]
        unsafe impl #parameters #private::Shareable for #name #arguments #clause {
            #body
        }
        #no_drop
    }
}

/// Lets rustc look at the types, and nothing else.
fn check_fields(types: &[&Type], private: &TokenStream) -> TokenStream {
    // Spanned so that rustc underlines the type.
    let checks = types
        .iter()
        .map(|ty| quote_spanned!(ty.span()=> field::<#ty>();));
    quote! {
        fn __check_fields() {
            fn field<T: #private::Shareable>() {}
            #(#checks)*
        }
    }
}

/// The function that looks at what a killed process left. The variant is taken for whole, unless
/// there is nothing but the variant or something else was written over it; the fields are asked. This asks rustc for their trait, too.
fn is_value(shape: &Shape, private: &TokenStream) -> TokenStream {
    let body = match shape {
        Shape::Struct(fields) => {
            let checks = fields.iter().enumerate().map(|(index, field)| {
                let member = member(index, field);
                // It may be packed, so no references.
                check_field(&field.ty, &quote!(&raw const (*__place).#member))
            });
            quote!(true #(&& #checks)*)
        }
        Shape::Enum(variants) if variants.iter().all(|(_, fields)| fields.is_empty()) => {
            let variants = variants.iter().map(|(name, _)| {
                quote!(unsafe { <Self as #private::Shareable>::__has_bytes_of(__place, &Self::#name {}) })
            });
            quote!(false #(|| #variants)*)
        }
        Shape::Enum(variants) => {
            let arms = variants.iter().map(|(name, fields)| arm(name, fields));
            // A copy is aligned; nothing but the variant is read of it.
            quote! {
                let __copy = unsafe {
                    ::core::ptr::read_unaligned(
                        __place.cast::<::core::mem::MaybeUninit<Self>>()
                    )
                };
                __by_the_dead && match unsafe { &*__copy.as_ptr() } {
                    #(#arms)*
                }
            }
        }
    };
    quote! {
        unsafe fn __is_value(__place: *const Self, __by_the_dead: bool) -> bool {
            unsafe fn field<T: #private::Shareable>(place: *const T, by_the_dead: bool) -> bool {
                unsafe { T::__is_value(place, by_the_dead) }
            }
            #body
        }
    }
}

/// Asks the fields of a variant.
fn arm(name: &Ident, fields: &Fields) -> TokenStream {
    let (bindings, checks): (Vec<_>, Vec<_>) = fields
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let member = member(index, field);
            let binding = quote::format_ident!("__field{index}");
            let check = check_field(&field.ty, &quote!(#binding));
            (quote!(#member: #binding), check)
        })
        .unzip();
    quote!(Self::#name { #(#bindings),* } => true #(&& #checks)*,)
}

/// Spanned so that rustc underlines the type.
fn check_field(ty: &Type, place: &TokenStream) -> TokenStream {
    let field = quote_spanned!(ty.span()=> field::<#ty>);
    quote!(unsafe { #field(#place, __by_the_dead) })
}

fn member(index: usize, field: &Field) -> syn::Member {
    match &field.ident {
        Some(name) => name.clone().into(),
        None => index.into(),
    }
}
