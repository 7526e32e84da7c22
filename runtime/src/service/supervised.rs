//! A service as its parent's threads see it: what the handle wants, and what has become of it.

use std::sync::{Arc, Condvar, Mutex};
use std::task::Wake;
use std::time::Instant;

use super::event::{Listeners, ServiceEvents};
use super::wire;
use crate::error::{Error, Result};
use crate::lock::{lock, wait, wait_until};
use crate::sys::copy::Home;
use crate::sys::poller::Poller;

/// What the handle of a service and its supervisor share.
#[derive(Debug)]
pub(super) struct Supervised {
    /// The name of the type.
    pub(super) service: &'static str,
    pub(super) home: Home,
    /// What the supervisor waits with.
    pub(super) poller: Poller,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// The process that serves, or the last one that did.
    id: u32,
    wants: Wants,
    owner: Owner,
    listeners: Listeners,
}

/// What the handle wants.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wants {
    pub(super) end: bool,
    pub(super) kill: bool,
}

/// What has become of the handle.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Owner {
    #[default]
    There,
    Gone,
    /// And the supervisor has seen that there are clients.
    Outlived,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Starting,
    Running,
    Over(Option<Error>),
}

impl Supervised {
    pub(super) fn new(service: &'static str, poller: Poller) -> Supervised {
        Supervised {
            service,
            home: Home::here(),
            poller,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Waits until the first process is ready.
    pub(super) fn wait_ready(&self) -> Result<()> {
        let mut state = lock(&self.state);
        loop {
            match &state.phase {
                Phase::Starting => state = wait(&self.changed, state),
                Phase::Running => return Ok(()),
                Phase::Over(error) => {
                    return Err(error.as_ref().map_or_else(wire::ended, Error::duplicate));
                }
            }
        }
    }

    /// Waits until there is no process any more. `None`: not by this time.
    pub(super) fn wait_over(&self, limit: Option<Instant>) -> Option<Result<()>> {
        let mut state = lock(&self.state);
        loop {
            if let Phase::Over(error) = &state.phase {
                let error = error.as_ref().map(Error::duplicate);
                return Some(error.map_or(Ok(()), Err));
            }
            let (guard, in_time) = wait_until(&self.changed, state, limit);
            state = guard;
            if !in_time {
                return None;
            }
        }
    }

    /// Has the service end when its queue is empty.
    pub(super) fn shut_down(&self) {
        lock(&self.state).wants.end = true;
        self.poller.wake();
    }

    /// Has the process killed, and none started any more.
    pub(super) fn kill(&self) {
        lock(&self.state).wants.kill = true;
        self.poller.wake();
    }

    /// The handle is gone. Waits until the supervisor has seen that there are clients, or until the end.
    pub(super) fn leave(&self) {
        let mut state = lock(&self.state);
        state.owner = Owner::Gone;
        self.poller.wake();
        while state.owner == Owner::Gone && !matches!(state.phase, Phase::Over(_)) {
            state = wait(&self.changed, state);
        }
    }

    pub(super) fn id(&self) -> u32 {
        lock(&self.state).id
    }

    pub(super) fn events(&self) -> ServiceEvents {
        lock(&self.state).listeners.listen()
    }

    pub(super) fn wants(&self) -> Wants {
        lock(&self.state).wants
    }

    /// The supervisor has looked at the door: whether there can be clients. True if the service is to end
    /// for want of them.
    pub(super) fn has_looked_at_door(&self, is_closed: bool) -> bool {
        let mut state = lock(&self.state);
        if is_closed {
            return state.owner != Owner::There;
        }
        if state.owner == Owner::Gone {
            state.owner = Owner::Outlived;
            drop(state);
            self.changed.notify_all();
        }
        false
    }

    /// Whether no process was ready yet.
    pub(super) fn is_starting(&self) -> bool {
        matches!(lock(&self.state).phase, Phase::Starting)
    }

    /// A process was started.
    pub(super) fn launched(&self, id: u32) {
        lock(&self.state).id = id;
    }

    /// A process has made its object.
    pub(super) fn ready(&self, id: u32) {
        let mut state = lock(&self.state);
        state.listeners.started(id);
        if let Phase::Starting = state.phase {
            state.phase = Phase::Running;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// A process has ended, or could not be started.
    pub(super) fn died(&self, error: &Error) {
        lock(&self.state).listeners.died(error);
    }

    /// There will be no process any more.
    pub(super) fn over(&self, error: Option<Error>) {
        let mut state = lock(&self.state);
        state.listeners.ended();
        state.phase = Phase::Over(error);
        drop(state);
        self.changed.notify_all();
    }
}

/// Tells the supervisor that a process has ended.
pub(super) struct ProcessEnded(pub(super) Arc<Supervised>);

impl Wake for ProcessEnded {
    fn wake(self: Arc<Self>) {
        self.0.poller.wake();
    }
}
