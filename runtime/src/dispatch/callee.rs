//! A worker, in words that another process of this program understands.

use serde::{Deserialize, Serialize};

use super::alias::alias;
use super::registry::{Entry, EntryId};
use super::site::Site;
use crate::sys::image;

/// A worker, by its place, and its path to check it by.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Callee {
    place: EntryId,
    path: String,
    /// Where it is called, if that is its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    site: Option<Site<String>>,
}

impl Callee {
    pub(crate) fn new(entry: &Entry, place: EntryId) -> Callee {
        Callee {
            place,
            path: entry.path(),
            site: entry.site().map(|site| site.with_file(str::to_owned)),
        }
    }

    /// The worker in this process.
    pub(crate) fn find(&self) -> Result<&'static Entry, String> {
        let Some(entry) = Entry::find(&self.place, &self.path) else {
            return Err(format!(
                "the process runs another program, without the worker {}",
                self.path
            ));
        };
        Ok(match &self.site {
            Some(site) => alias(entry, site),
            None => entry,
        })
    }
}

/// A worker, in words that another process of the same build understands, wherever its file is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct PortableCallee {
    place: Place,
    path: String,
    name: String,
    site: Option<Site<String>>,
}

/// Where an entry is in an image of the same build.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Place {
    Slice(usize),
    Image(u64),
}

impl PortableCallee {
    pub(crate) fn new(entry: &Entry, place: &EntryId) -> PortableCallee {
        PortableCallee {
            place: match place {
                EntryId::Slice(index) => Place::Slice(*index),
                EntryId::Image(_, distance) => Place::Image(*distance),
            },
            path: entry.path(),
            name: entry.name().to_owned(),
            site: entry.site().map(|site| site.with_file(str::to_owned)),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The worker in this process, which runs the same build.
    pub(crate) fn find(&self) -> Option<&'static Entry> {
        let place = match self.place {
            Place::Slice(index) => EntryId::Slice(index),
            Place::Image(distance) => EntryId::Image(image::identity()?, distance),
        };
        let entry = Entry::find(&place, &self.path)?;
        Some(match &self.site {
            Some(site) => alias(entry, site),
            None => entry,
        })
    }
}
