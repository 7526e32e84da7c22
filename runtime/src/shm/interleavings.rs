//! Cells and numbers, taken and given back by several processes at once in all orders, and with
//! one that dies at any step.
//!
//! How that is done is told by the [explorer](crate::probe). A process is a thread here that has
//! an opening of the file, and with it a number, of its own.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::holder::Holder;
use super::layout::{Layout, place};
use super::transfer_token::{Redeemed, TransferToken};
use crate::probe::{Dead, Explorer, Part, World, bytes_of, pause};
use crate::raw::Holders;
use crate::raw::actor::Actor;
use crate::sys::deadline;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::memory;

const CELLS: u32 = 2;
/// The cell that all is about.
const CELL: u32 = 0;

/// A region, its processes, and a message.
struct Scene {
    file: OwnedFd,
    layout: Layout,
    processes: Vec<Mutex<Option<Arc<Holder>>>>,
    /// Its opening and number.
    message: Mutex<Option<(Arc<OwnedFd>, u32)>>,
}

impl World for Scene {
    fn memory(&self) -> Vec<Range<usize>> {
        vec![self.layout.shared_words()]
    }

    fn reap(&self, actor: usize) {
        self.processes[actor].lock().unwrap().take();
    }
}

impl Scene {
    /// The first process has made the region, and a cell in it of generation 0. So many others
    /// have opened it.
    fn new(others: usize) -> Scene {
        let (file, layout) = Layout::create(64, CELLS, |_| 1).unwrap();
        let enter =
            || Holder::enter(memory::reopen(file.as_fd()).unwrap(), layout.clone()).unwrap();
        let creator = enter();
        creator.cells().take(CELL);
        let holders = std::iter::once(creator).chain((0..others).map(|_| enter()));
        let processes = holders
            .map(|holder| Mutex::new(Some(Arc::new(holder))))
            .collect();
        Scene {
            file,
            layout,
            processes,
            message: Mutex::new(None),
        }
    }

    /// The creator has sent a handle to the cell.
    fn with_message(self) -> Scene {
        let creator = self.process(0);
        let message = creator.for_message().unwrap().unwrap();
        assert!(creator.cells().acquire(CELL, 0, message.1));
        *self.message.lock().unwrap() = Some(message);
        drop(creator);
        self
    }

    /// There is room for one more process.
    fn with_room(mut self) -> Scene {
        self.processes.push(Mutex::new(None));
        self
    }

    fn process(&self, number: usize) -> Arc<Holder> {
        Arc::clone(self.processes[number].lock().unwrap().as_ref().unwrap())
    }

    /// A new process opens the region.
    fn enter(&self, number: usize) -> Arc<Holder> {
        let holder = Holder::enter(
            memory::reopen(self.file.as_fd()).unwrap(),
            self.layout.clone(),
        )
        .unwrap();
        let holder = Arc::new(holder);
        *self.processes[number].lock().unwrap() = Some(Arc::clone(&holder));
        holder
    }

    /// Takes the handle out of the message.
    fn receive(&self, number: usize) {
        let process = self.process(number);
        assert!(
            process.cells().acquire(CELL, 0, process.me()),
            "the cell is lost"
        );
        self.message.lock().unwrap().take();
        self.uses(number, 0);
    }

    /// Works with the cell, which must not be taken away meanwhile.
    fn uses(&self, number: usize, generation: u64) {
        let (word, bit) = place(self.process(number).me());
        pause();
        let record = self.layout.record(CELL);
        let state = record.state.load(Ordering::SeqCst);
        assert_eq!(state >> 31 & 1, 1, "freed in use");
        assert_eq!(state >> 32, generation, "given to somebody else");
        assert!(record.holders[word].load(Ordering::SeqCst) & bit != 0);
    }

    fn is_alive(&self) -> bool {
        self.layout.record(CELL).state.load(Ordering::SeqCst) >> 31 & 1 != 0
    }

    /// When the creator looks, no holder has the cell any more.
    fn is_freed(&self, creator: &Holder) {
        assert!(
            !self.is_alive() || creator.cells().try_free(CELL),
            "it leaks"
        );
        assert!(!creator.cells().try_free(CELL), "freed twice");
        let holders = &self.layout.record(CELL).holders;
        assert!(holders.iter().all(|bits| bits.load(Ordering::SeqCst) == 0));
    }
}

/// The creator gives its hold up, and frees what it can.
fn leave(scene: &Scene, _: usize) {
    let creator = scene.process(0);
    creator.cells().release(CELL);
    creator.cells().try_free(CELL);
}

#[test]
fn a_cell_goes_from_one_process_to_the_next() {
    let receive = |scene: &Scene, me| {
        scene.receive(me);
        scene.process(me).cells().release(CELL);
    };
    let parts: [Part<'_, Scene>; 2] = [&leave, &receive];
    let world = || Scene::new(1).with_message();
    let freed = |scene: &Scene, _| scene.is_freed(&scene.process(0));
    Explorer::preempting(3).explore(world, &parts, freed);
    let explorer = Explorer::preempting(2).deaths(1).mortal(&[1]);
    explorer.explore(world, &parts, |scene, dead: Dead| {
        if dead.count() > 0 {
            scene.message.lock().unwrap().take();
        }
        scene.is_freed(&scene.process(0));
    });
}

#[test]
fn a_cell_that_somebody_keeps_is_not_freed() {
    let receive = |scene: &Scene, me| scene.receive(me);
    let sweep = |scene: &Scene, _| {
        // Another thread of the creator's looks for room.
        assert!(!scene.process(0).cells().try_free(CELL), "freed in use");
    };
    let parts: [Part<'_, Scene>; 3] = [&leave, &receive, &sweep];
    let world = || Scene::new(1).with_message();
    Explorer::preempting(3).explore(world, &parts, |scene, _| scene.uses(1, 0));
}

#[test]
fn a_stale_handle_finds_nothing_and_leaves_nothing() {
    let renew = |scene: &Scene, _| {
        let creator = scene.process(0);
        creator.cells().release(CELL);
        if creator.cells().try_free(CELL) {
            assert_eq!(creator.cells().take(CELL), 1);
        }
    };
    let receive = |scene: &Scene, me| {
        let process = scene.process(me);
        if process.cells().acquire(CELL, 0, process.me()) {
            scene.uses(me, 0);
            process.cells().release(CELL);
        }
    };
    let parts: [Part<'_, Scene>; 3] = [&renew, &receive, &receive];
    let check = |scene: &Scene, _| {
        let creator = scene.process(0);
        creator.cells().release(CELL);
        scene.is_freed(&creator);
    };
    Explorer::preempting(2).explore(|| Scene::new(2), &parts, check);
    let explorer = Explorer::preempting(2).deaths(1).mortal(&[1]);
    explorer.explore(|| Scene::new(1), &parts[..2], check);
}

#[test]
fn whoever_inherits_a_number_inherits_no_cells() {
    // The process with the number 1 has died with the cell.
    let world = || {
        let scene = Scene::new(1);
        let late = scene.process(1);
        assert!(late.cells().acquire(CELL, 0, late.me()));
        drop(late);
        scene.reap(1);
        scene.with_room()
    };
    let enter = |scene: &Scene, me| {
        assert_eq!(scene.enter(me).me(), 1);
    };
    let renew = |scene: &Scene, _| {
        let creator = scene.process(0);
        creator.cells().release(CELL);
        if creator.cells().try_free(CELL) {
            creator.cells().take(CELL);
            scene.uses(0, 1);
        }
    };
    let check = |scene: &Scene, _| {
        let creator = scene.process(0);
        creator.cells().release(CELL);
        scene.is_freed(&creator);
    };
    let idle = |_: &Scene, _| {};
    let parts: [Part<'_, Scene>; 3] = [&renew, &idle, &enter];
    Explorer::preempting(3).explore(world, &parts, check);
    let explorer = Explorer::preempting(2).deaths(1).mortal(&[2]);
    explorer.explore(world, &parts, check);
}

#[test]
fn no_number_is_given_to_two() {
    let world = || Scene::new(0).with_room().with_room();
    let enter = |scene: &Scene, me: usize| {
        let process = scene.enter(me);
        let other = scene.processes[3 - me].lock().unwrap().clone();
        if let Some(other) = other {
            assert_ne!(process.me(), other.me());
            assert_ne!(process.mark(), other.mark());
            assert!(process.is_mark_alive(other.mark()));
        }
    };
    let idle = |_: &Scene, _| {};
    let parts: [Part<'_, Scene>; 3] = [&idle, &enter, &enter];
    Explorer::preempting(3).explore(world, &parts, |_, _| {});
    let explorer = Explorer::preempting(1).deaths(1).mortal(&[1]);
    // The other's number may be that of the dead by then.
    let enter = |scene: &Scene, me: usize| drop(scene.enter(me));
    let parts: [Part<'_, Scene>; 3] = [&idle, &enter, &enter];
    explorer.explore(world, &parts, |scene, _| {
        let creator = scene.process(0);
        assert!(creator.is_mark_alive(scene.process(2).mark()));
        let first = scene.processes[1].lock().unwrap().take();
        if let Some(mark) = first.map(|first| first.mark()) {
            assert!(!creator.is_mark_alive(mark));
        }
    });
}

/// A token, which two find in a message that came twice.
struct Twice {
    token: TransferToken,
    dead: AtomicU64,
    is_looked_at: AtomicBool,
    redeemed: AtomicU32,
}

impl World for Twice {
    fn memory(&self) -> Vec<Range<usize>> {
        vec![bytes_of(&self.token)]
    }

    fn reap(&self, actor: usize) {
        self.dead.fetch_or(1 << actor, Ordering::SeqCst);
    }
}

impl Twice {
    fn new() -> Twice {
        Twice {
            token: TransferToken::default(),
            dead: AtomicU64::new(0),
            is_looked_at: AtomicBool::new(false),
            redeemed: AtomicU32::new(0),
        }
    }

    /// The first actor has put it into the message, and looks at the piece.
    fn lent() -> Twice {
        let twice = Twice::new();
        twice.token.lend(&twice.actor(0));
        twice.is_looked_at.store(true, Ordering::SeqCst);
        twice
    }

    fn actor(&self, number: usize) -> Actor<'_> {
        Actor {
            me: u32::try_from(number).unwrap(),
            dead: &self.dead,
        }
    }

    fn redeem(&self, me: usize) {
        let redeemed = self.token.redeem(&self.actor(me), deadline::after(SHORTLY));
        if redeemed == Redeemed::Yes {
            let lender_is_dead = self.dead.load(Ordering::SeqCst) & 1 != 0;
            let is_looked_at = self.is_looked_at.load(Ordering::SeqCst);
            assert!(!is_looked_at || lender_is_dead, "somebody looks at it");
            self.redeemed.fetch_add(1, Ordering::SeqCst);
            // The piece goes on.
            self.token.void();
        }
        assert!(redeemed != Redeemed::StillLent || self.redeemed.load(Ordering::SeqCst) == 0);
    }
}

const SHORTLY: Duration = Duration::from_millis(100);

#[test]
fn a_token_is_redeemed_once() {
    let redeem = |twice: &Twice, me| twice.redeem(me);
    let once = |twice: &Twice, _| {
        assert_eq!(twice.redeemed.load(Ordering::SeqCst), 1);
        assert!(twice.token.is_void());
    };
    Explorer::preempting(4).explore(Twice::new, &[&redeem, &redeem, &redeem], once);
}

#[test]
fn a_piece_is_not_taken_from_one_who_looks_at_it() {
    let let_go = |twice: &Twice, _| {
        pause();
        twice.is_looked_at.store(false, Ordering::SeqCst);
        twice.token.let_go();
    };
    let redeem = |twice: &Twice, me| twice.redeem(me);
    let parts: [Part<'_, Twice>; 3] = [&let_go, &redeem, &redeem];
    let once = |twice: &Twice, _| assert_eq!(twice.redeemed.load(Ordering::SeqCst), 1);
    Explorer::preempting(2).explore(Twice::lent, &parts, once);
    let explorer = Explorer::preempting(2).deaths(1).mortal(&[0]);
    explorer.explore(Twice::lent, &parts, once);
    // One that never lets go is waited for, but not for ever.
    let keep = |_: &Twice, _| {};
    let parts: [Part<'_, Twice>; 2] = [&keep, &redeem];
    let explorer = Explorer::preempting(2).expects_timeouts();
    explorer.explore(Twice::lent, &parts, |twice, _| {
        assert_eq!(twice.redeemed.load(Ordering::SeqCst), 0);
    });
}
