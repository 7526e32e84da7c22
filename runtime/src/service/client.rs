//! The handle that a client type wraps.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::link::Link;
use crate::codec::handle::{self, HandleKind, Identity};
use crate::codec::{self};
use crate::sys::fd::OwnedFd;
use crate::transport;

/// A client of a service, `C` being the type that wraps it.
pub struct Client<C> {
    link: Arc<Link>,
    kind: PhantomData<fn() -> C>,
}

/// A type whose methods are requests. Implemented by `#[service]`.
pub trait ServiceClient: Sized + Clone + 'static {
    /// Wraps a client.
    fn from_client(client: Client<Self>) -> Self;

    /// The client that it wraps.
    fn as_client(&self) -> &Client<Self>;
}

impl<C> Client<C> {
    pub(super) fn behind(door: Arc<OwnedFd>) -> io::Result<Client<C>> {
        Ok(Client {
            link: Link::behind(door)?,
            kind: PhantomData,
        })
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

impl<C> Clone for Client<C> {
    fn clone(&self) -> Client<C> {
        Client {
            link: Arc::clone(&self.link),
            kind: PhantomData,
        }
    }
}

impl<C: 'static> Serialize for Client<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let identity = Identity::new::<C>(HandleKind::Client);
        handle::serialize(serializer, identity, |parts| {
            parts.attach(self.link.door());
            Ok(())
        })
    }
}

impl<'de, C: 'static> Deserialize<'de> for Client<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Client<C>, D::Error> {
        let identity = Identity::new::<C>(HandleKind::Client);
        handle::deserialize(deserializer, identity, |parts| {
            let ([], [door]) = parts.exactly()?;
            if !transport::is_end(door) {
                return Err(codec::Error::damaged_handle());
            }
            Client::behind(Arc::clone(door)).map_err(codec::Error::display)
        })
    }
}

impl<C> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
