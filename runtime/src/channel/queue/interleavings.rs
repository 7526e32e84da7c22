//! Several who push and pop at once, in all orders, and one who dies at any step.
//!
//! How that is done is told by the [explorer](crate::probe).

use std::ops::Range;
use std::sync::Mutex;

use super::Queue;
use crate::channel::{RecvError, SendError};
use crate::probe::{Dead, Explorer, Part, World};

/// A queue, and what was popped, by whom.
struct Scene {
    /// As the one has it who looks when all is over.
    queue: Queue<u8>,
    /// As the actors have it, each a process.
    theirs: Vec<Mutex<Option<Queue<u8>>>>,
    popped: Mutex<Vec<(usize, u8)>>,
    pushed: Mutex<Vec<u8>>,
}

impl World for Scene {
    fn memory(&self) -> Vec<Range<usize>> {
        vec![self.queue.core.shared_words()]
    }

    fn reap(&self, actor: usize) {
        self.theirs[actor].lock().unwrap().take();
    }
}

impl Scene {
    fn new(capacity: usize) -> Scene {
        let queue = Queue::bounded(capacity).unwrap();
        let theirs = || Mutex::new(Some(Queue::new(queue.core.of_another_process())));
        Scene {
            theirs: (0..3).map(|_| theirs()).collect(),
            queue,
            popped: Mutex::default(),
            pushed: Mutex::default(),
        }
    }

    fn of(&self, actor: usize) -> Queue<u8> {
        self.theirs[actor].lock().unwrap().clone().unwrap()
    }

    /// False if the queue is closed.
    fn push(&self, me: usize, item: u8) -> bool {
        self.push_into(&self.of(me), item)
    }

    fn push_into(&self, queue: &Queue<u8>, item: u8) -> bool {
        match queue.push(item) {
            Ok(()) => {
                self.pushed.lock().unwrap().push(item);
                true
            }
            Err(SendError(back, None)) => {
                assert_eq!(back, item);
                false
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// False if the queue is closed and empty.
    fn pop(&self, me: usize) -> bool {
        match self.of(me).pop() {
            Ok(item) => {
                self.popped.lock().unwrap().push((me, item));
                true
            }
            Err(RecvError::Disconnected) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// All that was popped, sorted.
    fn popped(&self) -> Vec<u8> {
        let mut items: Vec<u8> = self.popped_in_order();
        items.sort_unstable();
        items
    }

    fn popped_in_order(&self) -> Vec<u8> {
        let popped = self.popped.lock().unwrap();
        popped.iter().map(|(_, item)| *item).collect()
    }
}

#[test]
fn each_item_is_popped_once() {
    let push = |scene: &Scene, me: usize| assert!(scene.push(me, u8::try_from(me).unwrap()));
    let pop_two = |scene: &Scene, me| assert!(scene.pop(me) && scene.pop(me));
    let parts: [Part<'_, Scene>; 3] = [&push, &push, &pop_two];
    let both = |scene: &Scene, _| {
        assert_eq!(scene.popped(), [0, 1]);
        assert!(scene.queue.is_empty());
    };
    Explorer::preempting(2).explore(|| Scene::new(1), &parts, both);
    let push_two = |scene: &Scene, me| assert!(scene.push(me, 0) && scene.push(me, 1));
    let pop = |scene: &Scene, me| assert!(scene.pop(me));
    let parts: [Part<'_, Scene>; 3] = [&push_two, &pop, &pop];
    Explorer::preempting(1).explore(|| Scene::new(1), &parts, both);
}

#[test]
fn items_come_in_the_order_in_which_one_pushed_them() {
    let push = |scene: &Scene, me| assert!((0..3).all(|item| scene.push(me, item)));
    let pop = |scene: &Scene, me| assert!((0..3).all(|_| scene.pop(me)));
    let parts: [Part<'_, Scene>; 2] = [&push, &pop];
    Explorer::preempting(2).explore(
        || Scene::new(2),
        &parts,
        |scene, _| {
            assert_eq!(scene.popped_in_order(), [0, 1, 2]);
        },
    );
}

#[test]
fn all_learn_that_a_queue_is_closed() {
    let pop = |scene: &Scene, me| while scene.pop(me) {};
    let push = |scene: &Scene, me| {
        scene.push(me, 0);
        scene.push(me, 1);
    };
    let close = |scene: &Scene, me| scene.of(me).close();
    let parts: [Part<'_, Scene>; 3] = [&pop, &push, &close];
    Explorer::preempting(1).explore(
        || Scene::new(1),
        &parts,
        |scene, _| {
            assert_eq!(scene.popped_in_order(), *scene.pushed.lock().unwrap());
        },
    );
}

#[test]
fn all_learn_that_the_tasks_are_done() {
    let world = || {
        let scene = Scene::new(2);
        assert!(
            [0, 1]
                .iter()
                .all(|item| scene.push_into(&scene.queue, *item))
        );
        scene
    };
    let work = |scene: &Scene, me| {
        assert!(scene.pop(me));
        scene.of(me).task_done();
    };
    let wait = |scene: &Scene, me| {
        scene.of(me).join();
        assert_eq!(scene.popped(), [0, 1]);
    };
    let parts: [Part<'_, Scene>; 3] = [&work, &work, &wait];
    Explorer::preempting(2).explore(world, &parts, |_, _| {});
}

#[test]
fn a_death_in_a_push_costs_that_item_at_most() {
    let push = |scene: &Scene, me: usize| {
        scene.push(me, u8::try_from(me).unwrap());
    };
    let push_and_close = |scene: &Scene, me: usize| {
        scene.push(me, u8::try_from(me).unwrap());
        scene.of(me).close();
    };
    let pop = |scene: &Scene, me| while scene.pop(me) {};
    let parts: [Part<'_, Scene>; 3] = [&push, &push_and_close, &pop];
    let explorer = Explorer::preempting(1).deaths(1).mortal(&[0]);
    explorer.explore(
        || Scene::new(1),
        &parts,
        |scene, dead: Dead| {
            let popped = scene.popped();
            let mut pushed = scene.pushed.lock().unwrap().clone();
            pushed.sort_unstable();
            // The dead one's may be there though it could not say so any more.
            assert!(popped == pushed || dead.count() > 0 && popped == [0, 1]);
        },
    );
}

#[test]
fn a_death_in_a_pop_costs_that_item_at_most() {
    let push = |scene: &Scene, me| {
        assert!(scene.push(me, 0) && scene.push(me, 1));
        scene.of(me).close();
    };
    let pop = |scene: &Scene, me| while scene.pop(me) {};
    let parts: [Part<'_, Scene>; 3] = [&pop, &pop, &push];
    let explorer = Explorer::preempting(0).deaths(1).mortal(&[0]);
    explorer.explore(
        || Scene::new(1),
        &parts,
        |scene, dead: Dead| {
            let popped = scene.popped();
            assert!(popped == [0, 1] || dead.count() > 0 && popped.len() == 1);
        },
    );
}
