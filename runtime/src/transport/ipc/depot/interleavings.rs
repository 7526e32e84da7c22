//! Those who take blocks and give them back at once, in all orders.
//!
//! How that is done is told by the [explorer](crate::probe).

use std::ops::Range;
use std::sync::Mutex;

use super::Depot;
use crate::probe::{Explorer, Part, World, bytes_of};

/// A depot, and the messages in it that were sent.
struct Scene {
    depot: Depot,
    owned: Mutex<u64>,
    sent: Mutex<Vec<u64>>,
    over: Mutex<bool>,
}

impl World for Scene {
    fn memory(&self) -> Vec<Range<usize>> {
        vec![bytes_of(self.depot.header())]
    }
}

impl Scene {
    fn new(blocks: u32) -> Scene {
        let (depot, _) = Depot::create(blocks as usize * super::BLOCK).unwrap();
        depot.accept();
        Scene {
            depot,
            owned: Mutex::default(),
            sent: Mutex::default(),
            over: Mutex::default(),
        }
    }

    /// Notes that blocks have an owner, who is the only one.
    fn own(&self, blocks: u64) {
        assert!(!*self.over.lock().unwrap());
        let mut owned = self.owned.lock().unwrap();
        assert_eq!(*owned & blocks, 0);
        *owned |= blocks;
    }

    fn give_back(&self, blocks: u64) {
        *self.owned.lock().unwrap() &= !blocks;
        self.depot.give_back(blocks);
    }

    fn send(&self) {
        if let Some(blocks) = self.depot.take(1) {
            self.own(blocks);
            self.sent.lock().unwrap().push(blocks);
        }
    }

    fn receive(&self) {
        let first = self.sent.lock().unwrap().pop();
        if let Some(blocks) = first {
            self.give_back(blocks);
        }
    }

    fn let_go(&self) {
        assert!(self.sent.lock().unwrap().is_empty());
        assert_eq!(*self.owned.lock().unwrap(), 0);
        *self.over.lock().unwrap() = true;
    }
}

#[test]
fn a_block_has_one_owner() {
    let use_some = |scene: &Scene, me: usize| {
        for wanted in [1, 1 + u32::from(me == 0)] {
            if let Some(blocks) = scene.depot.take(wanted) {
                assert_eq!(blocks.count_ones(), wanted);
                scene.own(blocks);
                scene.give_back(blocks);
            }
        }
    };
    let parts: [Part<'_, Scene>; 3] = [&use_some, &use_some, &use_some];
    Explorer::preempting(2).explore(
        || Scene::new(2),
        &parts,
        |scene, _| assert_eq!(scene.depot.take(2), Some(0b11)),
    );
}

#[test]
fn who_sleeps_for_blocks_is_woken() {
    let world = || {
        let scene = Scene::new(2);
        scene.send();
        scene.send();
        scene
    };
    let wait = |scene: &Scene, _: usize| {
        // Woken for one that another takes first, it does without.
        if let Some(blocks) = scene.depot.take_or_sleep(1, super::PATIENCE) {
            scene.own(blocks);
        }
    };
    let receive = |scene: &Scene, _: usize| {
        scene.receive();
        scene.receive();
    };
    let parts: [Part<'_, Scene>; 3] = [&wait, &wait, &receive];
    Explorer::preempting(2).explore(world, &parts, |scene, _| {
        assert_ne!(*scene.owned.lock().unwrap(), 0);
    });
}

#[test]
fn what_the_receiver_closes_has_no_message_and_gets_none() {
    let send = |scene: &Scene, _: usize| {
        scene.send();
        scene.send();
    };
    let receive = |scene: &Scene, _: usize| {
        for _ in 0..3 {
            scene.receive();
            if scene.depot.take_all() {
                scene.let_go();
                scene.depot.close();
                return;
            }
        }
    };
    let parts: [Part<'_, Scene>; 3] = [&send, &send, &receive];
    Explorer::preempting(3).explore(|| Scene::new(2), &parts, |_, _| {});
}

#[test]
fn what_the_sender_closes_is_kept_for_as_long_as_a_message_is_in_it() {
    let send_and_close = |scene: &Scene, _: usize| {
        scene.send();
        scene.depot.close();
    };
    // A copy of the sender's process, which may not know that it is closed.
    let send = |scene: &Scene, _: usize| scene.send();
    let receive = |scene: &Scene, _: usize| {
        for _ in 0..4 {
            scene.receive();
            if scene.depot.is_over() {
                return scene.let_go();
            }
        }
    };
    let parts: [Part<'_, Scene>; 3] = [&send_and_close, &send, &receive];
    Explorer::preempting(3).explore(|| Scene::new(2), &parts, |_, _| {});
}
