//! Handing what a child has logged to the logger of this process.

#[cfg(feature = "log")]
use super::log_record;
use super::packet::{Kind, Reader};

/// Whose record it is.
#[derive(Debug)]
pub(super) struct Origin {
    name: String,
    process: u32,
}

impl Origin {
    pub(super) fn new(name: &str, process: u32) -> Origin {
        Origin {
            name: name.to_owned(),
            process,
        }
    }

    pub(super) fn process(&self) -> u32 {
        self.process
    }
}

/// Hands on what is in a packet. User code runs, and may panic.
pub(super) fn emit(origin: &Origin, packet: &[u8]) {
    let Some((head, reader)) = Reader::open(packet) else {
        // Something in the child has written to a descriptor that is not its own.
        return lost(origin, 1);
    };
    if head.lost > 0 {
        lost(origin, head.lost);
    }
    let worker = log_record::Worker {
        name: &origin.name,
        process: origin.process,
        task: &head.task,
    };
    let is_sound = match head.kind {
        Kind::Lost => true,
        Kind::Record => log_record::emit(&worker, reader).is_some(),
    };
    if !is_sound {
        lost(origin, 1);
    }
}

/// Says that records of a child were dropped. User code runs, and may panic.
pub(super) fn lost(origin: &Origin, count: u32) {
    let worker = log_record::Worker {
        name: &origin.name,
        process: origin.process,
        task: "",
    };
    log_record::warn_of_lost(&worker, count);
}
