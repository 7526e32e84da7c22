//! Waiting for descriptors until a deadline.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::sys::deadline;

/// Waits until a descriptor is readable or hung up; false if the deadline came first.
pub(crate) fn wait_readable(descriptor: BorrowedFd<'_>, deadline: Option<Instant>) -> bool {
    // An error is told by what is done with it next.
    wait_any([descriptor], deadline).map_or(true, |[is_readable]| is_readable)
}

/// Whether a descriptor is readable or hung up now.
pub(crate) fn is_readable(descriptor: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
    poll(&mut polled, Some(&Timespec::default())).is_ok_and(|readable| readable > 0)
}

/// Whether something can be written now, or an error is told instead.
pub(crate) fn is_writable(descriptor: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::OUT)];
    poll(&mut polled, Some(&Timespec::default())).is_ok_and(|writable| writable > 0)
}

/// Waits until any of these is readable or hung up, and says which are; none is if the deadline has
/// come.
pub(crate) fn wait_any<const N: usize>(
    descriptors: [BorrowedFd<'_>; N],
    deadline: Option<Instant>,
) -> io::Result<[bool; N]> {
    let mut polled =
        descriptors.map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
    wait(&mut polled, deadline)?;
    Ok(polled.map(|polled| !polled.revents().is_empty()))
}

/// As [`wait_any`], for any number of descriptors.
pub(crate) fn wait_any_of(
    descriptors: &[BorrowedFd<'_>],
    deadline: Option<Instant>,
) -> io::Result<Vec<bool>> {
    let descriptors = descriptors.iter();
    let mut polled: Vec<PollFd<'_>> = descriptors
        .map(|descriptor| PollFd::from_borrowed_fd(*descriptor, PollFlags::IN))
        .collect();
    wait(&mut polled, deadline)?;
    let events = polled.iter().map(PollFd::revents);
    Ok(events.map(|events| !events.is_empty()).collect())
}

fn wait(polled: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<()> {
    loop {
        match poll(polled, deadline.map(until).as_ref()) {
            // Timeouts have an end that can be too far away to be told.
            Ok(0) if !deadline::is_past(deadline) => {}
            Ok(_) => return Ok(()),
            // A signal came in between.
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether something can be written to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writable {
    Now,
    /// The process that was to receive it has ended.
    Never,
    NotInTime,
}

/// Waits until something can be written to a socket, the process with this pidfd has ended, or the
/// deadline has come.
pub(crate) fn wait_writable(
    socket: BorrowedFd<'_>,
    process: Option<BorrowedFd<'_>>,
    deadline: Option<Instant>,
) -> Writable {
    let mut polled = vec![PollFd::from_borrowed_fd(socket, PollFlags::OUT)];
    polled.extend(process.map(|process| PollFd::from_borrowed_fd(process, PollFlags::IN)));
    loop {
        match poll(&mut polled, deadline.map(until).as_ref()) {
            Ok(0) if deadline::is_past(deadline) => return Writable::NotInTime,
            // An error is a signal that came in between.
            Ok(0) | Err(_) => {}
            Ok(_) if polled[0].revents().is_empty() => return Writable::Never,
            Ok(_) => return Writable::Now,
        }
    }
}

/// The time left until `deadline`, as the kernel takes it.
pub(super) fn until(deadline: Instant) -> Timespec {
    let left = deadline::time_left(deadline);
    Timespec::try_from(left).unwrap_or(Timespec {
        tv_sec: i64::MAX,
        tv_nsec: 0,
    })
}
