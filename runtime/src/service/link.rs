//! What a client handle refers to: the way to a service, of which each process has one.
//!
//! All that goes from process to process is the *door*, a socket of which the parent of the service has
//! the other end. Behind it a process registers when it sends its first request
//! ([`connection`](super::connection)). As long as a door is open anywhere, in a process or in a message,
//! there may be a client: when the last one is closed, the parent hears of it.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use super::connection::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::sys::copy::Home;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::memory::{self, FileId};

/// The way to one service.
#[derive(Debug)]
pub(super) struct Link {
    door: Arc<OwnedFd>,
    connection: Mutex<Option<Arc<Connection>>>,
    home: Home,
}

/// The links of this process, by what their doors are.
static LINKS: Mutex<Option<HashMap<FileId, Weak<Link>>>> = Mutex::new(None);

impl Link {
    /// The link of this process behind this door: there is one, however many handles came.
    pub(super) fn behind(door: Arc<OwnedFd>) -> io::Result<Arc<Link>> {
        let id = memory::identity(door.as_fd())?;
        let mut links = LINKS.lock().unwrap_or_else(PoisonError::into_inner);
        let links = links.get_or_insert_default();
        if let Some(link) = links.get(&id).and_then(Weak::upgrade)
            && link.home.is_here()
        {
            return Ok(link);
        }
        links.retain(|_, link| link.strong_count() > 0);
        let link = Arc::new(Link {
            door,
            connection: Mutex::new(None),
            home: Home::here(),
        });
        links.insert(id, Arc::downgrade(&link));
        Ok(link)
    }

    pub(super) fn door(&self) -> &Arc<OwnedFd> {
        &self.door
    }

    /// The connection to the service, which is made if there is none yet.
    pub(super) fn connection(&self, deadline: Option<Instant>) -> Result<Arc<Connection>> {
        if !self.home.is_here() {
            let text = "this process is a copy of another one, made by `fork`, in which a client of a service cannot be used";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let mut connection = lock(&self.connection);
        if let Some(connection) = &*connection {
            return Ok(Arc::clone(connection));
        }
        // Other threads wait: they need it, too.
        let opened = Connection::open(self.door(), deadline)?;
        Ok(Arc::clone(connection.insert(opened)))
    }
}
