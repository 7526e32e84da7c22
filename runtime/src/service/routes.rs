//! The ways of replies from the process of a service to those of its clients.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::mailer::Mailer;
use super::wire::Order;
use crate::codec::Message;
use crate::descriptor::Fd;
use crate::lock::{lock, wait};
use crate::sys::fd::OwnedFd;
use crate::sys::poll;
use crate::transport::{Inbox, Received};

/// How often the thread that sends what is left looks whether there is room.
const TICK: Duration = Duration::from_millis(5);

/// The ways to the processes that are clients.
#[derive(Debug, Default)]
pub(super) struct Routes {
    known: Mutex<Known>,
    changed: Condvar,
    /// Those of which a client has not taken in all.
    blocked: Mutex<Vec<Arc<Mutex<Mailer>>>>,
    some_blocked: Condvar,
    sender: OnceLock<()>,
}

#[derive(Debug, Default)]
struct Known {
    by_client: HashMap<u32, Arc<Mutex<Mailer>>>,
    /// The highest number that a client has had.
    last: u32,
}

impl Routes {
    pub(super) fn of_process() -> &'static Routes {
        static ROUTES: OnceLock<Routes> = OnceLock::new();
        ROUTES.get_or_init(Routes::default)
    }

    /// Hears from the parent who the clients are, until that is gone.
    pub(super) fn listen(&self, inbox: &mut Inbox) {
        loop {
            match inbox.receive() {
                Ok(Received::Message(order)) => self.obey(order),
                Ok(Received::Nothing) => {
                    poll::wait_readable(inbox.source(), None);
                }
                // The first thread sees it, too, and ends the process.
                Ok(Received::Closed) => return,
                // A descriptor was missing: the client's requests are passed over.
                Err(_) => {}
            }
        }
    }

    fn obey(&self, mut order: Message) {
        let kind = order.kind().and_then(Order::from_wire);
        let mut input = order.open();
        let mut known = lock(&self.known);
        match kind {
            Some(Order::Register) => {
                let Ok((client, socket)) = input.read::<(u32, Option<Fd<OwnedFd>>)>() else {
                    return;
                };
                known.last = known.last.max(client);
                let mailer = socket.map(|socket| Mailer::new(Arc::new(socket.into_inner())));
                if let Some(Ok(mailer)) = mailer {
                    known.by_client.insert(client, Arc::new(Mutex::new(mailer)));
                }
            }
            Some(Order::Forget) => {
                if let Ok(client) = input.read::<u32>() {
                    known.last = known.last.max(client);
                    known.by_client.remove(&client);
                }
            }
            Some(Order::Construct) | None => return,
        }
        drop(known);
        self.changed.notify_all();
    }

    /// The way to a client; `None` if it is gone. Its parent has said before that it is there, or will.
    pub(super) fn to(&self, client: u32) -> Option<Arc<Mutex<Mailer>>> {
        let mut known = lock(&self.known);
        while known.last < client {
            known = wait(&self.changed, known);
        }
        known.by_client.get(&client).cloned()
    }

    /// Has another thread send what is left.
    pub(super) fn send_later(&'static self, route: &Arc<Mutex<Mailer>>) {
        let mut blocked = lock(&self.blocked);
        if !blocked.iter().any(|known| Arc::ptr_eq(known, route)) {
            blocked.push(Arc::clone(route));
        }
        drop(blocked);
        self.sender.get_or_init(|| {
            let thread = thread::Builder::new().name("multiproc-replies".to_owned());
            // Without it, what is left is sent with the next reply, or at the end.
            let _ = thread.spawn(|| {
                loop {
                    let mut blocked = lock(&self.blocked);
                    while blocked.is_empty() {
                        blocked = wait(&self.some_blocked, blocked);
                    }
                    drop(blocked);
                    self.advance();
                    thread::sleep(TICK);
                }
            });
        });
        self.some_blocked.notify_one();
    }

    /// Waits until clients have taken all that is left, but not longer than this.
    pub(super) fn flush(&self, patience: Duration) {
        let until = Instant::now() + patience;
        while self.advance() && Instant::now() < until {
            thread::sleep(TICK);
        }
    }

    /// Sends what there is room for; false if nothing is left.
    fn advance(&self) -> bool {
        let mut blocked = lock(&self.blocked);
        blocked.retain(|route| {
            let mut mailer = lock(route);
            mailer.advance().is_ok() && mailer.blocked_on().is_some()
        });
        !blocked.is_empty()
    }
}
