//! Connections over ipc-channel.

mod adopt;
mod annex;
mod connection;
mod depot;
mod frame;
mod locals;
mod outbox;
mod receive;
mod send;
#[cfg(test)]
#[allow(clippy::pedantic, reason = "tests may be blunt")]
mod tests;
mod warm_up;

pub(crate) use adopt::PlaceholderChannel;
pub(crate) use connection::{
    end_sending, is_end, nonblocking_pair, open, open_polled, open_with, pair, set_nonblocking,
};
pub(crate) use depot::PackedDepot;
pub(crate) use frame::preface;
pub(crate) use outbox::Outbox;
pub(crate) use receive::{Inbox, Receiver};
pub(crate) use send::Sender;
pub(crate) use warm_up::warm_up;
