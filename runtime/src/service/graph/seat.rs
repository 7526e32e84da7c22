//! The place of a service's object in the graph, in the hands of the process that it lives in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::table::{Graph, NodeWords, Place, is_waiting, pack};
use super::walk::{Circle, find_circle};
use crate::sys::copy;

/// A service's object, which runs one request at a time, on one thread.
#[derive(Debug)]
pub(crate) struct Seat {
    graph: Arc<Graph>,
    place: Place,
    /// Whether there is an edge. A thread that waits while it waits, in a callback, writes no other.
    is_waiting: AtomicBool,
}

/// What a service waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edge {
    /// The reply to this request.
    Reply(u64),
    /// Room in a queue of which this was the first item before it was found full.
    Room(u64),
}

impl Edge {
    /// The progress of the service at which the wait is over.
    fn threshold(self, target: Place) -> u64 {
        match self {
            Edge::Reply(request) => target.before(request).saturating_add(2),
            Edge::Room(request) => target.before(request).saturating_add(1),
        }
    }
}

impl Seat {
    /// Takes the seat of a service's object, before it is made; `None` if another process has it, or if
    /// the service is over.
    pub(crate) fn take(graph: &Arc<Graph>, place: Place) -> Option<Seat> {
        let empty = pack(place.generation, 0);
        let mine = pack(place.generation, graph.mark());
        let seat = &graph.at(place)?.seat;
        let taken = seat.compare_exchange(empty, mine, Ordering::SeqCst, Ordering::SeqCst);
        taken.ok().map(|_| Seat {
            graph: Arc::clone(graph),
            place,
            is_waiting: AtomicBool::new(false),
        })
    }

    /// The circle of a service that waits for itself, if that is at this place.
    pub(crate) fn circle_with(&self, target: Place) -> Option<Circle> {
        (target == self.place).then(|| Circle::of_one(&self.graph, self.place.index))
    }

    /// Notes that a request is run. Nothing that could wait comes between this and its being taken out
    /// of the queue.
    pub(crate) fn begin(&self, request: u64) {
        if let Some(words) = self.words() {
            words.advance(self.place.before(request).saturating_add(1));
        }
    }

    /// Notes that a request is done, before its reply can be received.
    pub(crate) fn done(&self, request: u64) {
        if let Some(words) = self.words() {
            words.advance(self.place.before(request).saturating_add(2));
        }
    }

    /// Notes, before the thread of the object sleeps, what it waits for, until what is returned is
    /// dropped. If that can never be, because all wait for one another, that is the error.
    pub(crate) fn wait(&self, target: Place, edge: Edge) -> Result<Option<Waiting<'_>>, Circle> {
        let (Some(words), Some(_)) = (self.words(), self.graph.at(target)) else {
            return Ok(None);
        };
        if self.is_waiting.swap(true, Ordering::Acquire) {
            return Ok(None);
        }
        let threshold = edge.threshold(target);
        words.target.store(target.index.into(), Ordering::Release);
        words.threshold.store(threshold, Ordering::Release);
        let epoch = words.epoch.load(Ordering::Relaxed);
        let waiting = epoch.wrapping_add(if is_waiting(epoch) { 2 } else { 1 });
        words.epoch.store(waiting, Ordering::SeqCst);
        let waiting = Waiting {
            seat: self,
            over: waiting.wrapping_add(1),
        };
        match find_circle(&self.graph, self.place.index) {
            None => Ok(Some(waiting)),
            Some(circle) => Err(circle),
        }
    }

    /// The words, if this is not a copy of the process that has the seat.
    fn words(&self) -> Option<&NodeWords> {
        self.graph.at(self.place).filter(|_| !copy::is_copy())
    }
}

/// An edge of the graph, which is taken back when this is dropped.
#[derive(Debug)]
#[must_use = "the edge is there as long as this is"]
pub(crate) struct Waiting<'a> {
    seat: &'a Seat,
    /// The epoch after the wait.
    over: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(words) = self.seat.words() {
            words.epoch.store(self.over, Ordering::SeqCst);
        }
        self.seat.is_waiting.store(false, Ordering::Release);
    }
}
