//! What there is of this without a feature that needs it: nothing is logged.

use std::io;

use serde::{Deserialize, Serialize};

/// What a child is handed to log with: nothing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Invitation {}

/// Who is to be told of what a child logs: no logger.
#[derive(Debug, Clone, Default)]
pub(crate) struct Audience {}

#[derive(Debug)]
pub(crate) struct Beginning;

/// A child that logs nothing.
#[derive(Debug)]
pub(crate) struct Source;

#[expect(
    clippy::unnecessary_wraps,
    reason = "as it is where something is logged"
)]
pub(crate) fn invite(_: Audience) -> io::Result<(Beginning, Option<Invitation>)> {
    Ok((Beginning, None))
}

impl Beginning {
    #[expect(clippy::unused_self, reason = "as it is where something is logged")]
    pub(crate) fn start(self, _: &str, _: u32) -> Source {
        Source
    }
}

impl Source {
    #[expect(clippy::unused_self, reason = "as it is where something is logged")]
    pub(crate) fn catch_up(&self) {}
}

pub(crate) fn accept(invitation: Invitation) {
    match invitation {}
}

pub(crate) fn settle() {}

pub(crate) fn catch_up(_: u32) {}

pub(crate) fn catch_up_with_ended() {}
