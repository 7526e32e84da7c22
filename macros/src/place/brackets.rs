//! Brackets of a text, and what has been read in them.

use super::known_attributes::leaves_name;

/// What is known of the surroundings of a function, or of the `impl` of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// It stands in an `impl` or a `trait`.
    pub(crate) is_associated: bool,
    /// An attribute above it makes a test of it, such as `test`.
    pub(crate) test: Option<String>,
    /// What of the same name stands beside it, such as `mod`; or before it, if that is a function, too.
    pub(crate) namesake: Option<&'static str>,
    /// The types and modules beside a service, each with what it is.
    pub(crate) neighbours: Vec<(&'static str, String)>,
    /// Another `impl` of the same type before it is a service.
    pub(crate) is_repeated: bool,
}

/// The line and the column of a function's name or of the word `impl`, both counted from one.
pub(super) type Position = (usize, usize);

/// Brackets that are not closed yet, and what has been read in them since the last item.
#[derive(Default)]
pub(super) struct Open {
    pub(super) inside: Inside,
    /// The first word that is no modifier.
    pub(super) keyword: Option<String>,
    pub(super) attributes: Vec<String>,
    /// The last token: a word, or a mark.
    pub(super) last: String,
    /// What stands before the last token.
    pub(super) before: String,
    /// The path at the beginning, for an attribute.
    pub(super) path: Option<String>,
    /// What is known of the functions.
    pub(super) functions: Vec<(Position, String, Place)>,
    /// The other items, unless they may be left out.
    pub(super) items: Vec<(&'static str, String)>,
    /// The service that is being read.
    pub(super) service: Option<Service>,
    pub(super) services: Vec<Service>,
}

/// The `impl` of a service.
pub(super) struct Service {
    pub(super) position: Position,
    /// What stands from there to its `{`.
    pub(super) header: String,
}

/// What brackets are for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Inside {
    #[default]
    Code,
    /// An `impl` or a `trait`.
    Impl,
    Attribute,
    /// `#![..]`, or what is part of an attribute.
    Ignored,
    /// What becomes of it is not known.
    Macro,
}

impl Open {
    pub(super) fn is_impl(&self) -> bool {
        matches!(self.keyword.as_deref(), Some("impl" | "trait"))
    }

    pub(super) fn is_service(&self) -> bool {
        let mut paths = self.attributes.iter();
        paths.any(|path| path.rsplit("::").next() == Some("service"))
    }

    /// Nothing has been read of the next item.
    pub(super) fn renew(&mut self) {
        *self = Open {
            inside: self.inside,
            functions: std::mem::take(&mut self.functions),
            items: std::mem::take(&mut self.items),
            services: std::mem::take(&mut self.services),
            ..Open::default()
        };
    }

    /// The function whose name was read last.
    pub(super) fn function(&mut self, position: Position, name: String) {
        let tests = self.attributes.iter();
        let place = Place {
            is_associated: self.inside == Inside::Impl,
            test: tests
                // Ours says itself that a worker is none.
                .filter(|path| *path != "multiproc::test" && self.inside != Inside::Macro)
                .find(|path| path.rsplit("::").next() == Some("test"))
                .cloned(),
            namesake: self
                .items
                .iter()
                .find(|item| **item == ("fn", name.clone()))
                .map(|_| "fn"),
            ..Place::default()
        };
        if self.is_sure() {
            self.items.push(("fn", name.clone()));
        }
        self.functions.push((position, name, place));
    }

    /// The keyword of the item whose name comes next, unless it may be left out.
    pub(super) fn kind_of_item(&self) -> Option<&'static str> {
        let keyword = self
            .keyword
            .as_ref()
            .filter(|keyword| **keyword == self.last)?;
        let kind = KINDS.iter().find(|kind| *kind == keyword)?;
        self.is_sure().then_some(kind)
    }

    /// Whether the item that is being read stands where it is written, under its name.
    pub(super) fn is_sure(&self) -> bool {
        self.inside == Inside::Code && self.attributes.iter().all(|path| leaves_name(path))
    }

    /// The functions and services of which there is something to tell.
    pub(super) fn places(self) -> Vec<(Position, Place)> {
        let Open {
            functions,
            mut items,
            services,
            ..
        } = self;
        items.retain(|(kind, _)| *kind != "fn");
        let functions = functions.into_iter().map(|(position, name, mut place)| {
            let namesake = items.iter().find(|(_, item)| *item == name);
            place.namesake = place.namesake.or(namesake.map(|(kind, _)| *kind));
            (position, place)
        });
        let repeated = services.iter().enumerate().map(|(index, service)| {
            let place = Place {
                neighbours: items.clone(),
                is_repeated: service.repeats_any(&services[..index]),
                ..Place::default()
            };
            (service.position, place)
        });
        functions
            .chain(repeated)
            .filter(|(_, place)| *place != Place::default())
            .collect()
    }

    pub(super) fn set_last(&mut self, token: String) {
        if let Some(service) = &mut self.service {
            service.header.push_str(&token);
            service.header.push(' ');
        }
        self.before = std::mem::replace(&mut self.last, token);
    }
}

impl Service {
    fn repeats_any(&self, others: &[Service]) -> bool {
        // What stands in brackets is not read.
        !self.header.contains(['(', '[']) && others.iter().any(|other| other.header == self.header)
    }
}

/// What may stand before the word that says what an item is.
pub(super) const MODIFIERS: [&str; 5] = ["auto", "const", "default", "pub", "unsafe"];

/// The words that say of an item that its name is that of a type or a module.
const KINDS: [&str; 6] = ["enum", "mod", "struct", "trait", "type", "union"];
