//! Packets of any bytes, received from a connection.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{SendFlags, send};

use crate::codec::Output;
use crate::sys::{descriptors, memory};
use crate::transport::{Received, Sender, open_polled, pair, warm_up};

/// A page and a block.
const DEPOT: usize = 4096 + (64 << 10);

/// Receives packets, each of which is described by
///
/// | bytes | |
/// |---|---|
/// | 1 | the lowest two bits: how many sockets come along; 4: a file does; 8: the two lengths of a frame are put before it; 16: a file does that can be a depot |
/// | 1 | how long it is |
/// | 1 | how much is in the sockets |
/// | the rest | the packet, and what is in the sockets |
///
/// # Panics
///
/// If what is sent properly afterwards does not arrive.
pub fn connection(mut input: &[u8]) {
    warm_up().expect("descriptors are free");
    let (ours, theirs) = pair().expect("descriptors are free");
    let (_, mut inbox) = open_polled(ours).expect("descriptors are free");
    while let Some(rest) = write_packet(&theirs, input) {
        input = rest;
        // What it promised is not to come any more, so there is nothing to wait for.
        while !matches!(inbox.receive(), Ok(Received::Nothing)) {}
    }
    let sender = Sender::new(theirs).expect("descriptors are free");
    let sent = sender.send(Output::after(b"well".to_vec()));
    sent.expect("the other end is there");
    match inbox.receive() {
        Ok(Received::Message(message)) if message.head == b"well" => {}
        other => panic!("{other:?}"),
    }
    drop(sender);
    assert!(matches!(inbox.receive(), Ok(Received::Closed)));
}

/// Writes the first packet and gives the rest of the input; `None` if there is none.
fn write_packet<'i>(theirs: &OwnedFd, input: &'i [u8]) -> Option<&'i [u8]> {
    let ([kind, length, filling], input) = input.split_first_chunk()?;
    let (packet, input) = input.split_at_checked((*length).into())?;
    let (filling, input) = input.split_at_checked((*filling).into())?;
    let mut lengths = Vec::new();
    if kind & 8 != 0 {
        lengths.extend((packet.len() + 2 * size_of::<usize>()).to_ne_bytes());
        lengths.extend(packet.len().to_ne_bytes());
    }
    let packet = [&lengths, packet].concat();
    let file = File::open("/dev/null").ok()?;
    let depot = memory::create(DEPOT).ok()?;
    let sockets: Vec<_> = (0..kind & 3)
        .map_while(|_| UnixStream::pair().ok())
        .collect();
    for (ours, _) in &sockets {
        send(ours, filling, SendFlags::NOSIGNAL).ok()?;
    }
    let mut carried: Vec<_> = sockets.iter().map(|(_, theirs)| theirs.as_fd()).collect();
    if kind & 4 != 0 {
        carried.push(file.as_fd());
    }
    if kind & 16 != 0 {
        carried.push(depot.as_fd());
    }
    descriptors::try_send(theirs.as_fd(), &packet, &carried).ok()?;
    Some(input)
}

#[cfg(test)]
mod tests {
    use crate::__fuzz::inputs::feed;

    #[test]
    fn whatever_arrives_does_no_damage() {
        feed("connection", 3_000, super::connection);
    }
}
