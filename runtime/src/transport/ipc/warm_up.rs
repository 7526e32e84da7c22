//! What ipc-channel has to find out before descriptors run out.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::event::{EventfdFlags, eventfd};

use super::locals;
use crate::sys::refused::Naming as _;

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
        if let Ok((sender, _receiver)) = ipc_channel::ipc::channel::<u8>() {
            let _ = locals::SENDING.using_somewhere(|| sender.send(0));
        }
    });
    Ok(())
}

fn open() -> io::Result<OwnedFd> {
    eventfd(0, EventfdFlags::CLOEXEC).naming("eventfd2")
}
