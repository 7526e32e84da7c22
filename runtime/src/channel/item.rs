//! What all ends have in common: the message that an item is.

use serde::de::DeserializeOwned;

use super::error::RecvError;
use crate::codec::{self, Message};
use crate::sys::fd::OwnedFd;
use crate::transport;

/// The kind of message that an item is: the only one.
pub(super) const ITEM: u8 = 0;

pub(super) fn decode<T: DeserializeOwned>(mut message: Message) -> Result<T, RecvError> {
    let mut input = message.open();
    let item = input.read::<T>();
    let rest = input.finish();
    match (item, rest) {
        (Ok(item), Ok(())) => Ok(item),
        (Err(error), _) | (_, Err(error)) => Err(RecvError::Item(error.into())),
    }
}

/// Whether a descriptor that arrived can be an end of a channel.
pub(super) fn check_socket(socket: &OwnedFd) -> Result<(), codec::Error> {
    if transport::is_end(socket) {
        Ok(())
    } else {
        Err(codec::Error::damaged_handle())
    }
}
