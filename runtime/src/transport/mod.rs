//! Messages between two processes, over ipc-channel.
//!
//! A connection is one socket pair. Each side makes a [`Sender`] and a receiver of its end:
//! [`Receiver`] blocks, [`Inbox`] never does. What ipc-channel does well it does here: framing,
//! small messages, the end of the connection when the last holder of the other end is gone. What
//! it does badly is kept away from it:
//!
//! | ipc-channel | here |
//! |---|---|
//! | has no way in for a descriptor | [`adopt`](ipc) |
//! | hangs when the receiver dies during a message above 200 KB | such messages go through an [`annex`](ipc) |
//! | carries none but its own descriptors, 64 at most | they go through an annex too |
//! | writes each long message through the kernel | where many come, their bytes lie in a [`depot`](ipc) |
//! | writes byte buffers element by element | it is given encoded bytes only |
//! | panics about packets that are none of its own, or waits for the rest of them | packets are received here |
//! | panics when a message with a descriptor arrives and none is free | likewise: such a message is taken without it |
//! | takes two hundred kilobytes for each packet that it receives | likewise: into room that is used again |
//! | returns `EINTR` | retried |
//! | panics in destructors of thread-locals and exit handlers | [`locals`](ipc) |
//!
//! Only this folder names `ipc_channel`, and only for what is said above: no user value
//! is ever encoded or decoded inside its calls, so a value that cannot be sent leaves no half
//! message behind.
//!
//! # What if a process is sick
//!
//! A C library in it may write to the connection, having mistaken its number for one of its own,
//! or make it something that it was not. So nothing that arrives is believed:
//!
//! 1. The next packet is taken as a whole, in one system call, and up to two of the descriptors that it
//!    carries.
//! 2. If `FrameHeader::read` does not know it for the whole of a frame as ipc-channel writes it, with as many
//!    descriptors, it is dropped with all that it carries, and receiving it is an error, [`is_nonsense`].
//!
//! Packets of a socket are received in the order in which they were sent, and one reader has it.
//! [`Inbox::receive`] takes `&mut self`, [`Receiver`] is not `Sync`, neither can be cloned, and a channel's
//! end that is sent to another process is given up here. (A copy of this process that the user's code makes
//! by `fork` can read the same socket. Where a packet is stolen, the parent's end, which does not block, has
//! nothing instead.)
//!
//! What an annex promises is believed when it comes (`annex`). What one packet or annex does
//! wrong does not concern the next: channels go on, since other processes may send into them.
//! A child whose connection talks nonsense is ended.
//!
//! Sending has a [`Limit`] where the receiver may be sick.
//!
//! # What if a process dies
//!
//! * The receiver, before or while a message is sent: `send` fails with a broken pipe at once.
//!   The sender keeps no copy of the receiving end of anything while it writes.
//! * The sender, between two messages: the receiver gets what was sent, then
//!   [`Received::Closed`]. In the middle of a message: the annex ends early, which is an error
//!   of this one message, then `Closed`. A message in a depot is there as soon as its frame is, and not
//!   before.

mod error;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod ipc;
mod limit;
mod message;
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod unsupported;

pub(crate) use error::{is_gone, is_nonsense};
pub(crate) use limit::Limit;
pub(crate) use message::{EncodedMessage, Received};

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(crate) use unsupported::{
    Inbox, Outbox, PackedDepot, Receiver, Sender, end_sending, is_end, nonblocking_pair, pair,
    set_nonblocking, warm_up,
};

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) use ipc::{
    Inbox, Outbox, PackedDepot, PlaceholderChannel, Receiver, Sender, end_sending, is_end,
    nonblocking_pair, open, open_polled, open_with, pair, preface, set_nonblocking, warm_up,
};
