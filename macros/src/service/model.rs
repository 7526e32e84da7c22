//! A service in our own terms.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parse;
use syn::{
    Attribute, GenericArgument, GenericParam, Generics, PathArguments, Receiver, ReceiverKind,
    ReturnType, Type, Visibility, WherePredicate,
};

use super::args::Args;
use super::block::{Block, Method};
use crate::function::{Function, generated};
use crate::place::{self, Place};
use crate::remote::model::{Remote, ungrouped};
use crate::wording::code;

/// What an `impl` says about its type as a service, right or wrong.
pub(super) struct Service<'a> {
    pub(super) block: &'a Block,
    /// The name of its type.
    pub(super) name: String,
    pub(super) client: Ident,
    /// The widest of its methods, which is that of the client.
    pub(super) vis: &'a Visibility,
    /// Those of the `impl` as they are outside of it.
    pub(super) generics: Generics,
    pub(super) constructors: Vec<Constructor<'a>>,
    pub(super) requests: Vec<Request<'a>>,
    /// Functions that are neither.
    pub(super) helpers: Vec<&'a Method>,
    pub(super) place: Place,
    /// Whether there are several of one name, which rustc says.
    pub(super) has_namesakes: bool,
}

/// A function that makes the object.
pub(super) struct Constructor<'a> {
    pub(super) method: &'a Method,
    pub(super) remote: Remote<'a>,
    pub(super) gives: Gives<'a>,
}

/// What a constructor gives.
#[derive(Clone, Copy)]
pub(super) enum Gives<'a> {
    /// `Self`
    Service,
    /// `Result<Self, E>`, with the type to show if the error cannot be told.
    Result(&'a Type),
    /// `Option<Self>`
    Option,
}

/// A method that clients can ask for.
pub(super) struct Request<'a> {
    pub(super) method: &'a Method,
    pub(super) remote: Remote<'a>,
    pub(super) receiver: &'a Receiver,
    /// How it takes the object, if it can.
    pub(super) taking: Option<Taking>,
}

/// How a request takes the object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taking {
    /// `&self`
    Shared,
    /// `&mut self`
    Exclusive,
    /// `self`
    Last,
}

impl<'a> Service<'a> {
    pub(super) fn new(block: &'a Block, name: String, args: &Args) -> Self {
        // It is refused if it is the name of the type.
        let given = args.client.clone().filter(|client| *client != name);
        let client = match given {
            Some(client) => generated(&client),
            None => {
                let span = Span::call_site().located_at(span_of_name(&block.self_ty));
                Ident::new(&format!("{name}Client"), span)
            }
        };
        let mut service = Service {
            block,
            name,
            client,
            vis: &Visibility::Inherited,
            generics: outside(block),
            constructors: Vec::new(),
            requests: Vec::new(),
            helpers: Vec::new(),
            place: place::of_service(block.impl_token),
            has_namesakes: false,
        };
        let mut seen: Vec<&Function> = Vec::new();
        for method in block.methods() {
            let function = &method.function;
            if seen.iter().any(|seen| are_namesakes(seen, function)) {
                service.has_namesakes = true;
                continue;
            }
            seen.push(function);
            if width(&function.vis) > width(service.vis) {
                service.vis = &function.vis;
            }
            service.add(method);
        }
        service
    }

    fn add(&mut self, method: &'a Method) {
        let sig = &method.function.sig;
        if let Some(receiver) = sig.receiver() {
            self.requests.push(Request {
                method,
                remote: Remote::new(sig),
                receiver,
                taking: Taking::of(receiver, &self.block.self_ty),
            });
        } else if let Some(gives) = Gives::of(&sig.output, &self.block.self_ty) {
            self.constructors.push(Constructor {
                method,
                remote: Remote::keeping(sig),
                gives,
            });
        } else {
            self.helpers.push(method);
        }
    }
}

impl Service<'_> {
    /// What beside it has the name of its client.
    pub(super) fn namesake(&self) -> Option<&'static str> {
        let mut neighbours = self.place.neighbours.iter();
        let (kind, _) = neighbours.find(|(_, name)| self.client == name)?;
        Some(kind)
    }
}

impl Request<'_> {
    pub(super) fn function(&self) -> &Function {
        &self.method.function
    }
}

impl Constructor<'_> {
    pub(super) fn function(&self) -> &Function {
        &self.method.function
    }
}

impl<'a> Gives<'a> {
    fn of(output: &'a ReturnType, self_ty: &Type) -> Option<Self> {
        let ReturnType::Type(_, ty) = output else {
            return None;
        };
        if is_self(ty, self_ty) {
            return Some(Gives::Service);
        }
        let Type::Path(path) = ungrouped(ty) else {
            return None;
        };
        let last = path.path.segments.last()?;
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return None;
        };
        let mut types = arguments.args.iter().filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        });
        let holds_self = types.next().is_some_and(|first| is_self(first, self_ty));
        match last.ident.to_string().as_str() {
            "Result" if holds_self => Some(Gives::Result(types.next().unwrap_or(ty))),
            "Option" if holds_self => Some(Gives::Option),
            _ => None,
        }
    }
}

impl Taking {
    fn of(receiver: &Receiver, self_ty: &Type) -> Option<Self> {
        let of_reference = |is_mutable| {
            if is_mutable {
                Taking::Exclusive
            } else {
                Taking::Shared
            }
        };
        match &receiver.kind {
            ReceiverKind::Value => Some(Taking::Last),
            ReceiverKind::Reference(_, _, mutability) => Some(of_reference(mutability.is_some())),
            ReceiverKind::Typed(_, ty) => match ungrouped(ty) {
                ty if is_self(ty, self_ty) => Some(Taking::Last),
                Type::Reference(reference) if is_self(&reference.elem, self_ty) => {
                    Some(of_reference(reference.mutability.is_some()))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether this is `Self`, or the type's own name.
fn is_self(ty: &Type, self_ty: &Type) -> bool {
    let (Type::Path(path), Type::Path(own)) = (ungrouped(ty), ungrouped(self_ty)) else {
        return false;
    };
    if path.path.is_ident("Self") {
        return true;
    }
    let (last, own) = (path.path.segments.last(), own.path.segments.last());
    code(last) == code(own)
}

/// Whether one of the two cannot be.
fn are_namesakes(a: &Function, b: &Function) -> bool {
    let is_conditional = |function: &Function| {
        let mut attrs = function.attrs.iter();
        attrs.any(|attr: &Attribute| attr.path().is_ident("cfg"))
    };
    a.sig.ident == b.sig.ident && !is_conditional(a) && !is_conditional(b)
}

/// The parameters of an `impl` for code outside of it. They are types that live as long as a process.
fn outside(block: &Block) -> Generics {
    let mut generics = block.generics.clone();
    // Lifetimes are refused.
    generics.params = generics
        .params
        .into_iter()
        .filter(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
        .collect();
    for parameter in generics.type_params_mut() {
        for bound in &mut parameter.bounds {
            replace(bound, block);
        }
    }
    let lasting: Vec<WherePredicate> = generics
        .type_params()
        .map(|parameter| {
            let ident = &parameter.ident;
            syn::parse_quote!(#ident: 'static)
        })
        .collect();
    if let Some(clause) = &mut generics.where_clause {
        for predicate in &mut clause.predicates {
            replace(predicate, block);
        }
    }
    if !lasting.is_empty() {
        generics.make_where_clause().predicates.extend(lasting);
    }
    generics
}

fn replace<T: ToTokens + Parse>(part: &mut T, block: &Block) {
    if let Ok(replaced) = syn::parse2(moved_outside(part.to_token_stream(), block)) {
        *part = replaced;
    }
}

/// Tokens of an `impl` for code outside of it, where neither `Self` nor its lifetimes mean anything.
pub(super) fn moved_outside(tokens: TokenStream, block: &Block) -> TokenStream {
    let is_lifetime = |ident: &Ident| {
        let mut lifetimes = block.generics.lifetimes();
        lifetimes.any(|parameter| parameter.lifetime.ident == *ident)
    };
    let mut is_after_quote = false;
    let replace = |token| {
        let is_name_of_lifetime = is_after_quote;
        is_after_quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        match token {
            TokenTree::Ident(ident) if is_name_of_lifetime && is_lifetime(&ident) => {
                TokenTree::Ident(Ident::new("static", ident.span())).into()
            }
            TokenTree::Ident(ident) if ident == "Self" => {
                moved_outside(block.self_ty.to_token_stream(), block)
            }
            TokenTree::Group(group) => {
                let stream = moved_outside(group.stream(), block);
                let mut replaced = Group::new(group.delimiter(), stream);
                replaced.set_span(group.span());
                TokenTree::Group(replaced).into()
            }
            token => token.into(),
        }
    };
    tokens.into_iter().flat_map(replace).collect()
}

/// Which of two visibilities is the wider one.
fn width(vis: &Visibility) -> u8 {
    match vis {
        Visibility::Public(_) => 4,
        Visibility::Restricted(vis) if vis.path.is_ident("crate") => 3,
        Visibility::Restricted(vis) if vis.path.is_ident("super") => 1,
        Visibility::Restricted(vis) if vis.path.is_ident("self") => 0,
        Visibility::Restricted(_) => 2,
        Visibility::Inherited => 0,
    }
}

fn span_of_name(self_ty: &Type) -> Span {
    match ungrouped(self_ty) {
        Type::Path(ty) => match ty.path.segments.last() {
            Some(last) => last.ident.span(),
            None => Span::call_site(),
        },
        _ => Span::call_site(),
    }
}
