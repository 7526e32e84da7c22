//! A submitter's place: in the line before the queue, or already the room for its tasks.

use std::sync::Arc;
use std::task::Waker;

use super::job::PoolJob;
use super::latch::{Latch, Listener};
use super::load::Load;
use super::scheduler::JobId;
use super::supervisor::{SharedPool, SubmitterId};

/// Given up when it is dropped.
pub(super) struct Place {
    shared: Arc<SharedPool>,
    id: SubmitterId,
    load: Load,
    /// `None`: it was let in at once.
    turn: Option<Arc<Latch>>,
    listener: Listener,
    is_left: bool,
}

impl Place {
    /// Lines up, if there is no room for so much.
    pub(super) fn new(shared: &Arc<SharedPool>, load: Load) -> Place {
        let (id, turn) = shared.line_up(load);
        Place::with(shared, id, load, turn)
    }

    /// Takes a place at once, or none.
    pub(super) fn now(shared: &Arc<SharedPool>, load: Load) -> Option<Place> {
        let id = shared.enter(load)?;
        Some(Place::with(shared, id, load, None))
    }

    fn with(
        shared: &Arc<SharedPool>,
        id: SubmitterId,
        load: Load,
        turn: Option<Arc<Latch>>,
    ) -> Place {
        Place {
            shared: Arc::clone(shared),
            id,
            load,
            turn,
            listener: Listener::new(),
            is_left: false,
        }
    }

    /// Waits until there is room.
    pub(super) fn wait(&self) {
        match &self.turn {
            // Nothing else could make room.
            Some(_) if self.shared.is_supervisor() => {}
            Some(turn) => {
                turn.wait(None);
            }
            None => {}
        }
    }

    /// Whether there is room; if not, `waker` is woken when there is.
    pub(super) fn poll(&self, waker: &Waker) -> bool {
        let is_let_in = |turn: &Arc<Latch>| turn.poll(&self.listener, waker);
        self.turn.as_ref().is_none_or(is_let_in)
    }

    /// Has a job take the room.
    pub(super) fn submit(mut self, job: PoolJob) -> JobId {
        self.is_left = true;
        self.shared.submit_from(self.id, self.load, job)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_left && self.shared.is_here() {
            self.shared.leave(self.id, self.load);
        }
    }
}
