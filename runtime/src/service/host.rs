//! What serves an object, whatever it is: makes it, takes its requests out of the queue, and sends replies.

use std::io;
use std::process;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::board::Board;
use super::graph::{Graph, Place, Seat};
use super::mailer::Mailer;
use super::routes::Routes;
use super::served::{Served, Unbuilt};
use super::serving::{self, Serving};
use super::wire::{self, Address, Order, Report, RequestHead, Requests};
use crate::channel::{Popped, Queue};
use crate::codec::{Message, Output};
use crate::descriptor::Fd;
use crate::dispatch::{Failure, Job, message, owned, run_method};
use crate::lock::lock;
use crate::pool::Pause;
use crate::process::end_of_panic;
use crate::protocol::Reply;
use crate::records;
use crate::sys::deadline;
use crate::sys::fd::OwnedFd;
use crate::sys::poll::{self, Writable};
use crate::transport::{EncodedMessage, Inbox, Received};

/// How long a reply waits for its client before another thread sends it.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long the end of the process waits for clients that do not take their replies.
const FAREWELL: Duration = Duration::from_secs(2);

/// The status of a process whose queue cannot be read, from `sysexits.h`: system error.
const EXIT_SYSTEM: i32 = 71;

/// What the process of a service is handed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    /// The name of the type.
    pub(super) service: String,
    /// The connection to the parent, for [`Order`]s and [`Report`]s.
    pub(super) control: Fd<OwnedFd>,
    pub(super) queue: Queue<Requests>,
    pub(super) board: Fd<OwnedFd>,
    /// Its place among those that may wait for each other.
    pub(super) node: Option<Place>,
}

/// A request that was taken out of the queue.
pub(super) struct Begun {
    pub(super) head: RequestHead,
    message: Message,
    /// Where its arguments are.
    arguments: usize,
    item: u64,
    route: Option<Arc<Mutex<Mailer>>>,
}

/// What serves an object, whatever it is.
pub(super) struct Host {
    service: &'static str,
    queue: Queue<Requests>,
    board: Board,
    routes: &'static Routes,
    seat: Option<Arc<Seat>>,
    pause: Pause,
    /// The id of this process.
    process: u32,
}

impl Host {
    /// Makes the object. `None`: there is none, which the parent is told.
    pub(super) fn begin<S: Served>(
        job: &mut Job<'_>,
        threads: u16,
    ) -> Result<Option<(Host, S)>, Failure> {
        let setup = job.argument(&owned::<Setup>())?;
        job.begin()?;
        let fatal = |error: &dyn std::fmt::Display| Failure::not_decoded(error);
        let control = Arc::new(setup.control.into_inner());
        let mut parent = Mailer::new(Arc::clone(&control)).map_err(|error| fatal(&error))?;
        let mut inbox = Inbox::new(control);
        let board = Board::map(setup.board.into_inner());
        let node = setup.node;
        let seat = node
            .filter(|_| threads == 1)
            .and_then(|place| Seat::take(&Graph::of_family().ok()?, place))
            .map(Arc::new);
        let mut order = loop {
            match inbox.receive().map_err(|error| fatal(&error))? {
                Received::Message(order) => break order,
                Received::Nothing => {
                    poll::wait_readable(inbox.source(), None);
                }
                Received::Closed => process::exit(0),
            }
        };
        if order.kind() != Some(Order::Construct as u8) {
            return Err(fatal(&"the first order is not to construct"));
        }
        let constructor = order.head.get(1..3).and_then(|bytes| bytes.try_into().ok());
        let constructor = u16::from_ne_bytes(constructor.unwrap_or_default());
        let host = Host {
            service: Box::leak(setup.service.into_boxed_str()),
            queue: setup.queue,
            board: board.map_err(|error| fatal(&error))?,
            routes: Routes::of_process(),
            seat,
            pause: Pause::new(),
            process: process::id(),
        };
        let routes = host.routes;
        let thread = thread::Builder::new().name("multiproc-clients".to_owned());
        thread
            .spawn(move || routes.listen(&mut inbox))
            .map_err(|error| fatal(&error))?;
        let mut object = None;
        let constructing = Serving {
            seat: host.seat.clone(),
            deadline: None,
        };
        let ran = constructing.during(|| {
            run_method(
                host.service,
                order.open_at(3),
                &[],
                &mut |_: &mut Output<'_>| Ok(()),
                |job| {
                    object = Some(S::construct(constructor, job));
                    Ok(())
                },
            )
        });
        let (kind, reason, object) = match (ran, object) {
            (Err(panic), _) => end_of_panic(&panic),
            (Ok(()), Some(Ok(object))) => (Report::Ready, String::new(), Some(object)),
            (Ok(()), Some(Err(Unbuilt::Refused(reason)))) => (Report::Unbuilt, reason, None),
            (Ok(()), Some(Err(Unbuilt::Failed(failure)))) => return Err(failure),
            (Ok(()), None) => (Report::Unbuilt, "it was not constructed".to_owned(), None),
        };
        records::settle();
        let report = wire::message(kind as u8, &reason).and_then(EncodedMessage::new);
        let report = report.map_err(|error| fatal(&error))?;
        // An error means that the parent is gone.
        let _ = parent.post(report);
        Ok(object.map(|object| (host, object)))
    }

    /// The next request that is wanted. `None`: there will be none.
    pub(super) fn next(&self) -> Option<Begun> {
        loop {
            match self.queue.try_pop_message() {
                Popped::Item(item, message) => {
                    let Some((head, arguments)) = RequestHead::read(&message) else {
                        continue;
                    };
                    let deadline = serving::from_shared(head.deadline);
                    let is_late = deadline::is_past(deadline);
                    if is_late || self.board.is_withdrawn(item) {
                        continue;
                    }
                    let route = match head.request {
                        0 => None,
                        _ => match self.routes.to(head.client) {
                            Some(route) => Some(route),
                            // Its client is gone.
                            None => continue,
                        },
                    };
                    return Some(Begun {
                        head,
                        message,
                        arguments,
                        item,
                        route,
                    });
                }
                Popped::Failed(item, error, head) => {
                    let message = Message {
                        head,
                        ..Message::default()
                    };
                    let Some((head, arguments)) = RequestHead::read(&message) else {
                        // Who sent it is not known: the end of this process tells them.
                        leave(&error);
                    };
                    let route = self.routes.to(head.client);
                    let reason = format!("the service could not receive them: {error}");
                    let begun = Begun {
                        head,
                        message,
                        arguments,
                        item,
                        route,
                    };
                    self.refuse(&begun, &reason);
                }
                Popped::Closed => return None,
                Popped::Empty => self
                    .pause
                    .wait(|| self.queue.has_news(), || self.queue.sleep_for_news()),
                Popped::Damaged => leave(&io::Error::other("its queue is damaged")),
            }
        }
    }

    /// Runs a method on a request and sends its reply.
    pub(super) fn run(
        &self,
        request: Begun,
        method: impl FnOnce(&mut Job<'_>) -> Result<(), Failure>,
    ) {
        let Begun {
            head,
            mut message,
            arguments,
            item,
            route,
        } = request;
        let serving = Serving {
            seat: self.seat.clone(),
            deadline: serving::from_shared(head.deadline),
        };
        if let Some(seat) = &self.seat {
            seat.begin(item);
        }
        let done = || {
            // Before the reply can be received: who waits for it waits no more.
            if let Some(seat) = &self.seat {
                seat.done(item);
            }
        };
        let address = self.address(&head).bytes();
        let input = message.open_at(arguments);
        let ran = serving.during(|| {
            let mut send = |out: &mut Output<'_>| {
                done();
                self.reply(route.as_ref(), head.client, std::mem::take(out))
            };
            run_method(self.service, input, &address, &mut send, method)
        });
        if let Err(panic) = ran {
            self.routes.flush(PATIENCE);
            end_of_panic(&panic);
        }
        done();
    }

    fn address(&self, head: &RequestHead) -> Address {
        Address {
            request: head.request,
            process: self.process,
        }
    }

    /// Answers a request that cannot be run.
    pub(super) fn refuse(&self, request: &Begun, reason: &str) {
        let mut out = message(Reply::NotDecoded, reason);
        let address = self.address(&request.head).bytes();
        out.head.splice(1..1, address);
        let _ = self.reply(request.route.as_ref(), request.head.client, out);
    }

    fn reply(
        &self,
        route: Option<&Arc<Mutex<Mailer>>>,
        client: u32,
        out: Output<'_>,
    ) -> io::Result<()> {
        let Some(route) = route else {
            return Ok(());
        };
        records::settle();
        let mut mailer = lock(route);
        let was_blocked = mailer.blocked_on().is_some();
        mailer.post_written(out)?;
        self.board.count_reply(client);
        // A client that takes in a long reply takes part of it at a time.
        while let Some(socket) = mailer.blocked_on().filter(|_| !was_blocked) {
            let until = Instant::now() + PATIENCE;
            if poll::wait_writable(socket, None, Some(until)) != Writable::Now {
                break;
            }
            mailer.advance()?;
        }
        if mailer.blocked_on().is_some() {
            drop(mailer);
            self.routes.send_later(route);
        }
        Ok(())
    }

    /// The name of the type.
    pub(super) fn service(&self) -> &'static str {
        self.service
    }

    /// Lets no more requests in.
    pub(super) fn close(&self) {
        self.queue.close();
    }

    /// Waits until clients have taken their replies, for a time.
    pub(super) fn bid_farewell(&self) {
        self.routes.flush(FAREWELL);
    }
}

/// Ends the process, which cannot serve any more.
fn leave(error: &io::Error) -> ! {
    #[expect(clippy::print_stderr, reason = "there is no other way to tell")]
    {
        eprintln!("multiproc: a request cannot be received: {error}");
    }
    process::exit(EXIT_SYSTEM)
}
