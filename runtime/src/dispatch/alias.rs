//! Names for functions that have none: the places in the source where they are called.
//!
//! An entry and its name last as long as the program. So there is one for each place, which is made when
//! the place is first seen, and never given back. They are found without a lock, which a copy of the
//! process, made by `fork`, could find locked for ever.

use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;

use super::registry::Entry;
use super::site::Site;

/// The entry under the name of the place where it is called.
pub(crate) fn named_after(base: &'static Entry, place: &Location<'static>) -> &'static Entry {
    alias(base, &Site::of(place))
}

/// The entry under the name of this place.
pub(super) fn alias<F: AsRef<str>>(base: &'static Entry, site: &Site<F>) -> &'static Entry {
    let mut next = &LISTS[site.line as usize % LISTS.len()];
    let mut made: Option<&'static Alias> = None;
    loop {
        let found = next.get_or_init(|| *made.get_or_insert_with(|| Alias::new(base, site)));
        if ptr::eq(found.entry.base(), base) && found.site.is(site) {
            return &found.entry;
        }
        next = &found.next;
    }
}

/// An entry of a list, and what comes behind it.
struct Alias {
    site: Site,
    entry: Entry,
    next: OnceLock<&'static Alias>,
}

/// One for each remainder of the line's number.
static LISTS: [OnceLock<&'static Alias>; 64] = [const { OnceLock::new() }; 64];

impl Alias {
    fn new<F: AsRef<str>>(base: &'static Entry, site: &Site<F>) -> &'static Alias {
        let site = site.with_file(|file| &*file.to_owned().leak());
        let name = format!("{} at {site}", base.name()).leak();
        Box::leak(Box::new(Alias {
            site,
            entry: Entry::alias(base, name, site),
            next: OnceLock::new(),
        }))
    }
}
