//! An error on its way to another process.
//!
//! What it says of a crash is looked up where it is asked for, as everywhere: what goes on the way are the
//! notes of the process that crashed. Sources go as text.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Error, ErrorKind, PanicInfo, Repr};
use crate::crash::{Crash, CrashReport, Hang};
use crate::remote_error::RemoteError;
use crate::sys::exit_status;
use crate::usage::Usage;

/// An error as data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WireError {
    kind: u8,
    message: String,
    end: String,
    worker: Option<String>,
    panic: Option<PanicInfo>,
    /// The signal, and what the process noted.
    crash: Option<(i32, CrashReport)>,
    hang: Option<CrashReport>,
    exit_status: Option<i32>,
    /// The memory, and the two times.
    usage: Option<(u64, Duration, Duration)>,
    stderr_tail: Option<String>,
    source: Option<RemoteError>,
}

const KINDS: [ErrorKind; 13] = [
    ErrorKind::Spawn,
    ErrorKind::Panicked,
    ErrorKind::Exited,
    ErrorKind::Signaled,
    ErrorKind::TimedOut,
    ErrorKind::Cancelled,
    ErrorKind::Encode,
    ErrorKind::Decode,
    ErrorKind::Closed,
    ErrorKind::Unsupported,
    ErrorKind::Returned,
    ErrorKind::Deadlock,
    ErrorKind::Lost,
];

impl Error {
    pub(crate) fn to_wire(&self) -> WireError {
        let Repr {
            kind,
            message,
            end,
            worker,
            panic,
            crash,
            hang,
            exit_status: status,
            usage,
            stderr_tail,
            input: _,
            source,
        } = &*self.0;
        let kind = KINDS.iter().position(|known| known == kind);
        WireError {
            kind: kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or(0),
            message: message.clone(),
            end: end.clone(),
            worker: worker.clone(),
            panic: panic.clone(),
            crash: crash
                .as_ref()
                .map(|crash| (crash.signal(), crash.report().clone())),
            hang: hang.as_ref().map(|hang| hang.report().clone()),
            exit_status: status.map(exit_status::into_raw),
            usage: usage.map(|it| (it.max_resident_memory, it.user_time, it.system_time)),
            stderr_tail: stderr_tail.as_deref().map(str::to_owned),
            source: source.as_ref().map(|it| RemoteError::new(&**it)),
        }
    }
}

impl WireError {
    pub(crate) fn into_error(self) -> Error {
        let kind = KINDS.get(usize::from(self.kind)).copied();
        let usage = |(max_resident_memory, user_time, system_time)| Usage {
            max_resident_memory,
            user_time,
            system_time,
        };
        Error(Box::new(Repr {
            kind: kind.unwrap_or(ErrorKind::Closed),
            message: self.message,
            end: self.end,
            worker: self.worker,
            panic: self.panic,
            crash: self
                .crash
                .and_then(|(signal, report)| Crash::new(report, signal))
                .map(Arc::new),
            hang: self.hang.and_then(Hang::new).map(Arc::new),
            exit_status: self.exit_status.and_then(exit_status::from_raw),
            usage: self.usage.map(usage),
            stderr_tail: self.stderr_tail.map(String::into_boxed_str),
            input: None,
            source: self.source.map(|source| source.into_error().into()),
        }))
    }

    /// The same error as one that there is no other end any more.
    pub(crate) fn into_closed(mut self) -> WireError {
        let closed = KINDS.iter().position(|kind| *kind == ErrorKind::Closed);
        let closed = closed.and_then(|kind| u8::try_from(kind).ok()).unwrap_or(0);
        if self.kind != closed {
            self.kind = closed;
            self.message = format!("the service has ended: {}", self.message);
        }
        self
    }

    /// The same error with these words before its own.
    pub(crate) fn about(mut self, what: &str) -> WireError {
        self.message = format!("{what}: {}", self.message);
        self
    }
}
