//! What a child is handed to log with.

use std::io;

use serde::{Deserialize, Serialize};

use super::collector::{Collector, Source};
use super::emit::{Audience, Origin};
use super::levels::Levels;
use crate::descriptor::Fd;
use crate::sys::fd::OwnedFd;
use crate::sys::packets;

/// What a child is handed to log with.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Invitation {
    pub(super) levels: Levels,
    pub(super) socket: Fd<OwnedFd>,
}

/// The parent's end, until it is known whose records come there.
#[derive(Debug)]
#[must_use]
pub(crate) struct Beginning(Option<(OwnedFd, Audience)>);

/// Prepares to hear what a child logs, if this process has a logger that wants anything.
pub(crate) fn invite(audience: Audience) -> io::Result<(Beginning, Option<Invitation>)> {
    let Some(levels) = Levels::current() else {
        return Ok((Beginning(None), None));
    };
    let (ours, theirs) = packets::pair()?;
    let invitation = Invitation {
        levels,
        socket: Fd::new(theirs),
    };
    Ok((Beginning(Some((ours, audience))), Some(invitation)))
}

impl Beginning {
    /// Hears what the child of this name and process id logs.
    pub(crate) fn start(self, name: &str, process: u32) -> Source {
        let Some((socket, audience)) = self.0 else {
            return Source::none();
        };
        // Without a thread for it, what it logs is not heard, as if the logger were too slow.
        let origin = Origin::new(name, process, audience);
        let added = Collector::get().and_then(|collector| collector.add(socket, origin));
        added.unwrap_or_else(|_| Source::none())
    }
}
