//! The search for a circle that a thread is about to close.

use std::fmt;
use std::sync::atomic::Ordering;

use super::table::{Graph, NODES, NodeWords, is_waiting, mark_of};

/// Services that wait for one another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Circle(Vec<String>);

impl Circle {
    /// That of a service that waits for itself.
    pub(super) fn of_one(graph: &Graph, index: u32) -> Circle {
        Circle(graph.node(index).map(NodeWords::name).into_iter().collect())
    }

    /// The names of the services, each once, from the one that has found it on.
    #[cfg(test)]
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }
}

/// All names in the order of who waits for whom, the first at the end once more.
impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.0 {
            write!(f, "{name} → ")?;
        }
        f.write_str(self.0.first().map_or("", String::as_str))
    }
}

/// An edge, as it was read.
#[derive(Debug, Clone, Copy)]
struct Seen {
    from: u32,
    epoch: u64,
    /// The process whose edge it is.
    mark: u32,
    to: u32,
    threshold: u64,
}

/// The circle that the edge of this node closes, in the order that the module says.
pub(super) fn find_circle(graph: &Graph, me: u32) -> Option<Circle> {
    let first = look(graph, me)?;
    let mut others: Vec<Seen> = Vec::new();
    let mut last = first;
    loop {
        if !is_blocked(graph, &last) {
            return None;
        }
        if last.to == me {
            break;
        }
        // A circle that this node is not part of, but leads to, has no end.
        if others.len() >= NODES as usize {
            return None;
        }
        last = look(graph, last.to)?;
        others.push(last);
    }
    if !others.iter().all(|edge| graph.is_alive(edge.mark)) {
        return None;
    }
    let circle = || std::iter::once(&first).chain(&others);
    let names = circle().filter_map(|edge| Some(graph.node(edge.from)?.name()));
    let names = names.collect();
    let is_there = |edge: &Seen| {
        let epoch = graph.node(edge.from)?.epoch.load(Ordering::SeqCst);
        (epoch == edge.epoch && is_blocked(graph, edge)).then_some(())
    };
    circle().try_for_each(is_there)?;
    Some(Circle(names))
}

/// The edge of a node, if it has one.
fn look(graph: &Graph, from: u32) -> Option<Seen> {
    let words = graph.node(from)?;
    let epoch = words.epoch.load(Ordering::SeqCst);
    if !is_waiting(epoch) {
        return None;
    }
    // Those of a later wait come after another epoch, which is then seen in the end.
    Some(Seen {
        from,
        epoch,
        to: u32::try_from(words.target.load(Ordering::Acquire)).ok()?,
        threshold: words.threshold.load(Ordering::Acquire),
        mark: mark_of(words.seat.load(Ordering::SeqCst)),
    })
}

fn is_blocked(graph: &Graph, edge: &Seen) -> bool {
    let target = graph.node(edge.to);
    target.is_some_and(|target| target.progress.load(Ordering::SeqCst) < edge.threshold)
}
