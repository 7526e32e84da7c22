//! A request on its way into the queue of its service.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::link::Link;
use super::pending::Sent;
use super::request_info::RequestInfo;
use super::serving;
use super::wire::RequestHead;
use crate::channel::{Overflow, Pushed};
use crate::codec::Output;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::Slot;
use crate::sys::deadline;

/// A request on its way into the queue. One that does not get there is withdrawn.
pub(super) struct Departure {
    pub(super) connection: Arc<Connection>,
    pub(super) info: RequestInfo,
    /// The number of the request, and the place for its reply, if one is wanted.
    waiting: Option<(u64, Arc<Slot>)>,
    pub(super) deadline: Option<Instant>,
    timeout: Option<Duration>,
    is_sent: bool,
}

pub(super) enum Progress {
    /// It is the item with this number.
    Sent(u64),
    Blocked(Pushed),
}

impl Departure {
    pub(super) fn new(
        link: &Link,
        info: &RequestInfo,
        timeout: Option<Duration>,
        wants_reply: bool,
    ) -> Result<Departure> {
        let own = timeout.and_then(deadline::after);
        let inherited = serving::current().and_then(|serving| serving.deadline);
        let deadline = match (own, inherited) {
            (Some(own), Some(inherited)) => Some(own.min(inherited)),
            (own, inherited) => own.or(inherited),
        };
        let connection = link.connection(deadline)?;
        let waiting = if wants_reply {
            Some(connection.begin(info.what(), deadline)?)
        } else {
            connection.check()?;
            None
        };
        Ok(Departure {
            connection,
            info: *info,
            waiting,
            deadline,
            timeout,
            is_sent: false,
        })
    }

    pub(super) fn head(&self) -> RequestHead {
        RequestHead {
            client: self.connection.client(),
            request: self.waiting.as_ref().map_or(0, |(request, _)| *request),
            method: self.info.number,
            deadline: serving::to_shared(self.deadline),
        }
    }

    pub(super) fn push(&self, output: &mut Output<'_>, overflow: Overflow) -> Result<Progress> {
        match self.connection.queue().try_push_message(output, overflow) {
            Ok(Pushed::Done(item)) => Ok(Progress::Sent(item)),
            Ok(Pushed::Closed) => {
                // Why is told by the parent, unless the service is to end in good order.
                self.connection.listen();
                self.connection.check()?;
                let text = format!("{} cannot be sent: the service has ended", self.info.what());
                Err(Error::new(ErrorKind::Closed, text))
            }
            Ok(pushed @ (Pushed::Full | Pushed::WarmFull)) => Ok(Progress::Blocked(pushed)),
            Err(error) => {
                let text = format!("{} cannot be sent", self.info.what());
                Err(Error::new(ErrorKind::Encode, text).with_source(error))
            }
        }
    }

    pub(super) fn sent(mut self, item: u64) -> (Sent, Arc<Slot>) {
        self.is_sent = true;
        let (request, slot) = match &self.waiting {
            Some((request, slot)) => {
                self.connection.sent(*request, item);
                (*request, Arc::clone(slot))
            }
            None => (0, Arc::default()),
        };
        let sent = Sent {
            connection: Arc::clone(&self.connection),
            request,
            item,
            deadline: self.deadline,
            timeout: self.timeout,
        };
        (sent, slot)
    }

    pub(super) fn no_room(&self) -> Error {
        let text = format!(
            "{} could not be sent in time: the queue of the service is full",
            self.info.what()
        );
        Error::new(ErrorKind::TimedOut, text)
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if let Some((request, _)) = &self.waiting
            && !self.is_sent
        {
            self.connection.withdraw(*request);
        }
    }
}
