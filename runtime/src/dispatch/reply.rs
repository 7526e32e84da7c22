//! The way back: where replies go, and those that say why there is no result.

use std::fmt::Display;
use std::io;

use crate::codec::Output;
use crate::protocol::Reply;

/// Where replies go. An error means that the parent is gone.
pub(crate) type Send<'a> = dyn FnMut(Output<'_>) -> io::Result<()> + 'a;

/// Why a job did not come to a reply: something could not be read or written.
#[derive(Debug)]
pub struct Failure(Reply, String);

impl Failure {
    pub(crate) fn not_decoded(error: impl Display) -> Failure {
        Failure(Reply::NotDecoded, error.to_string())
    }

    pub(super) fn not_encoded(error: impl Display) -> Failure {
        Failure(Reply::NotEncoded, error.to_string())
    }

    /// The reply that tells of it.
    pub(super) fn message(&self) -> Output<'static> {
        message(self.0, &self.1)
    }
}

/// A reply of a kind with its content.
pub(crate) fn message(kind: Reply, content: &(impl serde::Serialize + ?Sized)) -> Output<'static> {
    let mut out = Output::new(kind as u8);
    out.write(content)
        .expect("strings and numbers can always be written");
    out
}
