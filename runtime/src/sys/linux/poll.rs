//! Waiting for descriptors until a deadline.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Waits until a descriptor is readable or hung up; false if the deadline came first.
pub(crate) fn wait_readable(descriptor: BorrowedFd<'_>, deadline: Option<Instant>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
    loop {
        match poll(&mut polled, deadline.map(until).as_ref()) {
            Ok(0) if has_come(deadline) => return false,
            // An error is a signal that came in between.
            Ok(0) | Err(Errno::INTR) => {}
            _ => return true,
        }
    }
}

/// Whether a descriptor is readable or hung up now.
pub(crate) fn is_readable(descriptor: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
    poll(&mut polled, Some(&Timespec::default())).is_ok_and(|readable| readable > 0)
}

/// Waits until any of these is readable or hung up, and says which are. None is when the deadline
/// has come, or when a signal came in between.
pub(crate) fn wait_any(
    descriptors: &[BorrowedFd<'_>],
    deadline: Option<Instant>,
) -> io::Result<Vec<bool>> {
    let descriptors = descriptors.iter();
    let mut polled: Vec<PollFd<'_>> = descriptors
        .map(|descriptor| PollFd::from_borrowed_fd(*descriptor, PollFlags::IN))
        .collect();
    match poll(&mut polled, deadline.map(until).as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let events = polled.iter().map(PollFd::revents);
    Ok(events.map(|events| !events.is_empty()).collect())
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
            Ok(0) if has_come(deadline) => return Writable::NotInTime,
            // An error is a signal that came in between.
            Ok(0) | Err(_) => {}
            Ok(_) if polled[0].revents().is_empty() => return Writable::Never,
            Ok(_) => return Writable::Now,
        }
    }
}

fn has_come(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

/// The time left until `deadline`, as the kernel takes it.
///
/// It is rounded up, so that the deadline has come when the wait is over; it is zero once it has.
pub(crate) fn until(deadline: Instant) -> Timespec {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = if left.is_zero() {
        left
    } else {
        left.saturating_add(Duration::from_nanos(1))
    };
    Timespec::try_from(left).unwrap_or(Timespec {
        tv_sec: i64::MAX,
        tv_nsec: 0,
    })
}
