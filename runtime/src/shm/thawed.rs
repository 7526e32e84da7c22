//! What this process has of frozen values: each is decoded once, however many handles arrive.
//!
//! All handles of a process to one value are of one [`Lease`], found by the identity of the file.
//!
//! # Kept between handles
//!
//! A process may get handles one after the other, and have none in between. So what is decoded outlives the last
//! handle here, as long as there is one anywhere else. The kernel knows that. The
//! opening of the file that handles travel with has the lock on a byte ([`ofd_lock`]), which goes
//! when no process and no message has a descriptor of that opening. A process that has no handle but keeps the
//! value has another opening of the file, and asks: a thread of its own, the *keeper*, which is there as long as
//! something is kept. Nothing that is dead keeps anything alive, and no process waits for another.
//!
//! | step | what if the process dies right after it |
//! |---|---|
//! | the last handle goes: the file is opened anew, to be able to ask | the kernel closes both |
//! | its descriptor is closed | other processes find no lock, if it was the last |
//! | the value is kept, if the byte is still locked | it goes with the process |
//! | the keeper finds that the lock is gone | there is no handle left that could be sent: the value is given up |
//!
//! Only [`KEPT`] values are kept, those that were used last: a program that sends thousands of different
//! ones may not have room for all.
//!
//! A worker of a pool that gets the same values with many tasks has handles to as many for as long as it is busy:
//! they are left with the files that came with its tasks ([`CommonFile`](crate::codec::CommonFile)), and a task
//! finds them without a system call.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use super::sealed::{Bytes, HANDLES};
use crate::codec::Error;
use crate::foreign;
use crate::lock::lock;
use crate::sys::copy::Home;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::memory::{self, FileId};
use crate::sys::ofd_lock;

/// How many values are kept without a handle.
const KEPT: usize = 8;

/// How long the keeper sleeps before it asks: this at first, then longer and longer.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// A value in the form in which it is lent.
pub(super) enum Content<T: ?Sized> {
    Decoded(Box<T>),
    Mapped(Bytes, fn(&Bytes) -> &T),
}

/// How the content comes out of the file.
pub(super) type Thaw<T> = fn(&OwnedFd) -> Result<Content<T>, Error>;

/// What the handles of this process to a value have in common.
pub(super) struct Lease<T: ?Sized> {
    hold: Hold,
    content: OnceLock<Result<Arc<Content<T>>, Error>>,
    thaw: Thaw<T>,
    /// Tells the table of the content.
    note: fn(&Hold, &Arc<Content<T>>),
}

/// The same, whatever the type.
struct Hold {
    key: Key,
    home: Home,
    /// None when it is dropped.
    file: Option<Arc<OwnedFd>>,
}

/// A value, and the type as which it was read.
type Key = (FileId, TypeId);

type Erased = dyn Any + Send + Sync;

#[derive(Default)]
struct Table {
    known: HashMap<Key, Known>,
    /// Counts leases.
    clock: u64,
    has_keeper: bool,
}

#[derive(Default)]
struct Known {
    lease: Option<Weak<Erased>>,
    content: Option<Weak<Erased>>,
    kept: Option<Kept>,
    last_use: u64,
}

struct Kept {
    /// Only held.
    _content: Arc<Erased>,
    /// An opening without the lock, to ask whether another has it.
    watch: OwnedFd,
}

static TABLE: Mutex<Option<Table>> = Mutex::new(None);

fn table() -> MutexGuard<'static, Option<Table>> {
    lock(&TABLE)
}

impl<T: ?Sized> Content<T> {
    fn value(&self) -> &T {
        match self {
            Content::Decoded(value) => value,
            Content::Mapped(bytes, view) => view(bytes),
        }
    }
}

impl<T: ?Sized> Lease<T> {
    /// The value, which is decoded if it is not there.
    pub(super) fn value(&self) -> Result<&T, &Error> {
        match self.content.get_or_init(|| self.thaw()) {
            Ok(content) => Ok(content.value()),
            Err(error) => Err(error),
        }
    }

    #[cold]
    fn thaw(&self) -> Result<Arc<Content<T>>, Error> {
        let file = self.file().ok_or_else(Error::damaged_handle)?;
        let content = Arc::new((self.thaw)(file)?);
        (self.note)(&self.hold, &content);
        Ok(content)
    }

    /// What a handle is sent with. It is there as long as the lease is.
    pub(super) fn file(&self) -> Option<&Arc<OwnedFd>> {
        self.hold.file.as_ref()
    }
}

impl<T: ?Sized + Send + Sync + 'static> Lease<T> {
    /// The lease of the value in a file that this process has made. It is not decoded yet.
    pub(super) fn create(file: OwnedFd, thaw: Thaw<T>) -> io::Result<Arc<Lease<T>>> {
        Lease::find(&Arc::new(file), thaw)
    }

    /// The lease of the value in a file that has arrived. It is decoded if this process has not got it.
    pub(super) fn receive(file: &Arc<OwnedFd>, thaw: Thaw<T>) -> Result<Arc<Lease<T>>, Error> {
        let lease = Lease::find(file, thaw).map_err(Error::display)?;
        // Another thread that receives it at the same time waits for this; others do not.
        match lease.value() {
            Ok(_) => Ok(lease),
            Err(error) => Err(error.clone()),
        }
    }

    fn find(file: &Arc<OwnedFd>, thaw: Thaw<T>) -> io::Result<Arc<Lease<T>>> {
        let (identity, _) = memory::inspect_sealed(file.as_fd())?;
        let key = (identity, TypeId::of::<T>());
        let mut table = table();
        let table = table.get_or_insert_default();
        table.clock += 1;
        let known = table.known.entry(key).or_default();
        known.last_use = table.clock;
        let lease = known.lease.as_ref().and_then(Weak::upgrade);
        if let Some(lease) = lease.and_then(|lease| lease.downcast().ok()) {
            return Ok(lease);
        }
        let content = known.content.as_ref().and_then(Weak::upgrade);
        let content = content.and_then(|content| content.downcast().ok());
        let lease: Arc<Lease<T>> = Arc::new(Lease {
            hold: Hold {
                key,
                home: Home::here(),
                file: Some(Arc::clone(file)),
            },
            content: content.map_or_else(OnceLock::new, |content| OnceLock::from(Ok(content))),
            thaw,
            note: Hold::note,
        });
        let erased: Arc<Erased> = Arc::clone(&lease) as _;
        known.lease = Some(Arc::downgrade(&erased));
        Ok(lease)
    }
}

impl Hold {
    /// Lets leases to come find the content.
    fn note<T: ?Sized + Send + Sync + 'static>(&self, content: &Arc<Content<T>>) {
        let erased: Arc<Erased> = Arc::clone(content) as _;
        if let Some(known) = table().get_or_insert_default().known.get_mut(&self.key) {
            known.content = Some(Arc::downgrade(&erased));
        }
    }

    /// An opening to ask by, if there are handles elsewhere when ours is gone.
    fn let_go(&mut self) -> Option<OwnedFd> {
        let file = self.file.take()?;
        // If that fails, nothing is kept.
        let watch = memory::reopen(file.as_fd()).ok()?;
        drop(file);
        ofd_lock::is_held(watch.as_fd(), HANDLES)
            .ok()?
            .then_some(watch)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.home.is_here() {
            // A copy made by `fork`, where another thread may have had the table.
            return;
        }
        let watch = self.let_go();
        let mut table = table();
        let given_up = table.get_or_insert_default().put_away(self.key, watch);
        drop(table);
        drop(given_up);
    }
}

impl Table {
    /// Keeps a value whose last lease is gone, or gives it up. What is returned is to be dropped when the
    /// table is free: it has destructors of users.
    fn put_away(&mut self, key: Key, watch: Option<OwnedFd>) -> Vec<Known> {
        let Some(known) = self.known.get_mut(&key) else {
            return Vec::new();
        };
        if known.is_leased() {
            // A handle has arrived since.
            return Vec::new();
        }
        let content = known.content.as_ref().and_then(Weak::upgrade);
        let (Some(watch), Some(content)) = (watch, content) else {
            return Vec::from_iter(self.known.remove(&key));
        };
        known.kept.get_or_insert(Kept {
            _content: content,
            watch,
        });
        if !self.has_keeper {
            let keeper = thread::Builder::new().name("multiproc-frozen".to_owned());
            self.has_keeper = keeper.spawn(keep).is_ok();
        }
        if !self.has_keeper {
            // Without one it would never be given up.
            return Vec::from_iter(self.known.remove(&key));
        }
        let mut idle: Vec<(u64, Key)> = self
            .known
            .iter()
            .filter(|(_, known)| known.kept.is_some() && !known.is_leased())
            .map(|(key, known)| (known.last_use, *key))
            .collect();
        idle.sort_unstable_by_key(|(last_use, _)| *last_use);
        let excess = idle.len().saturating_sub(KEPT);
        let excess = idle.iter().take(excess);
        excess
            .filter_map(|(_, key)| self.known.remove(key))
            .collect()
    }

    /// Takes out what no process can send a handle to any more.
    fn give_up(&mut self) -> Vec<Known> {
        let is_over = |known: &Known| {
            let kept = known.kept.as_ref();
            !known.is_leased()
                // Where the kernel does not answer, nothing is given up.
                && kept.is_some_and(|kept| matches!(ofd_lock::is_held(kept.watch.as_fd(), HANDLES), Ok(false)))
        };
        let over = self.known.extract_if(|_, known| is_over(known));
        over.map(|(_, known)| known).collect()
    }
}

impl Known {
    fn is_leased(&self) -> bool {
        let lease = self.lease.as_ref();
        lease.is_some_and(|lease| lease.strong_count() > 0)
    }
}

/// The keeper: gives up what is kept for nothing, until nothing is kept.
fn keep() {
    let mut pause = SHORTEST;
    loop {
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST);
        let mut locked = table();
        let Some(table) = &mut *locked else { return };
        let given_up = table.give_up();
        table.has_keeper = table.known.values().any(|known| known.kept.is_some());
        let is_over = !table.has_keeper;
        drop(locked);
        // It may have a destructor.
        foreign::call(|| drop(given_up));
        if is_over {
            return;
        }
    }
}

impl<T: ?Sized> fmt::Debug for Lease<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
