//! One process of a service, as its parent sees it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::mailer::Mailer;
use super::wire::{self, Order, Report};
use crate::codec;
use crate::descriptor::Fd;
use crate::error::{Error, ErrorKind, Result};
use crate::process::Process;
use crate::sys::deadline;
use crate::sys::fd::{BorrowedFd, OwnedFd};
use crate::transport::{EncodedMessage, Inbox, Received};

/// A process that serves, or is about to.
pub(super) struct Incarnation {
    /// The name of the type.
    service: &'static str,
    process: Process<()>,
    orders: Mailer,
    reports: Inbox,
    is_ready: bool,
    /// Why there is no object.
    unbuilt: Option<String>,
    startup_timeout: Option<Duration>,
    /// When it has to be ready.
    deadline: Option<Instant>,
    is_late: bool,
}

/// What an incarnation has come to.
pub(super) enum Progress {
    None,
    /// It has just made its object.
    Ready,
    /// It has ended: in good order, or how.
    Ended(Option<Error>),
}

/// The parent's end of the connection to a process, before there is one.
pub(super) struct Control {
    orders: Mailer,
    reports: Inbox,
}

impl Control {
    pub(super) fn new(socket: OwnedFd) -> io::Result<Control> {
        let socket = Arc::new(socket);
        Ok(Control {
            orders: Mailer::new(Arc::clone(&socket))?,
            reports: Inbox::new(socket),
        })
    }

    /// Gives an order, which waits for the process.
    pub(super) fn order(&mut self, order: EncodedMessage) -> io::Result<()> {
        self.orders.post(order)
    }
}

impl Incarnation {
    pub(super) fn new(
        service: &'static str,
        process: Process<()>,
        control: Control,
        startup_timeout: Option<Duration>,
    ) -> Incarnation {
        let Control { orders, reports } = control;
        Incarnation {
            service,
            process,
            orders,
            reports,
            is_ready: false,
            unbuilt: None,
            startup_timeout,
            deadline: startup_timeout.and_then(deadline::after),
            is_late: false,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Readable when it has something to say.
    pub(super) fn connection(&self) -> BorrowedFd<'_> {
        self.reports.connection()
    }

    /// When to look again even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.is_ready && !self.is_late)
    }

    pub(super) fn kill(&self) {
        self.process.kill();
    }

    /// Gives an order. A process that is gone obeys none, which is seen otherwise.
    pub(super) fn order(&mut self, order: EncodedMessage) {
        let _ = self.orders.post(order);
    }

    /// Gives orders for which there was no room before; false if there is none for some.
    pub(super) fn advance(&mut self) -> bool {
        let _ = self.orders.advance();
        self.orders.blocked_on().is_none()
    }

    /// Sees what has become of it. It is killed if it is late.
    pub(super) fn look(&mut self) -> Progress {
        let was_ready = self.is_ready;
        self.take_in();
        if self.is_ready && !was_ready {
            return Progress::Ready;
        }
        if deadline::is_past(self.deadline()) {
            self.is_late = true;
            self.process.kill();
        }
        match self.process.try_join() {
            Ok(None) => Progress::None,
            ended => {
                self.take_in();
                if self.is_ready && !was_ready {
                    // It has said so right before it ended, which the next look sees.
                    return Progress::Ready;
                }
                Progress::Ended(self.error(ended.err()))
            }
        }
    }

    fn take_in(&mut self) {
        while let Ok(Received::Message(mut report)) = self.reports.receive() {
            match report.kind().and_then(Report::from_wire) {
                Some(Report::Ready) => self.is_ready = true,
                Some(Report::Unbuilt) => {
                    let reason = report.open().read::<String>();
                    self.unbuilt = Some(reason.unwrap_or_default());
                }
                None => {}
            }
        }
    }

    /// How it ended, given how its process did.
    fn error(&mut self, error: Option<Error>) -> Option<Error> {
        let service = self.service;
        if let Some(reason) = &self.unbuilt {
            let text = format!("service `{service}` has no object: {reason}");
            return Some(Error::new(ErrorKind::Returned, text).with_worker(service));
        }
        let error = error?;
        match self.startup_timeout {
            Some(timeout) if self.is_late => {
                let text = format!(
                    "service `{service}` has no object: its constructor took longer than {timeout:?}, the startup timeout"
                );
                Some(Error::new(ErrorKind::TimedOut, text).with_worker(service))
            }
            _ => Some(error),
        }
    }
}

/// The order to know a client's process.
pub(super) fn know(client: u32, socket: &Arc<OwnedFd>) -> EncodedMessage {
    // Without a descriptor for it, its requests are passed over.
    let socket = socket.try_clone().map(Fd::new).ok();
    encode(Order::Register as u8, &(client, socket)).unwrap_or_default()
}

/// The order to forget it.
pub(super) fn forget(client: u32) -> EncodedMessage {
    encode(Order::Forget as u8, &client).unwrap_or_default()
}

pub(super) fn encode<T: serde::Serialize>(
    kind: u8,
    content: &T,
) -> Result<EncodedMessage, codec::Error> {
    wire::message(kind, content).and_then(EncodedMessage::new)
}
