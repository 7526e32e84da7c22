use std::sync::Arc;

use super::super::Error;
use super::{CommonFile, Depart, Departure};

use crate::sys::fd::OwnedFd;

/// What a handle is made of on its way.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) numbers: Vec<u64>,
    /// The same `Arc` is sent once however often it is in a message.
    pub(crate) descriptors: Vec<Arc<OwnedFd>>,
    pub(crate) bytes: Vec<Vec<u8>>,
    pub(in super::super) departures: Vec<Departure>,
    /// What the last descriptor is that of, if it is of a common file.
    pub(super) common: Option<Arc<CommonFile>>,
}

impl Parts {
    pub(crate) fn attach(&mut self, descriptor: &Arc<OwnedFd>) {
        self.descriptors.push(Arc::clone(descriptor));
    }

    /// Lets the handle leave with the message. It is settled in any case.
    pub(crate) fn depart(&mut self, handle: Arc<dyn Depart>) {
        self.departures.push(Departure::new(handle));
    }

    /// The common file that the last descriptor is of, if it is of one.
    pub(crate) fn common_file(&self) -> Option<&CommonFile> {
        self.common.as_deref()
    }

    /// So many numbers and descriptors, and nothing else.
    pub(crate) fn exactly<const N: usize, const D: usize>(
        &self,
    ) -> Result<([u64; N], &[Arc<OwnedFd>; D]), Error> {
        let numbers = <[u64; N]>::try_from(&*self.numbers);
        let descriptors = <&[Arc<OwnedFd>; D]>::try_from(&*self.descriptors);
        match (numbers, descriptors) {
            (Ok(numbers), Ok(descriptors)) if self.bytes.is_empty() => Ok((numbers, descriptors)),
            _ => Err(Error::damaged_handle()),
        }
    }
}
