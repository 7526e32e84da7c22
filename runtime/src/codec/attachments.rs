//! Descriptors that travel with a value.
//!
//! serde has no place for them, so while a value is being written or read its message's list
//! hangs on the thread. A handle's `Serialize` calls [`attach`] and writes the number it gets;
//! its `Deserialize` reads the number and calls [`detach`]. Outside a message both are errors
//! that say so: a handle cannot be written to a file or into JSON.
//!
//! Scopes nest: a `Serialize` that itself sends something gets a list of its own.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::Error;

type List = Vec<Arc<OwnedFd>>;

thread_local! {
    static OUTGOING: RefCell<Option<List>> = const { RefCell::new(None) };
    static INCOMING: RefCell<Option<List>> = const { RefCell::new(None) };
}

/// Adds a descriptor to the message being written and returns its number there.
///
/// The same `Arc` is sent once however often it is attached.
pub(crate) fn attach(descriptor: &Arc<OwnedFd>) -> Result<u32, Error> {
    OUTGOING.with_borrow_mut(|list| {
        let list = list.as_mut().ok_or_else(outside)?;
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

/// Runs `write` with `list` as the list that [`attach`] adds to.
pub(super) fn collecting<R>(list: &mut List, write: impl FnOnce() -> R) -> R {
    let scope = Scope::enter(&OUTGOING, std::mem::take(list));
    let result = write();
    *list = scope.leave();
    result
}

/// Runs `read` with `list` as the list that [`detach`] looks into.
pub(super) fn offering<R>(list: &mut List, read: impl FnOnce() -> R) -> R {
    let scope = Scope::enter(&INCOMING, std::mem::take(list));
    let result = read();
    *list = scope.leave();
    result
}

type Slot = std::thread::LocalKey<RefCell<Option<List>>>;

/// Puts the outer list back, also when the user's code in between panics.
struct Scope {
    slot: &'static Slot,
    outer: Option<List>,
}

impl Scope {
    fn enter(slot: &'static Slot, list: List) -> Scope {
        let outer = slot.replace(Some(list));
        Scope { slot, outer }
    }

    fn leave(mut self) -> List {
        self.slot.replace(self.outer.take()).unwrap_or_default()
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if let Some(outer) = self.outer.take() {
            self.slot.set(Some(outer));
        } else if std::thread::panicking() {
            self.slot.set(None);
        }
    }
}
