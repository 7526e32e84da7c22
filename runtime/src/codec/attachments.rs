//! Descriptors that travel with a value.
//!
//! serde has no place for them, so while a value is being written or read its message's list
//! hangs on the thread. A handle's `Serialize` calls [`attach`] and writes the number it gets;
//! its `Deserialize` reads the number and calls [`detach`]. Outside a message both are errors
//! that say so: a handle cannot be written to a file or into JSON.
//!
//! Scopes nest: a `Serialize` that itself sends something gets a list of its own.
//!
//! Some handles can be in one place only. Their `Serialize` calls [`depart`] too, and is told
//! what became of the message: when it was sent, the local handle is one no longer.

use std::cell::RefCell;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::Error;

type List = Vec<Arc<OwnedFd>>;

/// What travels with a message being written.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) descriptors: List,
    pub(super) departures: Vec<Departure>,
}

/// A handle that leaves this process with the message it is written into.
pub(crate) trait Depart: Send + Sync {
    /// The message was sent, or it was not and will not be.
    fn settle(&self, sent: bool);
}

/// The departure of a handle; settled when dropped.
pub(crate) struct Departure {
    handle: Arc<dyn Depart>,
    sent: bool,
}

impl Departure {
    /// The message was sent.
    pub(super) fn confirm(&mut self) {
        self.sent = true;
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        self.handle.settle(self.sent);
    }
}

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departure")
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

/// Lets a handle leave with the message being written. It is settled in any case, at once if
/// there is no such message.
pub(crate) fn depart(handle: Arc<dyn Depart>) -> Result<(), Error> {
    let departure = Departure {
        handle,
        sent: false,
    };
    OUTGOING.with_borrow_mut(|outgoing| {
        let outgoing = outgoing.as_mut().ok_or_else(outside)?;
        outgoing.departures.push(departure);
        Ok(())
    })
}

thread_local! {
    static OUTGOING: RefCell<Option<Outgoing>> = const { RefCell::new(None) };
    static INCOMING: RefCell<Option<List>> = const { RefCell::new(None) };
}

/// Adds a descriptor to the message being written and returns its number there.
///
/// The same `Arc` is sent once however often it is attached.
pub(crate) fn attach(descriptor: &Arc<OwnedFd>) -> Result<u32, Error> {
    OUTGOING.with_borrow_mut(|list| {
        let list = &mut list.as_mut().ok_or_else(outside)?.descriptors;
        let place = match list.iter().position(|known| Arc::ptr_eq(known, descriptor)) {
            Some(place) => place,
            None => {
                list.push(Arc::clone(descriptor));
                list.len() - 1
            }
        };
        u32::try_from(place).map_err(|_| Error::new("too many descriptors in one message"))
    })
}

/// The descriptor with this number of the message being read.
pub(crate) fn detach(number: u32) -> Result<Arc<OwnedFd>, Error> {
    INCOMING.with_borrow(|list| {
        let list = list.as_ref().ok_or_else(outside)?;
        list.get(number as usize)
            .cloned()
            .ok_or_else(|| Error::new(format!("the message has no descriptor {number}")))
    })
}

fn outside() -> Error {
    Error::new(
        "a handle to something shared between processes can only be written into a message to \
         another process: an argument, a result or an item of a channel",
    )
}

/// Runs `write` with `outgoing` as what [`attach`] and [`depart`] add to.
pub(super) fn collecting<R>(outgoing: &mut Outgoing, write: impl FnOnce() -> R) -> R {
    let scope = Scope::enter(&OUTGOING, std::mem::take(outgoing));
    let result = write();
    *outgoing = scope.leave();
    result
}

/// Runs `read` with `list` as the list that [`detach`] looks into.
pub(super) fn offering<R>(list: &mut List, read: impl FnOnce() -> R) -> R {
    let scope = Scope::enter(&INCOMING, std::mem::take(list));
    let result = read();
    *list = scope.leave();
    result
}

type Slot<L> = std::thread::LocalKey<RefCell<Option<L>>>;

/// Puts the outer list back, also when the user's code in between panics.
struct Scope<L: Default + 'static> {
    slot: &'static Slot<L>,
    outer: Option<L>,
}

impl<L: Default> Scope<L> {
    fn enter(slot: &'static Slot<L>, list: L) -> Scope<L> {
        let outer = slot.replace(Some(list));
        Scope { slot, outer }
    }

    fn leave(mut self) -> L {
        self.slot.replace(self.outer.take()).unwrap_or_default()
    }
}

impl<L: Default> Drop for Scope<L> {
    fn drop(&mut self) {
        if let Some(outer) = self.outer.take() {
            self.slot.set(Some(outer));
        } else if std::thread::panicking() {
            // What was collected is dropped when the slot is no longer borrowed.
            drop(self.slot.take());
        }
    }
}
