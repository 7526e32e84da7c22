//! What a sick C library does to descriptors that are not its own, as after a double close.

use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;

use rustix::net::sockopt::socket_type;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType, sendmsg};

/// The standard streams are left alone. The connection to the parent comes last: this process may be ended
/// for what is written there. Of its kind, only that one blocks.
fn descriptors() -> impl Iterator<Item = RawFd> {
    let (others, blocking): (Vec<_>, Vec<_>) = (3..64).rev().partition(|descriptor| {
        // SAFETY: a system call that takes numbers.
        let flags = unsafe { libc::fcntl(*descriptor, libc::F_GETFL) };
        flags & libc::O_NONBLOCK != 0
    });
    others.into_iter().chain(blocking)
}

/// Writes to whatever is open.
pub fn write_everywhere(text: &[u8]) {
    for descriptor in descriptors() {
        // SAFETY: the pointer and the length are those of a slice.
        unsafe { libc::write(descriptor, text.as_ptr().cast(), text.len()) };
    }
}

/// Truncates whatever is open.
pub fn truncate_everything() {
    for descriptor in descriptors() {
        // SAFETY: a system call that takes numbers.
        unsafe { libc::ftruncate(descriptor, 0) };
    }
}

/// Sends the beginning of a message into whatever carries messages, and a socket with what is to
/// follow; gives our ends of those sockets.
pub fn promise_everywhere(frame: &[u8], annex: &[u8]) -> Vec<UnixStream> {
    let promise = |descriptor| {
        // SAFETY: it is used at once, and an error if it is not open.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        if socket_type(descriptor) != Ok(SocketType::SEQPACKET) {
            return None;
        }
        let (mut ours, theirs) = UnixStream::pair().ok()?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let theirs = [theirs.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&theirs));
        let bytes = [IoSlice::new(frame)];
        sendmsg(descriptor, &bytes, &mut control, SendFlags::NOSIGNAL).ok()?;
        ours.write_all(annex).ok()?;
        Some(ours)
    };
    descriptors().filter_map(promise).collect()
}

/// Texts that are no message.
#[must_use]
pub fn texts() -> Vec<Vec<u8>> {
    // As long as it says, and the beginning of something much longer.
    let mut beginning = 64_u64.to_ne_bytes().to_vec();
    beginning.extend((1_u64 << 60).to_ne_bytes());
    beginning.resize(64, 0);
    vec![
        b"hello, world\n".to_vec(),
        vec![0; 64],
        vec![0xff; 64],
        b"x".to_vec(),
        beginning,
    ]
}
