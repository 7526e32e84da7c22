//! A descriptor kept in reserve.
//!
//! When a message carries a descriptor and the process has none free, the kernel drops it and
//! ipc-channel panics. So one descriptor is kept open for nothing and given up for the time in
//! which such a message is received: what arrives finds its place.

use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use crate::sys::refused::Naming as _;

static RESERVE: Mutex<Option<OwnedFd>> = Mutex::new(None);

/// Runs ipc-channel's `receive` with the reserve given up.
///
/// # Errors
///
/// "Too many open files" if there was no reserve and no descriptor is free either: the message,
/// which cannot be taken, is dropped with `skip`.
pub(super) fn spending<R>(skip: impl FnOnce(), receive: impl FnOnce() -> R) -> io::Result<R> {
    let reserve = RESERVE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let had_reserve = reserve.is_some();
    drop(reserve);
    // What is opened here is closed again at once: it only had to be possible.
    if !had_reserve && let Err(error) = open() {
        skip();
        return Err(error);
    }
    // Another thread can still take the place in between. Then ipc-channel's panic is the error.
    let received = catch_unwind(AssertUnwindSafe(receive));
    if let Ok(reserve) = open() {
        RESERVE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(reserve);
    }
    received.map_err(|_| io::Error::from(rustix::io::Errno::MFILE))
}

/// Makes ipc-channel take its measures while descriptors are free: should that fail, it would
/// fail for ever after.
///
/// # Errors
///
/// "Too many open files".
pub(crate) fn warm_up() -> io::Result<()> {
    static WARM: OnceLock<()> = OnceLock::new();
    if WARM.get().is_some() {
        return Ok(());
    }
    // What the measures need, held and freed.
    drop([open()?, open()?, open()?, open()?, open()?]);
    WARM.get_or_init(|| {
        if let Ok((sender, receiver)) = ipc_channel::ipc::channel::<u8>()
            && sender.send(0).is_ok()
        {
            let _ = receiver.recv();
        }
    });
    RESERVE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert(open()?);
    Ok(())
}

fn open() -> io::Result<OwnedFd> {
    eventfd(0, EventfdFlags::CLOEXEC).naming("eventfd2")
}
