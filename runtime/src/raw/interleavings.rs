//! Every machine, used by several at once in all orders, and with an actor that dies at any step.
//!
//! How that is done, and what it leaves out, is told by the [explorer](crate::probe). An actor is a
//! process of one thread; its number among the holders is its number in the explorer.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::actor::{Actor, maker};
use super::condvar::WaitToken;
use super::tests::machine;
use super::{
    Barrier, Condvar, Event, Holders, Lock, Machine, Passed, ReentrantLock, RwLock, Semaphore,
};
use crate::probe::{Dead, Explorer, Part, World, bytes_of, pause};
use crate::sys::deadline;

/// A machine, a lock for those who need one as well, and who is at work under them.
struct Scene<M> {
    machine: Box<M>,
    lock: Box<Lock>,
    dead: AtomicU64,
    /// Who is at work, a bit for each.
    alone: AtomicU64,
    together: AtomicU64,
    /// Whatever the actors count.
    count: AtomicU32,
}

impl<M: Machine + Send> World for Scene<M> {
    fn memory(&self) -> Vec<Range<usize>> {
        vec![bytes_of(&*self.machine), bytes_of(&*self.lock)]
    }

    fn reap(&self, actor: usize) {
        self.dead.fetch_or(1 << actor, Ordering::SeqCst);
    }
}

impl<M: Machine> Scene<M> {
    fn new(prepare: impl FnOnce(&M)) -> Scene<M> {
        let made = machine::<M>();
        prepare(&made);
        Scene {
            machine: made,
            lock: machine::<Lock>(),
            dead: AtomicU64::new(0),
            alone: AtomicU64::new(0),
            together: AtomicU64::new(0),
            count: AtomicU32::new(0),
        }
    }

    fn actor(&self, number: usize) -> Actor<'_> {
        Actor {
            me: u32::try_from(number).unwrap(),
            dead: &self.dead,
        }
    }

    /// Who looks at what is left.
    fn survivor(&self) -> Actor<'_> {
        self.actor(20)
    }

    /// Adds to what was counted so far, and says what that was.
    fn count(&self, more: u32) -> u32 {
        self.count.fetch_add(more, Ordering::SeqCst)
    }

    /// Works where no other actor may, and says whether one died at it.
    fn work_alone(&self, me: usize) -> bool {
        let dead = self.dead.load(Ordering::SeqCst);
        let others = self.alone.fetch_or(1 << me, Ordering::SeqCst);
        assert_eq!(others & !dead, 0, "two are at work that should be alone");
        let together = self.together.load(Ordering::SeqCst);
        assert_eq!(together & !dead, 0, "one is at work beside others");
        pause();
        self.alone.store(0, Ordering::SeqCst);
        others != 0
    }

    /// Works where `most` may, and says whether an actor died alone.
    fn work_together(&self, me: usize, most: u32) -> bool {
        let dead = self.dead.load(Ordering::SeqCst);
        let others = self.together.fetch_or(1 << me, Ordering::SeqCst) & !dead;
        assert!(others.count_ones() < most, "too many are at work");
        let alone = self.alone.load(Ordering::SeqCst);
        assert_eq!(alone & !dead, 0, "one is at work beside others");
        pause();
        self.together.fetch_and(!(1 << me), Ordering::SeqCst);
        alone != 0
    }
}

fn nothing<M>(_: &M) {}

/// A time that comes when all others wait.
fn later() -> Option<Instant> {
    deadline::after(Duration::from_millis(2))
}

fn take(scene: &Scene<Lock>, me: usize) {
    assert!(scene.machine.lock_until(&scene.actor(me), None));
    use_and_unlock(scene, me);
}

fn use_and_unlock(scene: &Scene<Lock>, me: usize) {
    let poisoned = scene.machine.poison().is_set();
    assert!(!scene.work_alone(me) || poisoned, "a death does not poison");
    scene.count(1);
    scene.machine.unlock();
}

fn is_free(scene: &Scene<Lock>, dead: Dead) {
    let survivor = scene.survivor();
    assert!(scene.machine.try_lock(&survivor));
    assert!(dead.count() > 0 || !scene.machine.poison().is_set());
}

#[test]
fn the_mutex_is_for_one_at_a_time() {
    let all_have_had_it = |scene: &Scene<Lock>, dead| {
        assert_eq!(scene.count(0), 3);
        is_free(scene, dead);
    };
    Explorer::preempting(2).explore(
        || Scene::new(nothing),
        &[&take, &take, &take],
        all_have_had_it,
    );
}

#[test]
fn the_mutex_is_for_the_next_when_its_holder_dies() {
    let world = || Scene::new(nothing);
    let explorer = Explorer::preempting(3).deaths(1);
    explorer.explore(world, &[&take, &take], is_free);
    let explorer = Explorer::preempting(1).deaths(1);
    explorer.explore(world, &[&take, &take, &take], is_free);
    // An actor that takes it over from the dead may die of that.
    let explorer = Explorer::preempting(0).deaths(2).mortal(&[0, 1]);
    explorer.explore(world, &[&take, &take, &take], is_free);
}

#[test]
fn the_mutex_is_given_up_when_time_is_over() {
    let hurry = |scene: &Scene<Lock>, me| {
        if scene.machine.lock_until(&scene.actor(me), later()) {
            use_and_unlock(scene, me);
        }
    };
    let try_it = |scene: &Scene<Lock>, me| {
        if scene.machine.try_lock(&scene.actor(me)) {
            use_and_unlock(scene, me);
        }
    };
    let world = || Scene::new(nothing);
    let explorer = Explorer::preempting(2).timeouts(1);
    explorer.explore(world, &[&take, &hurry, &try_it], is_free);
    let explorer = Explorer::preempting(2).timeouts(1).deaths(1);
    explorer.explore(world, &[&take, &hurry], is_free);
}

#[test]
fn an_event_lets_go_all_who_wait() {
    let wait = |scene: &Scene<Event>, _| {
        assert!(scene.machine.wait_until(None));
        scene.count(1);
    };
    let set = |scene: &Scene<Event>, _| {
        scene.machine.set();
        scene.machine.clear();
        scene.machine.set();
    };
    let world = || Scene::new(nothing);
    let all = |scene: &Scene<Event>, _| assert_eq!(scene.count(0), 2);
    Explorer::preempting(2).explore(world, &[&wait, &wait, &set], all);
    // One of those who set it may die; the other is late.
    let set_once = |scene: &Scene<Event>, _| scene.machine.set();
    let explorer = Explorer::preempting(1).deaths(1).mortal(&[2]);
    explorer.explore(world, &[&wait, &wait, &set_once, &set], all);
}

#[test]
fn an_event_that_is_set_in_time_is_seen() {
    let hurry = |scene: &Scene<Event>, _| {
        let was_set = scene.machine.is_set();
        let is_seen = scene.machine.wait_until(later());
        assert!(is_seen || !was_set);
        scene.count(is_seen.into());
    };
    let set = |scene: &Scene<Event>, _| scene.machine.set();
    let world = || Scene::new(nothing);
    let explorer = Explorer::preempting(2).timeouts(1);
    explorer.explore(world, &[&hurry, &hurry, &set], |scene, _| {
        assert!(scene.machine.is_set());
    });
}

fn with_permits(permits: u32) -> impl Fn() -> Scene<Semaphore> {
    move || Scene::new(|semaphore: &Semaphore| assert!(semaphore.add(&maker(), permits)))
}

fn has_permits(permits: u32) -> impl Fn(&Scene<Semaphore>, Dead) {
    move |scene, _| {
        let survivor = scene.survivor();
        assert_eq!(scene.machine.available(&survivor), permits);
        for _ in 0..permits {
            assert!(scene.machine.try_acquire(&survivor));
        }
        assert!(!scene.machine.try_acquire(&survivor));
    }
}

fn acquire(most: u32) -> impl Fn(&Scene<Semaphore>, usize) {
    move |scene, me| {
        let actor = scene.actor(me);
        assert!(scene.machine.acquire_until(&actor, None));
        scene.work_together(me, most);
        scene.machine.release(&actor);
    }
}

#[test]
fn permits_are_for_so_many() {
    let explorer = Explorer::preempting(2);
    let part = acquire(1);
    explorer.explore(with_permits(1), &[&part, &part, &part], has_permits(1));
    let part = acquire(2);
    explorer.explore(with_permits(2), &[&part, &part, &part], has_permits(2));
}

#[test]
fn permits_come_back_from_the_dead() {
    let part = acquire(1);
    let explorer = Explorer::preempting(2).deaths(1);
    explorer.explore(with_permits(1), &[&part, &part], has_permits(1));
    let explorer = Explorer::preempting(1).deaths(1);
    explorer.explore(with_permits(1), &[&part, &part, &part], has_permits(1));
}

#[test]
fn permits_that_are_added_wake_those_who_wait() {
    let wait = |scene: &Scene<Semaphore>, me: usize| {
        assert!(scene.machine.acquire_until(&scene.actor(me), None));
        scene.machine.forget(&scene.actor(me));
    };
    let add = |scene: &Scene<Semaphore>, me| {
        assert!(scene.machine.add(&scene.actor(me), 2));
    };
    let parts: [Part<'_, Scene<Semaphore>>; 3] = [&wait, &wait, &add];
    Explorer::preempting(2).explore(with_permits(0), &parts, has_permits(0));
}

#[test]
fn a_permit_is_not_lost_on_one_whose_time_is_over() {
    let hurry = |scene: &Scene<Semaphore>, me: usize| {
        let actor = scene.actor(me);
        if scene.machine.acquire_until(&actor, later()) {
            scene.work_together(me, 1);
            scene.machine.release(&actor);
        }
    };
    let part = acquire(1);
    let explorer = Explorer::preempting(2).timeouts(1);
    explorer.explore(with_permits(1), &[&part, &hurry, &part], has_permits(1));
}

fn read(scene: &Scene<RwLock>, me: usize) {
    let actor = scene.actor(me);
    assert!(scene.machine.read_until(&actor, None).unwrap());
    let poisoned = scene.machine.poison().is_set();
    let died = scene.work_together(me, u32::MAX);
    assert!(!died || poisoned, "a death does not poison");
    scene.machine.leave(&actor);
}

fn write(scene: &Scene<RwLock>, me: usize) {
    assert!(scene.machine.write_until(&scene.actor(me), None).unwrap());
    let poisoned = scene.machine.poison().is_set();
    assert!(!scene.work_alone(me) || poisoned, "a death does not poison");
    finish(scene);
}

fn finish(scene: &Scene<RwLock>) {
    scene.machine.finish();
}

fn nobody_has_it(scene: &Scene<RwLock>, dead: Dead) {
    let survivor = scene.survivor();
    assert!(scene.machine.try_write(&survivor));
    finish(scene);
    assert!(scene.machine.try_read(&survivor));
    assert!(dead.count() > 0 || !scene.machine.poison().is_set());
}

#[test]
fn writers_are_alone_and_readers_are_not() {
    let world = || Scene::new(nothing);
    let explorer = Explorer::preempting(2);
    explorer.explore(world, &[&read, &read, &write], nobody_has_it);
    explorer.explore(world, &[&read, &write, &write], nobody_has_it);
}

#[test]
fn readers_and_writers_go_on_when_one_dies() {
    let world = || Scene::new(nothing);
    let explorer = Explorer::preempting(2).deaths(1);
    explorer.explore(world, &[&read, &write], nobody_has_it);
    explorer.explore(world, &[&write, &write], nobody_has_it);
    let explorer = Explorer::preempting(1).deaths(1);
    explorer.explore(world, &[&read, &read, &write], nobody_has_it);
    explorer.explore(world, &[&read, &write, &write], nobody_has_it);
}

#[test]
fn readers_and_writers_give_up_when_time_is_over() {
    let hurry = |scene: &Scene<RwLock>, me: usize| {
        if scene
            .machine
            .write_until(&scene.actor(me), later())
            .unwrap()
        {
            scene.work_alone(me);
            finish(scene);
        }
    };
    let try_it = |scene: &Scene<RwLock>, me: usize| {
        let actor = scene.actor(me);
        if scene.machine.try_read(&actor) {
            scene.work_together(me, u32::MAX);
            scene.machine.leave(&actor);
        }
        if scene.machine.try_write(&actor) {
            scene.work_alone(me);
            finish(scene);
        }
    };
    let world = || Scene::new(nothing);
    let explorer = Explorer::preempting(2).timeouts(1);
    explorer.explore(world, &[&read, &hurry, &try_it], nobody_has_it);
}

/// Takes a lock, waits until something was counted, and takes it away.
fn await_count(scene: &Scene<Condvar>, me: usize) {
    let actor = scene.actor(me);
    assert!(scene.lock.lock_until(&actor, None));
    while scene.count(0) == 0 {
        let token = scene.machine.queue(&actor);
        scene.lock.unlock();
        scene.machine.sleep(token, &actor, None);
        assert!(scene.lock.lock_until(&actor, None));
    }
    scene.count.fetch_sub(1, Ordering::SeqCst);
    scene.lock.unlock();
}

/// Counts so many, and notifies one for each.
fn provide(count: u32) -> impl Fn(&Scene<Condvar>, usize) {
    move |scene, me| {
        let actor = scene.actor(me);
        for _ in 0..count {
            assert!(scene.lock.lock_until(&actor, None));
            scene.count(1);
            scene.lock.unlock();
            scene.machine.notify(&actor, 1);
        }
    }
}

#[test]
fn each_notification_is_for_one() {
    let provide = provide(2);
    let parts: [Part<'_, Scene<Condvar>>; 3] = [&await_count, &await_count, &provide];
    Explorer::preempting(2).explore(
        || Scene::new(nothing),
        &parts,
        |scene, _| {
            assert_eq!(scene.count(0), 0);
        },
    );
}

#[test]
fn all_are_notified_at_once() {
    let wait = |scene: &Scene<Condvar>, me: usize| {
        let actor = scene.actor(me);
        assert!(scene.lock.lock_until(&actor, None));
        while scene.count(0) == 0 {
            let token = scene.machine.queue(&actor);
            scene.lock.unlock();
            scene.machine.sleep(token, &actor, None);
            assert!(scene.lock.lock_until(&actor, None));
        }
        scene.lock.unlock();
    };
    let open = |scene: &Scene<Condvar>, me: usize| {
        let actor = scene.actor(me);
        assert!(scene.lock.lock_until(&actor, None));
        scene.count(1);
        scene.lock.unlock();
        scene.machine.notify(&actor, usize::MAX);
    };
    let parts: [Part<'_, Scene<Condvar>>; 3] = [&wait, &wait, &open];
    Explorer::preempting(2).explore(|| Scene::new(nothing), &parts, nothing_left);
}

fn nothing_left<M>(_: &Scene<M>, _: Dead) {}

/// A condition variable at which the first actors wait already.
struct Queued {
    scene: Scene<Condvar>,
    tokens: Mutex<Vec<Option<WaitToken>>>,
}

impl World for Queued {
    fn memory(&self) -> Vec<Range<usize>> {
        self.scene.memory()
    }

    fn reap(&self, actor: usize) {
        self.scene.reap(actor);
    }
}

impl Queued {
    fn new(count: usize) -> Queued {
        let scene = Scene::<Condvar>::new(nothing);
        let queue = |me| Some(scene.machine.queue(&scene.actor(me)));
        let tokens = Mutex::new((0..count).map(queue).collect());
        Queued { scene, tokens }
    }

    /// The rest of a wait.
    fn sleep(&self, me: usize, deadline: Option<Instant>) -> bool {
        let token = self.tokens.lock().unwrap()[me].take().unwrap();
        let actor = self.scene.actor(me);
        self.scene.machine.sleep(token, &actor, deadline)
    }

    fn notify(&self, me: usize) {
        self.scene.machine.notify(&self.scene.actor(me), 1);
    }
}

#[test]
fn a_notification_goes_to_the_next_when_its_waiter_dies_or_gives_up() {
    let wait = |queued: &Queued, me| {
        assert!(queued.sleep(me, None));
        queued.scene.count(1);
    };
    // Who does not need it hands it on.
    let hurry = |queued: &Queued, me| {
        if queued.sleep(me, later()) {
            queued.notify(me);
        }
    };
    let notify = |queued: &Queued, me| queued.notify(me);
    let parts: [Part<'_, Queued>; 3] = [&hurry, &wait, &notify];
    let one = |queued: &Queued, _| assert_eq!(queued.scene.count(0), 1);
    let explorer = Explorer::preempting(2).timeouts(1);
    explorer.explore(|| Queued::new(2), &parts, one);
}

#[test]
fn a_notification_of_the_dead_goes_to_the_next() {
    // Never leaves its place.
    let die = |_: &Queued, _| pause();
    let wait = |queued: &Queued, me| {
        let is_alive = queued.scene.survivor().is_alive(0);
        let is_notified = queued.sleep(me, later());
        assert!(is_notified || is_alive, "the notification is lost");
    };
    let notify = |queued: &Queued, me| queued.notify(me);
    let parts: [Part<'_, Queued>; 3] = [&die, &wait, &notify];
    let explorer = Explorer::preempting(3).deaths(1).mortal(&[0]);
    explorer
        .expects_timeouts()
        .explore(|| Queued::new(2), &parts, |_, _| {});
}

#[test]
fn a_notification_goes_on_though_the_one_who_hands_it_on_dies() {
    let wait = |queued: &Queued, me| assert!(queued.sleep(me, None));
    let notify = |queued: &Queued, me| {
        queued.notify(me);
        queued.notify(me);
    };
    let parts: [Part<'_, Queued>; 3] = [&wait, &wait, &notify];
    let explorer = Explorer::preempting(1).deaths(1).mortal(&[0]);
    explorer.explore(|| Queued::new(2), &parts, |_, _| {});
}

#[test]
fn those_who_wait_in_vain_are_not_notified() {
    let hurry = |queued: &Queued, me| {
        if queued.sleep(me, later()) {
            queued.scene.count(1);
        }
    };
    let notify = |queued: &Queued, me| queued.notify(me);
    let parts: [Part<'_, Queued>; 3] = [&hurry, &hurry, &notify];
    let explorer = Explorer::preempting(1).timeouts(2).expects_timeouts();
    explorer.explore(
        || Queued::new(2),
        &parts,
        |queued: &Queued, _| {
            assert!(queued.scene.count(0) <= 1);
        },
    );
}

fn with_parties(parties: u32) -> impl Fn() -> Scene<Barrier> {
    move || Scene::new(|barrier: &Barrier| barrier.set_parties(parties))
}

/// Goes through a barrier so many times, leading counts.
fn pass(times: u32) -> impl Fn(&Scene<Barrier>, usize) {
    move |scene, me| {
        for _ in 0..times {
            match scene.machine.wait_until(&scene.actor(me), None) {
                Passed::Leader => {
                    scene.count(1);
                }
                Passed::Follower => {}
                Passed::Broken => return,
            }
        }
    }
}

#[test]
fn each_round_of_a_barrier_has_one_leader() {
    let part = pass(2);
    let led = |scene: &Scene<Barrier>, _| {
        assert_eq!(scene.count(0), 2);
        assert!(!scene.machine.is_broken(&scene.survivor()));
    };
    Explorer::preempting(3).explore(with_parties(2), &[&part, &part], led);
    let part = pass(1);
    let led = |scene: &Scene<Barrier>, _| assert_eq!(scene.count(0), 1);
    Explorer::preempting(2).explore(with_parties(3), &[&part, &part, &part], led);
}

#[test]
fn nobody_waits_at_a_barrier_for_the_dead() {
    // One that dies before it comes is not missed, until time is up.
    let part = |scene: &Scene<Barrier>, me: usize| {
        let passed = scene.machine.wait_until(&scene.actor(me), later());
        let broken = passed == Passed::Broken;
        scene.count(1 << me << if broken { 16 } else { 0 });
    };
    let all_or_none = |scene: &Scene<Barrier>, _| {
        let living = !u32::try_from(scene.dead.load(Ordering::SeqCst)).unwrap();
        let (passed, broken) = (scene.count(0) & 0xffff, scene.count(0) >> 16);
        assert!(passed & living == 0 || broken & living == 0);
        scene.machine.reset(&scene.survivor());
        assert!(!scene.machine.is_broken(&scene.survivor()));
    };
    let explorer = Explorer::preempting(2).deaths(1).expects_timeouts();
    explorer.explore(with_parties(2), &[&part, &part], all_or_none);
    let explorer = Explorer::preempting(0).deaths(1).expects_timeouts();
    explorer.explore(with_parties(3), &[&part, &part, &part], all_or_none);
}

#[test]
fn nobody_waits_at_a_barrier_that_is_broken() {
    let part = pass(1);
    let abort = |scene: &Scene<Barrier>, me| scene.machine.abort(&scene.actor(me));
    Explorer::preempting(2).explore(with_parties(3), &[&part, &part, &abort], nothing_left);
    // One that is late for a reset waits until its time is up.
    let hurry = |scene: &Scene<Barrier>, me: usize| {
        scene.machine.wait_until(&scene.actor(me), later());
    };
    let reset = |scene: &Scene<Barrier>, me| scene.machine.reset(&scene.actor(me));
    let explorer = Explorer::preempting(2).expects_timeouts();
    explorer.explore(with_parties(2), &[&hurry, &hurry, &reset], nothing_left);
}

/// Takes a lock twice, works, and gives it back twice.
fn reenter(scene: &Scene<ReentrantLock>, me: usize) {
    let actor = scene.actor(me);
    assert!(scene.machine.lock_until(&actor, None));
    let poisoned = scene.machine.poison().is_set();
    assert!(!scene.work_alone(me) || poisoned, "a death does not poison");
    assert!(scene.machine.try_lock(&actor));
    scene.work_alone(me);
    scene.machine.unlock();
    scene.work_alone(me);
    scene.machine.unlock();
}

#[test]
fn a_reentrant_lock_is_given_back_as_often_as_it_was_taken() {
    let world = || Scene::new(nothing);
    let is_free = |scene: &Scene<ReentrantLock>, dead: Dead| {
        assert!(scene.machine.try_lock(&scene.survivor()));
        scene.machine.unlock();
        assert!(dead.count() > 0 || !scene.machine.poison().is_set());
    };
    Explorer::preempting(2).explore(world, &[&reenter, &reenter, &reenter], is_free);
    let explorer = Explorer::preempting(2).deaths(1);
    explorer.explore(world, &[&reenter, &reenter], is_free);
}
