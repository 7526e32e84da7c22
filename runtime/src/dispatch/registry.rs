//! The workers of this program, and how one process names one to another.
//!
//! Most workers stand in a [slice](workers) that the linker puts together. Parent and child are the same
//! image, so an entry's place in the slice means the same in both. Its path goes along and is
//! checked, so that a mistake in this reasoning is an error and not a call of another function.
//!
//! The slice is as linkme's are, but for one thing: those keep all that they hold, and so each worker
//! would count as used. An entry is needed only by code that calls its worker, and refers to it, so
//! nothing keeps it here. Of a worker that is never called, the compiler says that it is never used,
//! and the linker leaves its entry out.
//!
//! The instances of a generic worker stand in no slice: the linker cannot collect what the
//! compiler makes while it uses them. Their entries are constants somewhere in the image, and
//! are named by their distance from its beginning. That means something in the same image only, so
//! parent and child first compare what image they run: the file's device, number, size and time,
//! which `exec` of `/proc/self/exe` and cloning both keep.

#![expect(
    unsafe_code,
    reason = "the linker's symbols stand around the slice, and what another process of the same image names by distance is taken at its word"
)]

use std::fmt;
#[cfg(target_os = "linux")]
use std::slice;
use std::sync::OnceLock;
use std::time::Duration;

use linkme::distributed_slice;
use serde::{Deserialize, Serialize};

use super::job::Job;
use super::reply::Failure;
use super::site::Site;
use crate::sys::image::{self, ImageId};

#[cfg(target_os = "linux")]
#[expect(improper_ctypes, reason = "only the linker hears of it")]
unsafe extern "C" {
    /// Where the section begins.
    #[link_name = "__start_multiproc_workers"]
    static START: Entry;
    /// Where it ends.
    #[link_name = "__stop_multiproc_workers"]
    static STOP: Entry;
}

/// The section is there in programs without workers, too: without it, there are no such symbols.
#[cfg(target_os = "linux")]
// SAFETY: the section holds entries, and this is none.
#[unsafe(link_section = "multiproc_workers")]
#[used]
static NONE: [Entry; 0] = [];

/// Every worker of the program that is not generic, and is called somewhere.
pub(super) fn workers() -> &'static [Entry] {
    #[cfg(target_os = "linux")]
    {
        let (start, stop) = (&raw const START, &raw const STOP);
        let count = (stop.addr() - start.addr()) / size_of::<Entry>();
        // SAFETY: `START` and `STOP` are those of a section of this program (or of the library, if it is
        // part of one), which the linker has defined (ELF specification, and the manual of `ld`:
        // "orphan sections"). Only `register!` and `NONE` put anything there, which is entries, that is,
        // statics of one type. Their size is a multiple of their alignment, so no padding is between.
        unsafe { slice::from_raw_parts(start, count) }
    }
    #[cfg(not(target_os = "linux"))]
    {
        &[]
    }
}

/// Every start-up function of the program.
#[distributed_slice]
pub static STARTUPS: [Startup];

type Dispatch = fn(&mut Job<'_>) -> Result<(), Failure>;

/// Whether some service is called in this program that is not generic.
pub(crate) fn has_services() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| workers().iter().any(|entry| entry.is_service))
}

/// A worker as the runtime knows it.
pub struct Entry {
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    dispatch: Dispatch,
    defaults: Defaults,
    is_service: bool,
    /// The entry in the image that this one is another name of, and what that comes from.
    alias: Option<(&'static Entry, Site)>,
}

/// What a worker's options say, for calls that do not say otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    pub(crate) timeout: Option<Duration>,
    pub(crate) memory: Option<u64>,
    pub(crate) stack: Option<usize>,
    pub(crate) nice: Option<i32>,
    pub(crate) before_worker: Option<fn()>,
}

impl Defaults {
    /// Whether they say nothing, or how long a worker may take.
    #[inline]
    pub(crate) fn are_plain(&self) -> bool {
        self.memory.is_none()
            && self.stack.is_none()
            && self.nice.is_none()
            && self.before_worker.is_none()
    }
}

impl Entry {
    /// An entry for generated code to register, or to keep as a constant.
    #[must_use]
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        dispatch: Dispatch,
    ) -> Entry {
        Entry {
            name,
            module,
            file,
            line,
            dispatch,
            defaults: Defaults {
                timeout: None,
                memory: None,
                stack: None,
                nice: None,
                before_worker: None,
            },
            is_service: false,
            alias: None,
        }
    }

    /// Another name of an entry, from the place in the source where it is called.
    pub(super) fn alias(base: &'static Entry, name: &'static str, site: Site) -> Entry {
        Entry {
            name,
            alias: Some((base, site)),
            ..*base
        }
    }

    /// The entry that stands in the image.
    pub(crate) fn base(&'static self) -> &'static Entry {
        self.alias.as_ref().map_or(self, |(base, _)| base)
    }

    /// The place in the source that it has its name from.
    pub(crate) fn site(&self) -> Option<&Site> {
        self.alias.as_ref().map(|(_, site)| site)
    }

    /// The option `timeout`.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Entry {
        self.defaults.timeout = Some(timeout);
        self
    }

    /// The option `memory`, in bytes.
    #[must_use]
    pub const fn memory(mut self, bytes: u64) -> Entry {
        self.defaults.memory = Some(bytes);
        self
    }

    /// The option `stack`, in bytes.
    #[must_use]
    pub const fn stack(mut self, bytes: usize) -> Entry {
        self.defaults.stack = Some(bytes);
        self
    }

    /// The option `nice`.
    #[must_use]
    pub const fn nice(mut self, increment: i32) -> Entry {
        self.defaults.nice = Some(increment);
        self
    }

    /// The option `before_worker`.
    #[must_use]
    pub const fn before_worker(mut self, hook: fn()) -> Entry {
        self.defaults.before_worker = Some(hook);
        self
    }

    /// Notes that it serves an object's requests, and does not run one function.
    #[must_use]
    pub const fn service(mut self) -> Entry {
        self.is_service = true;
        self
    }

    pub(crate) fn is_service(&self) -> bool {
        self.is_service
    }

    /// The name of the function.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The name of a process that runs it, unless the call gives it another.
    pub(crate) fn process_name(&self) -> String {
        match self.site() {
            Some(site) => site.label(),
            None => self.name.to_owned(),
        }
    }

    /// What identifies the worker to people and to the check in the child.
    pub(crate) fn path(&self) -> String {
        let Entry {
            name,
            module,
            file,
            line,
            ..
        } = self.alias.as_ref().map_or(self, |(base, _)| base);
        format!("{module}::{name} ({file}:{line})")
    }

    #[inline]
    pub(crate) fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    pub(super) fn dispatch(&self, job: &mut Job<'_>) -> Result<(), Failure> {
        (self.dispatch)(job)
    }

    /// How to name this entry to another process of this program; `None` if it is not the
    /// program's.
    pub(crate) fn place(&'static self) -> Option<EntryId> {
        let base = self.base();
        let offset = std::ptr::from_ref(base)
            .addr()
            .checked_sub(workers().as_ptr().addr());
        let index = offset.map(|offset| offset / size_of::<Entry>());
        match index.filter(|index| {
            workers()
                .get(*index)
                .is_some_and(|it| std::ptr::eq(it, base))
        }) {
            Some(index) => Some(EntryId::Slice(index)),
            None => Some(EntryId::Image(
                image::identity()?,
                image::distance(std::ptr::from_ref(base).cast())?,
            )),
        }
    }

    /// The entry at this place, if it has this path.
    pub(crate) fn find(place: &EntryId, path: &str) -> Option<&'static Entry> {
        let entry = match place {
            EntryId::Slice(index) => workers().get(*index)?,
            EntryId::Image(image, distance) => {
                let address = image::find(image, *distance)?.cast::<Entry>();
                if !address.is_aligned() {
                    return None;
                }
                // SAFETY: the parent runs this image and has an entry, a constant in the image,
                // at this distance from its beginning; so there is one here.
                unsafe { &*address }
            }
        };
        entry.has_path(path).then_some(entry)
    }

    /// Whether that is its [`path`](Entry::path), without making one: every child and every task asks.
    fn has_path(&self, path: &str) -> bool {
        let base = self.alias.as_ref().map_or(self, |(base, _)| base);
        let parts = [base.module, "::", base.name, " (", base.file, ":"];
        let line = parts
            .iter()
            .try_fold(path, |rest, part| rest.strip_prefix(part))
            .and_then(|rest| rest.strip_suffix(')'));
        line.is_some_and(|line| line.parse() == Ok(base.line))
    }
}

/// Where an entry is, in words that another process of this program understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EntryId {
    /// At this index of the slice.
    Slice(usize),
    /// At this distance from the beginning of this image.
    Image(ImageId, u64),
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.path()).finish()
    }
}

/// A function that runs in each child before its worker.
pub struct Startup {
    name: &'static str,
    module: &'static str,
    run: fn(),
}

impl Startup {
    /// An entry for generated code to put into [`STARTUPS`].
    #[must_use]
    pub const fn new(name: &'static str, module: &'static str, run: fn()) -> Startup {
        Startup { name, module, run }
    }

    pub(crate) fn run(&self) {
        (self.run)();
    }
}

impl fmt::Debug for Startup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Startup({}::{})", self.module, self.name)
    }
}
