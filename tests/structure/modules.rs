//! The modules of a crate, and what each file takes from others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use quote::ToTokens;
use syn::{Attribute, Item, Visibility};

use crate::Arrows;
use crate::paths::paths;

/// A path of module names below the root.
pub type Module = Vec<String>;

/// The modules of a crate, tests left out.
pub struct Crate {
    modules: BTreeMap<Module, Contents>,
}

#[derive(Default)]
struct Contents {
    file: String,
    /// What the documentation of the module itself is made of.
    attributes: Vec<Attribute>,
    items: Vec<Item>,
    /// Names that this module takes from elsewhere, and from where.
    imports: BTreeMap<String, Vec<String>>,
    /// Paths in its own code. What it only passes on is not among them.
    used: Vec<Vec<String>>,
}

impl Crate {
    pub fn read(source: &Path) -> Crate {
        let mut read = Crate {
            modules: BTreeMap::new(),
        };
        read.file(source, "lib.rs", Module::new());
        read
    }

    fn file(&mut self, source: &Path, file: &str, module: Module) {
        let text = fs::read_to_string(source.join(file))
            .unwrap_or_else(|error| panic!("cannot read {file} of {module:?}: {error}"));
        let parsed = syn::parse_file(&text).expect("the file is Rust");
        self.items(source, file, module, parsed.attrs, parsed.items);
    }

    fn items(
        &mut self,
        source: &Path,
        file: &str,
        module: Module,
        attributes: Vec<Attribute>,
        items: Vec<Item>,
    ) {
        let mut contents = Contents {
            file: file.to_owned(),
            attributes,
            ..Contents::default()
        };
        for item in items {
            if self::attributes(&item).iter().any(is_for_tests) {
                continue;
            }
            contents.items.push(item.clone());
            match item {
                Item::Mod(child) => {
                    let mut below = module.clone();
                    below.push(child.ident.to_string());
                    match child.content {
                        Some((_, items)) => {
                            self.items(source, file, below, Vec::new(), items);
                        }
                        None => {
                            let file = named_file(&child.attrs);
                            let file = file.unwrap_or_else(|| file_of(source, &below));
                            self.file(source, &file, below);
                        }
                    }
                }
                Item::Use(item) => {
                    let passes_on = !matches!(item.vis, Visibility::Inherited);
                    let branches = paths(item.tree.to_token_stream());
                    contents.import(&item.tree, Vec::new());
                    if !passes_on {
                        contents.used.extend(branches);
                    }
                }
                item => contents.used.extend(paths(item.into_token_stream())),
            }
        }
        self.modules.insert(module, contents);
    }

    /// For each file, the files that it depends on.
    pub fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        for (module, contents) in &self.modules {
            let from = arrows.entry(contents.file.clone()).or_default();
            let targets = contents.used.iter();
            let targets = targets.filter_map(|path| self.resolve(module, path));
            let targets = targets.map(|(defining, _)| self.modules[&defining].file.clone());
            from.extend(targets.filter(|target| *target != contents.file));
        }
        arrows
    }

    /// Each module, with its own attributes and its items.
    pub fn modules(&self) -> impl Iterator<Item = (&Module, &[Attribute], &[Item])> {
        self.modules
            .iter()
            .map(|(module, contents)| (module, &*contents.attributes, &*contents.items))
    }

    /// The module that defines what `path` means in `module`, and the name that it has there, which
    /// is empty for the module itself; `None` if it is of another crate.
    pub fn resolve(&self, module: &Module, path: &[String]) -> Option<(Module, String)> {
        self.resolve_import(module, path, 0)
    }

    fn resolve_import(
        &self,
        module: &Module,
        path: &[String],
        depth: usize,
    ) -> Option<(Module, String)> {
        if depth > 16 {
            return None;
        }
        let (mut at, mut rest) = match path.first()?.as_str() {
            "crate" => (Module::new(), &path[1..]),
            "self" => (module.clone(), &path[1..]),
            "super" => (parent(module), &path[1..]),
            name => {
                let is_child = self.modules.contains_key(&below(module, name));
                let is_import = self.modules[module].imports.contains_key(name);
                if !is_child && !is_import {
                    return None;
                }
                (module.clone(), path)
            }
        };
        while let Some(name) = rest.first() {
            match name.as_str() {
                "self" => {}
                "super" => at = parent(&at),
                name if self.modules.contains_key(&below(&at, name)) => at.push(name.to_owned()),
                name => return self.item(&at, name, &rest[1..], depth),
            }
            rest = &rest[1..];
        }
        Some((at, String::new()))
    }

    /// Where the item of this name is defined which `module` has or passes on.
    fn item(
        &self,
        module: &Module,
        name: &str,
        rest: &[String],
        depth: usize,
    ) -> Option<(Module, String)> {
        let contents = &self.modules[module];
        if let Some(import) = contents.imports.get(name) {
            let path: Vec<String> = import.iter().chain(rest).cloned().collect();
            return self.resolve_import(module, &path, depth + 1);
        }
        Some((module.clone(), name.to_owned()))
    }
}

impl Contents {
    fn import(&mut self, tree: &syn::UseTree, mut stem: Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                stem.push(path.ident.to_string());
                self.import(&path.tree, stem);
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, stem.clone());
                }
            }
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                if name != "self" {
                    stem.push(name.clone());
                    self.imports.insert(name, stem);
                } else if let Some(last) = stem.last().cloned() {
                    self.imports.insert(last, stem);
                }
            }
            syn::UseTree::Rename(rename) => {
                stem.push(rename.ident.to_string());
                self.imports.insert(rename.rename.to_string(), stem);
            }
            // No file of these crates passes on all that another has.
            syn::UseTree::Glob(_) => {}
        }
    }
}

fn below(module: &Module, name: &str) -> Module {
    let mut below = module.clone();
    below.push(name.to_owned());
    below
}

fn parent(module: &Module) -> Module {
    module[..module.len().saturating_sub(1)].to_vec()
}

fn file_of(source: &Path, module: &Module) -> String {
    let stem = module.join("/");
    let file = format!("{stem}.rs");
    if source.join(&file).exists() {
        file
    } else {
        format!("{stem}/mod.rs")
    }
}

/// The file that `#[path = ".."]` names.
fn named_file(attributes: &[Attribute]) -> Option<String> {
    let path = attributes.iter().find(|it| it.path().is_ident("path"))?;
    let syn::Expr::Lit(syn::ExprLit {
        lit: syn::Lit::Str(file),
        ..
    }) = &path.meta.require_name_value().ok()?.value
    else {
        return None;
    };
    Some(file.value())
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let condition = attribute.to_token_stream().to_string();
    attribute.path().is_ident("cfg")
        && ["(test)", "any (test ,"]
            .iter()
            .any(|test| condition.contains(test))
        && !condition.contains("not")
}

/// The attributes of an item, its documentation among them.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
