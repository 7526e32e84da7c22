//! Services that wait for one another in all orders, and processes that die at any step.
//!
//! How that is done is told by the [explorer](crate::probe). Each service is an actor: its thread, in a
//! process of its own, runs one request, and asks others meanwhile.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::node::claim;
use super::table::mark_of;
use super::{Edge, Graph, Node, Place, Seat};
use crate::probe::{Dead, Explorer, Part, World, bytes_of, ends_after, step};
use crate::raw::Event;
use crate::sys::deadline;

/// The most services of a scene.
const MOST: usize = 3;

/// Services that run their request 0, which comes from outside.
struct Scene {
    graph: Arc<Graph>,
    nodes: Vec<Node>,
    /// Of each, as long as its process does not do its part.
    seats: Vec<Mutex<Option<Seat>>>,
    /// For each, that those who wait for it can go on.
    told: [Event; MOST],
    alarms: Mutex<Vec<(usize, String)>>,
    /// Whether the first one waits, and how often it did before.
    waits: AtomicBool,
    waited: AtomicU32,
}

impl World for Scene {
    fn memory(&self) -> Vec<Range<usize>> {
        vec![
            self.graph.shared_words(self.nodes.len()),
            bytes_of(&self.told),
        ]
    }
}

impl Scene {
    fn new(services: usize) -> Scene {
        let graph = Arc::new(Graph::alone());
        let nodes: Vec<Node> = ["A", "B", "C"][..services]
            .iter()
            .map(|name| Node::settle(&graph, name).unwrap())
            .collect();
        let seat = |node: &Node| {
            let seat = Seat::take(&Arc::new(graph.of_another_process()), node.place()).unwrap();
            seat.begin(0);
            Mutex::new(Some(seat))
        };
        Scene {
            seats: nodes.iter().map(seat).collect(),
            nodes,
            graph,
            told: Default::default(),
            alarms: Mutex::default(),
            waits: AtomicBool::new(false),
            waited: AtomicU32::new(0),
        }
    }

    fn place(&self, service: usize) -> Place {
        self.nodes[service].place()
    }

    /// The process of a service begins its part.
    fn seat(&self, me: usize) -> Seat {
        self.seats[me].lock().unwrap().take().unwrap()
    }

    /// Waits until the other tells, but not longer than this; false if there was an alarm.
    fn wait(
        &self,
        me: usize,
        seat: &Seat,
        other: usize,
        edge: Edge,
        until: Option<Instant>,
    ) -> bool {
        match seat.wait(self.place(other), edge) {
            Ok(waiting) => {
                self.told[other].wait_until(until);
                drop(waiting);
                true
            }
            Err(circle) => {
                self.alarms.lock().unwrap().push((me, circle.to_string()));
                false
            }
        }
    }

    fn ask(&self, me: usize, seat: &Seat, other: usize, request: u64) -> bool {
        self.wait(me, seat, other, Edge::Reply(request), None)
    }

    /// Runs a request that asks no other service, and replies.
    fn serve(&self, me: usize, seat: &Seat, request: u64) {
        seat.begin(request);
        seat.done(request);
        self.told[me].set();
    }

    fn alarms(&self) -> Vec<(usize, String)> {
        self.alarms.lock().unwrap().clone()
    }
}

/// Long after all has happened that can happen.
fn later() -> Option<Instant> {
    deadline::after(Duration::from_millis(500))
}

/// While it runs request 0, a service sends its request 1 to the next one, which has sent its own to
/// another before or after. When it has the reply, or cannot have it, it goes on to its own request 1.
fn ask_next(scene: &Scene, me: usize) {
    let seat = scene.seat(me);
    scene.ask(me, &seat, (me + 1) % scene.nodes.len(), 1);
    seat.done(0);
    scene.serve(me, &seat, 1);
}

/// Waits for room in the queue of the next one, whose first item is request 1.
fn wait_for_room(scene: &Scene, me: usize) {
    let seat = scene.seat(me);
    let next = (me + 1) % scene.nodes.len();
    scene.wait(me, &seat, next, Edge::Room(1), None);
    seat.done(0);
    scene.serve(me, &seat, 1);
}

/// One of those in the circle has seen it, and named it from itself on.
fn one_sees_it(scene: &Scene, _: Dead) {
    let alarms = scene.alarms();
    assert!(!alarms.is_empty(), "a circle was not seen");
    let circles: &[&str] = match scene.nodes.len() {
        1 => &["A → A"],
        2 => &["A → B → A", "B → A → B"],
        _ => &["A → B → C → A", "B → C → A → B", "C → A → B → C"],
    };
    for (me, circle) in alarms {
        assert_eq!(circle, circles[me]);
    }
}

fn no_alarm(scene: &Scene, _: Dead) {
    assert_eq!(scene.alarms(), [], "there was no circle");
}

#[test]
fn at_least_one_sees_a_circle() {
    Explorer::preempting(0).explore(|| Scene::new(1), &[&ask_next], one_sees_it);
    let parts: [Part<'_, Scene>; 2] = [&ask_next, &ask_next];
    Explorer::preempting(2).explore(|| Scene::new(2), &parts, one_sees_it);
    let parts: [Part<'_, Scene>; 2] = [&ask_next, &wait_for_room];
    Explorer::preempting(1).explore(|| Scene::new(2), &parts, one_sees_it);
    let parts: [Part<'_, Scene>; 3] = [&ask_next, &ask_next, &ask_next];
    Explorer::preempting(1).explore(|| Scene::new(3), &parts, one_sees_it);
}

#[test]
fn a_reply_on_its_way_is_no_circle() {
    // The second one runs what the first one asked, and then something else, for which it asks the
    // first one.
    let answer_then_ask = |scene: &Scene, me| {
        let seat = scene.seat(me);
        seat.done(0);
        scene.told[me].set();
        seat.begin(1);
        scene.ask(me, &seat, 0, 1);
        seat.done(1);
    };
    let ask = |scene: &Scene, me| {
        let seat = scene.seat(me);
        scene.ask(me, &seat, 1, 0);
        seat.done(0);
        scene.serve(me, &seat, 1);
    };
    let parts: [Part<'_, Scene>; 2] = [&ask, &answer_then_ask];
    Explorer::preempting(2).explore(|| Scene::new(2), &parts, no_alarm);
    // The same with one between them.
    let pass_on = |scene: &Scene, me| {
        let seat = scene.seat(me);
        scene.ask(me, &seat, 2, 0);
        seat.done(0);
        scene.told[me].set();
    };
    let parts: [Part<'_, Scene>; 3] = [&ask, &pass_on, &answer_then_ask];
    Explorer::preempting(1).explore(|| Scene::new(3), &parts, no_alarm);
}

#[test]
fn room_that_is_made_is_no_circle() {
    let take_then_ask = |scene: &Scene, me| {
        let seat = scene.seat(me);
        seat.done(0);
        seat.begin(1);
        scene.told[me].set();
        scene.ask(me, &seat, 0, 1);
        seat.done(1);
    };
    let parts: [Part<'_, Scene>; 2] = [&wait_for_room, &take_then_ask];
    Explorer::preempting(2).explore(|| Scene::new(2), &parts, no_alarm);
}

#[test]
fn what_is_withdrawn_is_no_circle() {
    // Its time is over at once.
    let hurry = |scene: &Scene, me| {
        let seat = scene.seat(me);
        scene.waits.store(true, Ordering::SeqCst);
        let waiting = seat.wait(scene.place(1), Edge::Reply(1));
        let is_circle = waiting.is_err();
        drop(waiting);
        scene.waits.store(false, Ordering::SeqCst);
        scene.waited.fetch_add(1, Ordering::SeqCst);
        seat.done(0);
        scene.serve(me, &seat, 1);
        assert!(!is_circle || scene.waited.load(Ordering::SeqCst) == 1);
    };
    let ask = |scene: &Scene, me| {
        let seat = scene.seat(me);
        let before = scene.waited.load(Ordering::SeqCst);
        let is_reply = scene.ask(me, &seat, 0, 1);
        let met =
            scene.waits.load(Ordering::SeqCst) || before < scene.waited.load(Ordering::SeqCst);
        assert!(is_reply || met, "the other did not wait any more");
    };
    let parts: [Part<'_, Scene>; 2] = [&hurry, &ask];
    Explorer::preempting(2).explore(|| Scene::new(2), &parts, |_, _| {});
}

#[test]
fn a_circle_needs_all_of_its_processes() {
    // It may die at any step. What it is asked its next process does.
    let ask_and_die = |scene: &Scene, me| {
        let seat = scene.seat(me);
        scene.wait(me, &seat, 1, Edge::Reply(1), later());
        seat.done(0);
        scene.serve(me, &seat, 1);
    };
    let ask = |scene: &Scene, me| {
        let mark = mark_of(scene.graph.node(0).unwrap().seat.load(Ordering::SeqCst));
        let seat = scene.seat(me);
        let can_be = scene.graph.is_alive(mark);
        let is_reply = scene.wait(me, &seat, 0, Edge::Reply(1), later());
        assert!(is_reply || can_be, "the other was dead");
        seat.done(0);
        scene.serve(me, &seat, 1);
    };
    let parent = |scene: &Scene, _| {
        let mark = mark_of(scene.graph.node(0).unwrap().seat.load(Ordering::SeqCst));
        if !scene.graph.is_alive(mark) {
            let node = &scene.nodes[0];
            node.after_death(1);
            let next = Arc::new(scene.graph.of_another_process());
            let seat = Seat::take(&next, node.place()).expect("the seat is free");
            scene.serve(0, &seat, 1);
        }
    };
    let check = |scene: &Scene, dead: Dead| {
        assert!(dead.count() > 0 || !scene.alarms().is_empty());
    };
    let parts: [Part<'_, Scene>; 3] = [&ask_and_die, &ask, &parent];
    let explorer = |times| Explorer::preempting(times).deaths(1).mortal(&[0]);
    let explorer = |times| explorer(times).expects_timeouts();
    explorer(1).explore(|| Scene::new(2), &parts[..2], check);
    explorer(0).explore(|| Scene::new(2), &parts, check);
}

/// Two who take nodes.
struct Nodes {
    graph: Arc<Graph>,
    places: Mutex<Vec<Place>>,
}

impl World for Nodes {
    fn memory(&self) -> Vec<Range<usize>> {
        vec![self.graph.shared_words(2)]
    }
}

#[test]
fn no_node_is_given_to_two() {
    let world = || Nodes {
        graph: Arc::new(Graph::alone()),
        places: Mutex::default(),
    };
    let settle = |nodes: &Nodes, _| {
        let graph = Arc::new(nodes.graph.of_another_process());
        let node = Node::settle(&graph, "A").unwrap();
        nodes.places.lock().unwrap().push(node.place());
        let index = node.place().index;
        let owner = || {
            nodes
                .graph
                .node(index)
                .unwrap()
                .owner
                .load(Ordering::SeqCst)
        };
        assert_eq!(mark_of(owner()), graph.mark());
        node.after_death(0);
        assert_eq!(mark_of(owner()), graph.mark());
    };
    // Nothing is left of them, or it is found dead.
    let check = |nodes: &Nodes, _: Dead| {
        let places = nodes.places.lock().unwrap();
        assert!(places.windows(2).all(|pair| pair[0] != pair[1]));
        let is_gone = |mark| !nodes.graph.is_alive(mark);
        for index in 0..2 {
            let place = claim(&nodes.graph, index, &is_gone).unwrap();
            assert!(places.iter().all(|other| *other != place));
        }
    };
    let parts: [Part<'_, Nodes>; 2] = [&settle, &settle];
    Explorer::preempting(1).explore(world, &parts, check);
    Explorer::preempting(0)
        .deaths(1)
        .explore(world, &parts, check);
}

/// A service whose parent has died before its process has taken the seat.
struct Orphan {
    graph: Arc<Graph>,
    place: Place,
    seat: Mutex<Option<Seat>>,
    claimed: AtomicBool,
}

impl World for Orphan {
    fn memory(&self) -> Vec<Range<usize>> {
        vec![self.graph.shared_words(1)]
    }
}

#[test]
fn a_late_process_takes_no_seat_of_another_service() {
    let world = || {
        let graph = Arc::new(Graph::alone());
        let mut place = None;
        assert!(ends_after(0, || {
            let parent = Arc::new(graph.of_another_process());
            let node = Node::settle(&parent, "A").unwrap();
            place = Some(node.place());
            step();
        }));
        Orphan {
            graph,
            place: place.unwrap(),
            seat: Mutex::default(),
            claimed: AtomicBool::new(false),
        }
    };
    let sit = |orphan: &Orphan, _| {
        let graph = Arc::new(orphan.graph.of_another_process());
        *orphan.seat.lock().unwrap() = Seat::take(&graph, orphan.place);
    };
    let take = |orphan: &Orphan, _| {
        let graph = &orphan.graph;
        let claimed = claim(graph, 0, &|mark| !graph.is_alive(mark));
        orphan.claimed.store(claimed.is_some(), Ordering::SeqCst);
    };
    let one = |orphan: &Orphan, _: Dead| {
        let sits = orphan.seat.lock().unwrap().is_some();
        assert!(!(sits && orphan.claimed.load(Ordering::SeqCst)));
    };
    let parts: [Part<'_, Orphan>; 2] = [&sit, &take];
    Explorer::preempting(4).explore(world, &parts, one);
    let explorer = Explorer::preempting(2).deaths(1).mortal(&[1]);
    explorer.explore(world, &parts, |orphan, _: Dead| {
        // Whatever the dead one has left, the next one can take it, unless the process sits there.
        let graph = &orphan.graph;
        let next = claim(graph, 0, &|mark| !graph.is_alive(mark));
        let sits = orphan.seat.lock().unwrap().is_some();
        let claimed = orphan.claimed.load(Ordering::SeqCst);
        assert!(next.is_some() != (sits || claimed));
    });
}
