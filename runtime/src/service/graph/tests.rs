use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::table::{NAME, NODES, pack};
use super::{Circle, Edge, Graph, Node, Place, Seat, Waiting};
use crate::probe::{ends_after, forbid_copies, step};
use crate::process::family;
use crate::random::Random;

/// A process that starts services.
struct Parent {
    graph: Arc<Graph>,
}

/// A service whose object's process has begun its first request.
struct Service {
    node: Node,
    seat: Seat,
}

impl Parent {
    fn new() -> Parent {
        Parent {
            graph: Arc::new(Graph::alone()),
        }
    }

    fn start(&self, name: &str) -> Service {
        let node = Node::settle(&self.graph, name).unwrap();
        let seat = self.sit(node.place()).unwrap();
        seat.begin(0);
        Service { node, seat }
    }

    fn start_all<const COUNT: usize>(&self, names: [&str; COUNT]) -> [Service; COUNT] {
        names.map(|name| self.start(name))
    }

    /// A new process takes a seat.
    fn sit(&self, place: Place) -> Option<Seat> {
        Seat::take(&Arc::new(self.graph.of_another_process()), place)
    }
}

impl Service {
    fn ask(&self, other: &Service, request: u64) -> Result<Option<Waiting<'_>>, Circle> {
        self.wait(other, Edge::Reply(request))
    }

    fn wait(&self, other: &Service, edge: Edge) -> Result<Option<Waiting<'_>>, Circle> {
        self.seat.wait(other.node.place(), edge)
    }
}

#[track_caller]
fn check_circle(waiting: Result<Option<Waiting<'_>>, Circle>, names: &str) {
    assert_eq!(waiting.unwrap_err().to_string(), names);
}

#[test]
fn a_service_that_asks_itself_is_told() {
    let _copies = forbid_copies();
    let index = Parent::new().start("Index");
    check_circle(index.ask(&index, 1), "Index → Index");
    // Its queue is full.
    check_circle(index.wait(&index, Edge::Room(1)), "Index → Index");
}

#[test]
fn the_last_one_of_a_circle_is_told() {
    let _copies = forbid_copies();
    let parent = Parent::new();
    let services = parent.start_all(["A", "B", "C", "D", "E"]);
    let mut waiting = Vec::new();
    for (service, next) in services.iter().zip(&services[1..]) {
        waiting.push(service.ask(next, 1).unwrap());
    }
    let [first, .., last] = &services;
    let circle = last.ask(first, 7).unwrap_err();
    assert_eq!(circle.names(), ["E", "A", "B", "C", "D"]);
    // It has taken its edge back, so that another one is not told of it.
    check_circle(last.ask(first, 7), "E → A → B → C → D → E");
    // One leaves.
    waiting.pop();
    assert!(last.ask(first, 8).is_ok());
}

#[test]
fn a_service_that_a_circle_does_not_lead_to_is_not_told() {
    let _copies = forbid_copies();
    let parent = Parent::new();
    let [a, b, c] = parent.start_all(["A", "B", "C"]);
    let _first = a.ask(&b, 1).unwrap();
    assert_eq!(b.ask(&a, 1).unwrap_err().names(), ["B", "A"]);
    assert!(c.ask(&a, 2).is_ok());
    // Even if that circle was not broken: the walk comes to an end.
    let words = parent.graph.node(b.node.place().index).unwrap();
    words.epoch.fetch_or(1, Ordering::SeqCst);
    assert!(c.ask(&a, 2).is_ok());
}

#[test]
fn what_is_done_or_has_room_is_not_waited_for() {
    let _copies = forbid_copies();
    let [a, b] = Parent::new().start_all(["A", "B"]);
    let reply = a.ask(&b, 0).unwrap();
    check_circle(b.ask(&a, 1), "B → A → B");
    b.seat.done(0);
    assert!(b.ask(&a, 1).is_ok());
    drop(reply);
    let _room = a.wait(&b, Edge::Room(1)).unwrap();
    check_circle(b.ask(&a, 1), "B → A → B");
    b.seat.begin(1);
    assert!(b.ask(&a, 1).is_ok());
}

#[test]
fn the_dead_close_no_circle() {
    let _copies = forbid_copies();
    let parent = Parent::new();
    let [a, b] = parent.start_all(["A", "B"]);
    let (place, Service { node, seat }) = (a.node.place(), a);
    let target = b.node.place();
    let mut seat = Some(seat);
    assert!(ends_after(0, || {
        let seat = seat.take().unwrap();
        let _waiting = seat.wait(target, Edge::Reply(1)).unwrap();
        step();
    }));
    assert!(b.seat.wait(place, Edge::Reply(1)).is_ok());
    // Another process must not take the seat before its predecessor's edge is gone.
    assert!(parent.sit(place).is_none());
    node.after_death(1);
    let again = parent.sit(place).unwrap();
    assert!(parent.sit(place).is_none());
    // What is still in the queue the next one runs; what had been begun died.
    let waiting = b.seat.wait(place, Edge::Reply(0)).unwrap();
    assert!(again.wait(target, Edge::Reply(1)).is_ok());
    drop(waiting);
    let _waiting = b.seat.wait(place, Edge::Reply(1)).unwrap();
    check_circle(again.wait(target, Edge::Reply(1)), "A → B → A");
}

#[test]
fn a_node_goes_to_one_service_after_another() {
    let _copies = forbid_copies();
    let parent = Parent::new();
    let [a, b] = parent.start_all(["A", "B"]);
    let old = a.node.place();
    a.seat.begin(1 << 40);
    a.node.after_death(1 << 40);
    drop(a.node);
    let next = parent.start("Next");
    assert_eq!(next.node.place().index, old.index);
    assert_ne!(next.node.place(), old);
    assert!(parent.sit(old).is_none());
    // One that waits for the service before does not wait for this one.
    let stale = b.seat.wait(old, Edge::Reply((1 << 40) + 5)).unwrap();
    assert!(next.ask(&b, 1).is_ok());
    drop(stale);
    // What the process before does changes nothing.
    a.seat.begin((1 << 40) + 1);
    let _waiting = b.ask(&next, 1).unwrap();
    check_circle(next.ask(&b, 1), "Next → B → Next");
}

#[test]
fn the_nodes_of_the_dead_are_taken_when_no_other_is_left() {
    let _copies = forbid_copies();
    let parent = Parent::new();
    let mut places = Vec::new();
    let mut mine = None;
    let mut orphan = None;
    assert!(ends_after(0, || {
        let graph = Arc::new(parent.graph.of_another_process());
        let theirs = (0..NODES - 1).map(|_| Node::settle(&graph, "theirs").unwrap());
        let theirs: Vec<Node> = theirs.collect();
        places.extend(theirs.iter().map(Node::place));
        mine = Some(parent.start("mine"));
        assert!(Node::settle(&parent.graph, "one too many").is_none());
        orphan = parent.sit(theirs[7].place());
        step();
    }));
    let next = parent.start("next");
    assert_eq!(next.node.place().index, places[0].index);
    assert!(parent.sit(places[0]).is_none());
    let more = || Node::settle(&parent.graph, "more");
    let taken: Vec<Node> = std::iter::from_fn(more).collect();
    // But for that of which a process lives on for a while.
    assert_eq!(taken.len(), NODES as usize - 3);
    assert!(
        taken
            .iter()
            .all(|node| node.place().index != places[7].index)
    );
    drop(orphan);
    assert_eq!(more().unwrap().place().index, places[7].index);
}

#[test]
fn a_node_has_so_many_generations() {
    let _copies = forbid_copies();
    let parent = Parent::new();
    let words = parent.graph.node(0).unwrap();
    // The last but one.
    words.owner.store(pack((1 << 19) - 3, 0), Ordering::SeqCst);
    let last = Node::settle(&parent.graph, "last").unwrap();
    assert_eq!(last.place().index, 0);
    let waited_for = last.place();
    let other = parent.start("other");
    drop(last);
    let _waiting = other.seat.wait(waited_for, Edge::Reply(u64::MAX)).unwrap();
    let (one, two) = (parent.start("one"), parent.start("two"));
    assert!(one.node.place().index == 0 || one.node.place().index == 2);
    assert_ne!(two.node.place().index, 0);
}

#[test]
fn names_are_kept_as_far_as_there_is_room() {
    let _copies = forbid_copies();
    let parent = Parent::new();
    let long = "é".repeat(NAME);
    for (name, kept) in [("", ""), ("Index", "Index"), (&*long, &long[..NAME - 1])] {
        let service = parent.start(name);
        assert_eq!(service.ask(&service, 1).unwrap_err().names(), [kept]);
    }
}

#[test]
fn a_wait_in_a_wait_is_not_noted() {
    let _copies = forbid_copies();
    let [a, b] = Parent::new().start_all(["A", "B"]);
    let outer = a.ask(&b, 1).unwrap();
    drop(a.ask(&a, 1).unwrap());
    check_circle(b.ask(&a, 1), "B → A → B");
    drop(outer);
    assert!(b.ask(&a, 1).is_ok());
}

#[test]
fn a_place_in_another_graph_means_nothing_here() {
    let _copies = forbid_copies();
    let (here, there) = (Parent::new().start("here"), Parent::new().start("there"));
    assert_eq!(here.node.place().index, there.node.place().index);
    assert!(here.ask(&there, 1).is_ok());
    let graph = Arc::new(Graph::alone());
    assert!(Seat::take(&graph, here.node.place()).is_none());
}

#[test]
fn words_are_not_believed() {
    let _copies = forbid_copies();
    let mut random = Random(7);
    for _ in 0..50 {
        let parent = Parent::new();
        let services = parent.start_all(["A", "B", "C"]);
        for _ in 0..200 {
            let index = u32::try_from(random.below(4)).unwrap();
            let words = parent.graph.node(index).unwrap();
            let all = [
                &words.owner,
                &words.seat,
                &words.progress,
                &words.epoch,
                &words.target,
                &words.threshold,
            ];
            let value = random.next() >> random.below(64);
            all[random.place(all.len())].store(value, Ordering::SeqCst);
            words.set_name("\u{1}");
            let [one, other] = [0, 0].map(|_| &services[random.place(services.len())]);
            let request = random.next() >> random.below(64);
            drop(one.ask(other, request));
            one.seat.begin(request);
            one.node.after_death(request);
            drop(Node::settle(&parent.graph, "D"));
        }
    }
}

#[test]
fn a_family_has_one_graph() {
    let _copies = forbid_copies();
    let file = family::file().unwrap();
    assert!(Arc::ptr_eq(&file, &family::file().unwrap()));
    let graph = Graph::of_family().unwrap();
    let node = Node::settle(&graph, "one").unwrap();
    let child = Arc::new(graph.of_another_process());
    let seat = Seat::take(&child, node.place()).unwrap();
    assert!(seat.wait(node.place(), Edge::Reply(0)).is_err());
    drop(seat);
    node.after_death(0);
}
