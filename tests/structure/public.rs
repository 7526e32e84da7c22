//! The public items of a crate, with their documentation.
//!
//! An item is public if a path of `pub` modules and re-exports leads to it from `lib.rs`. What is
//! `#[doc(hidden)]` does not count.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::{Attribute, FnArg, ImplItem, Item, ReturnType, TraitItem, Type, Visibility};

use crate::modules::{Crate, Module, attributes};
use crate::paths::paths;

/// A public item.
#[derive(Debug)]
pub struct PublicItem {
    /// Its path, without the name of the crate.
    pub path: String,
    pub kind: Kind,
    /// Its documentation, as Markdown.
    pub docs: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Module,
    /// A struct, an enum, a union, a trait or an alias.
    Type,
    /// A function that stands by itself, or an attribute or derive of another crate.
    Function,
    /// An associated function without a receiver.
    Associated,
    /// A method that takes its receiver and nothing else, and returns something.
    Query,
    /// Any other method.
    Method,
    /// A variant, a field, a constant, or an implementation of a trait and what is in it.
    Part,
}

/// All public items of a crate, in no particular order.
pub fn items(of: &Crate) -> Vec<PublicItem> {
    let mut walk = Walk {
        of,
        types: BTreeSet::new(),
        found: Vec::new(),
    };
    walk.module(&Module::new());
    walk.implementations();
    walk.found
}

struct Walk<'a> {
    of: &'a Crate,
    /// The types that are public, as where they are defined.
    types: BTreeSet<(Module, String)>,
    found: Vec<PublicItem>,
}

impl Walk<'_> {
    fn push(&mut self, path: String, kind: Kind, attributes: &[Attribute]) {
        if !is_hidden(attributes) {
            let docs = docs(attributes);
            self.found.push(PublicItem { path, kind, docs });
        }
    }

    fn module(&mut self, module: &Module) {
        let (_, own, items) = self
            .of
            .modules()
            .find(|(other, ..)| *other == module)
            .expect("the module was read");
        self.push(module.join("::"), Kind::Module, own);
        for item in items {
            if is_hidden(attributes(item)) {
                continue;
            }
            match item {
                Item::Use(item) if is_public(&item.vis) => {
                    for path in paths(item.tree.to_token_stream()) {
                        match self.of.resolve(module, &path) {
                            Some((defining, name)) => self.named(&defining, &name),
                            None => self.push(path.join("::"), Kind::Function, &item.attrs),
                        }
                    }
                }
                Item::Mod(item) if is_public(&item.vis) => {
                    let mut below = module.clone();
                    below.push(item.ident.to_string());
                    self.module(&below);
                }
                item => self.item(module, item),
            }
        }
    }

    /// An item that another module passes on.
    fn named(&mut self, module: &Module, name: &str) {
        let mut modules = self.of.modules();
        let (_, _, items) = modules
            .find(|(other, ..)| *other == module)
            .expect("the module was read");
        for item in items {
            if item_name(item).is_some_and(|it| it == name) {
                self.item(module, item);
            }
        }
    }

    /// An item of a module, if it is public.
    fn item(&mut self, module: &Module, item: &Item) {
        let Some(name) = item_name(item) else {
            return;
        };
        let (visibility, kind) = match item {
            Item::Const(item) => (&item.vis, Kind::Part),
            Item::Enum(item) => (&item.vis, Kind::Type),
            Item::Fn(item) => (&item.vis, Kind::Function),
            Item::Struct(item) => (&item.vis, Kind::Type),
            Item::Trait(item) => (&item.vis, Kind::Type),
            Item::Type(item) => (&item.vis, Kind::Type),
            _ => return,
        };
        if !is_public(visibility) {
            return;
        }
        self.push(name.clone(), kind, attributes(item));
        if kind == Kind::Type {
            self.types.insert((module.clone(), name.clone()));
        }
        match item {
            Item::Enum(item) => {
                for variant in &item.variants {
                    let path = format!("{name}::{}", variant.ident);
                    self.push(path, Kind::Part, &variant.attrs);
                }
            }
            Item::Struct(item) => {
                for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                    let field_name = field.ident.as_ref().map_or("0".into(), ToString::to_string);
                    self.push(format!("{name}.{field_name}"), Kind::Part, &field.attrs);
                }
            }
            Item::Trait(item) => {
                for function in &item.items {
                    if let TraitItem::Fn(function) = function {
                        let path = format!("{name}::{}", function.sig.ident);
                        self.push(path, kind_of(&function.sig), &function.attrs);
                    }
                }
            }
            _ => {}
        }
    }

    /// What is implemented for public types.
    fn implementations(&mut self) {
        for (module, _, items) in self.of.modules() {
            for item in items {
                let Item::Impl(item) = item else { continue };
                let Type::Path(of) = &*item.self_ty else {
                    continue;
                };
                let segments = of.path.segments.iter();
                let path: Vec<String> = segments.map(|it| it.ident.to_string()).collect();
                let here = (module.clone(), path.join("::"));
                let defined = self.of.resolve(module, &path).unwrap_or(here);
                if !self.types.contains(&defined) {
                    continue;
                }
                let name = &defined.1;
                if let Some((of, _)) = &item.trait_ {
                    let of = of.segments.last().map(|it| it.ident.to_string());
                    let path = format!("{} for {name}", of.unwrap_or_default());
                    self.push(path, Kind::Part, &item.attrs);
                }
                for function in &item.items {
                    match function {
                        ImplItem::Fn(function) => {
                            let path = format!("{name}::{}", function.sig.ident);
                            if item.trait_.is_some() {
                                self.push(path, Kind::Part, &function.attrs);
                            } else if is_public(&function.vis) {
                                self.push(path, kind_of(&function.sig), &function.attrs);
                            }
                        }
                        ImplItem::Const(constant) if is_public(&constant.vis) => {
                            let path = format!("{name}::{}", constant.ident);
                            self.push(path, Kind::Part, &constant.attrs);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

fn item_name(item: &Item) -> Option<String> {
    Some(
        match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            _ => return None,
        }
        .to_string(),
    )
}

fn kind_of(signature: &syn::Signature) -> Kind {
    let returns = !matches!(signature.output, ReturnType::Default);
    match signature.inputs.first() {
        Some(FnArg::Receiver(_)) if signature.inputs.len() == 1 && returns => Kind::Query,
        Some(FnArg::Receiver(_)) => Kind::Method,
        _ => Kind::Associated,
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("doc")
            && attribute
                .meta
                .require_list()
                .is_ok_and(|list| list.tokens.to_string().contains("hidden"))
    })
}

/// The documentation that the attributes hold.
fn docs(attributes: &[Attribute]) -> String {
    let mut docs = String::new();
    for attribute in attributes {
        if attribute.path().is_ident("doc")
            && let Ok(pair) = attribute.meta.require_name_value()
            && let syn::Expr::Lit(literal) = &pair.value
            && let syn::Lit::Str(text) = &literal.lit
        {
            let text = text.value();
            docs.push_str(text.strip_prefix(' ').unwrap_or(&text));
            docs.push('\n');
        }
    }
    docs
}
