//! What generated code knows of a method.

use std::time::Duration;

use super::connection::What;
use crate::codec::{self, Output};
use crate::dispatch::Argument;
use crate::error::{Error, ErrorKind, Result};

/// What generated code knows of a method.
#[derive(Debug, Clone, Copy)]
pub struct RequestInfo {
    /// Its number in the type.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// The name of the type.
    pub service: &'static str,
    /// The option `timeout`.
    pub timeout: Option<Duration>,
}

impl RequestInfo {
    pub(super) fn what(&self) -> What {
        What {
            request: self.name,
            service: self.service,
        }
    }

    pub(super) fn write<'e>(
        &self,
        arguments: &'e [Argument<'_>],
        output: &mut Output<'e>,
    ) -> Result<()> {
        let mut arguments = arguments.iter();
        let written = arguments.try_for_each(|argument| argument.write(output));
        written.map_err(|error| self.unwritten(error))
    }

    pub(super) fn unwritten(&self, error: codec::Error) -> Error {
        let text = format!("cannot encode an argument of {}", self.what());
        Error::new(ErrorKind::Encode, text).with_source(error)
    }
}
