//! A worker, in words that another process of this program understands.

use serde::{Deserialize, Serialize};

use super::alias::alias;
use super::registry::{Entry, EntryId};
use super::site::Site;

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
