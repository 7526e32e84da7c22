//! A node, in the hands of the process that started the service.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::table::{Graph, NODES, NodeWords, Place, mark_of, pack};
use crate::sys::atomic::AtomicU64;
use crate::sys::copy::Home;

/// A service's node, which is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Node {
    graph: Arc<Graph>,
    place: Place,
    home: Home,
}

impl Node {
    /// Takes a node for a service that runs one request at a time; `None` if all are taken: then the
    /// service is there as if it were no service.
    pub(crate) fn settle(graph: &Arc<Graph>, name: &str) -> Option<Node> {
        let claim = |is_gone: &dyn Fn(u32) -> bool| {
            (0..NODES).find_map(|index| claim(graph, index, is_gone))
        };
        // The kernel is asked about the processes of the others only if no node is free otherwise.
        let place = claim(&|mark| mark == 0).or_else(|| claim(&|mark| !graph.is_alive(mark)))?;
        graph.at(place)?.set_name(name);
        Some(Node {
            graph: Arc::clone(graph),
            place,
            home: Home::here(),
        })
    }

    /// What its clients and its process are told.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Takes back what the process of the object has left, which is dead. Requests below `head` of the
    /// queue are over.
    ///
    /// The next process of the object may take the seat then.
    pub(crate) fn after_death(&self, head: u64) {
        if let Some(words) = self.words() {
            words.end_wait();
            words.advance(self.place.before(head));
            let seat = pack(self.place.generation, 0);
            words.seat.store(seat, Ordering::SeqCst);
        }
    }

    /// The words, if this is not a copy of the process that owns them.
    fn words(&self) -> Option<&NodeWords> {
        self.graph.at(self.place).filter(|_| self.home.is_here())
    }
}

/// Takes the node at this index if no process has it, by the word of `is_gone` about marks.
pub(super) fn claim(graph: &Graph, index: u32, is_gone: &dyn Fn(u32) -> bool) -> Option<Place> {
    let words = graph.node(index)?;
    let (owner, seat) = (
        words.owner.load(Ordering::SeqCst),
        words.seat.load(Ordering::SeqCst),
    );
    if !is_gone(mark_of(owner)) || !is_gone(mark_of(seat)) {
        return None;
    }
    let generation = words.next_generation()?;
    let replace = |word: &AtomicU64, known, mark| {
        let new = pack(generation, mark);
        let replaced = word.compare_exchange(known, new, Ordering::SeqCst, Ordering::SeqCst);
        replaced.is_ok()
    };
    if !replace(&words.owner, owner, graph.mark()) {
        return None;
    }
    if !replace(&words.seat, seat, 0) {
        // A process of the service before has just taken its seat: it had not heard that all is over.
        words.owner.store(pack(generation, 0), Ordering::SeqCst);
        return None;
    }
    let place = graph.place(index, generation);
    words.end_wait();
    words.advance(place.first());
    Some(place)
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(words) = self.words() {
            let next = words.next_generation();
            let next = next.map(|next| self.graph.place(self.place.index, next).first());
            // After the last generation the node is not used any more.
            words.advance(next.unwrap_or(u64::MAX));
            let owner = pack(self.place.generation, 0);
            words.owner.store(owner, Ordering::SeqCst);
        }
    }
}
