//! Every machine, with an actor that dies after each of its steps, and others that go on.
//!
//! What changes inside a monitor is only ever seen between two critical sections or after a death
//! inside one, and what changes outside, one word in one step; so to end an actor after each step
//! is to try all that the dead can leave. Each check is made by actors with a deadline.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::actor::{Actor, maker};
use super::strays::{Stray, strays};
use super::{
    Barrier, Condvar, Event, Holders, Left, Lock, Machine, Passed, ReentrantLock, RwLock, Semaphore,
};
use crate::probe::ends_after;
use crate::sys::atomic::step;
use crate::sys::deadline;

/// A machine in memory of its own.
#[expect(unsafe_code, reason = "machines are made in place")]
#[expect(clippy::unnecessary_box_returns, reason = "a machine never moves")]
pub(super) fn machine<M: Machine>() -> Box<M> {
    let place: Box<MaybeUninit<M>> = Box::new(MaybeUninit::zeroed());
    // SAFETY: any bytes are a machine.
    let machine = unsafe { place.assume_init() };
    machine.init();
    machine
}

fn soon() -> Option<Instant> {
    deadline::after(Duration::from_secs(5))
}

#[expect(clippy::unnecessary_wraps, reason = "it is a deadline like others")]
pub(super) fn at_once() -> Option<Instant> {
    Some(Instant::now())
}

/// Lets a victim die after each step of `act`, in a world of its own each time, and lets a
/// survivor `check` what is left. The last time it comes to its end.
fn after_each_step<W: Sync>(
    world: impl Fn() -> W,
    act: impl Fn(&W, &Actor<'_>) + Sync,
    check: impl Fn(&W, &Actor<'_>, bool),
) {
    for steps in 0.. {
        assert!(steps < 1000, "the act has no end");
        let dead = AtomicU64::new(0);
        let victim = Actor { me: 1, dead: &dead };
        let survivor = Actor { me: 2, dead: &dead };
        let world = world();
        let died = ends_after(steps, || act(&world, &victim));
        // A process that has come to its end is gone, too.
        victim.dies();
        check(&world, &survivor, died);
        if !died {
            assert!(steps > 0, "the act has no steps");
            return;
        }
    }
}

/// All permits can be taken, and no more.
fn has_permits(semaphore: &Semaphore, survivor: &Actor<'_>, count: u32) {
    assert_eq!(semaphore.available(survivor), count);
    for _ in 0..count {
        assert!(semaphore.acquire_until(survivor, soon()));
    }
    assert!(!semaphore.acquire_until(survivor, at_once()));
    for _ in 0..count {
        semaphore.release(survivor);
    }
    assert_eq!(semaphore.available(survivor), count);
}

/// Its permits are in slots.
fn semaphore(permits: u32) -> Box<Semaphore> {
    let semaphore = machine::<Semaphore>();
    assert!(semaphore.add(&maker(), permits));
    semaphore
}

/// More permits at once than there are slots, so that they are counted.
const MANY: u32 = 100;

/// Its permits are counted.
fn counted(permits: u32) -> Box<Semaphore> {
    let semaphore = semaphore(MANY);
    let dead = AtomicU64::new(0);
    let actor = Actor { me: 4, dead: &dead };
    for _ in permits..MANY {
        assert!(semaphore.try_acquire(&actor));
        semaphore.forget(&actor);
    }
    semaphore
}

const BOTH: [fn(u32) -> Box<Semaphore>; 2] = [semaphore, counted];

#[test]
fn permits_survive_a_death_while_they_are_taken() {
    for with_permits in BOTH {
        after_each_step(
            || with_permits(3),
            |semaphore, victim| {
                semaphore.acquire_until(victim, None);
                semaphore.try_acquire(victim);
            },
            |semaphore, survivor, _| has_permits(semaphore, survivor, 3),
        );
    }
}

#[test]
fn permits_survive_a_death_while_they_are_given_back() {
    for with_permits in BOTH {
        after_each_step(
            || with_permits(3),
            |semaphore, victim| {
                semaphore.acquire_until(victim, None);
                semaphore.acquire_until(victim, None);
                semaphore.release(victim);
                semaphore.release(victim);
            },
            |semaphore, survivor, _| has_permits(semaphore, survivor, 3),
        );
    }
}

#[test]
fn permits_survive_a_death_while_waiting_for_one() {
    for with_permits in BOTH {
        after_each_step(
            || with_permits(0),
            |semaphore, victim| {
                let a_moment = deadline::after(Duration::from_millis(1));
                semaphore.acquire_until(victim, a_moment);
            },
            |semaphore, survivor, _| {
                assert!(semaphore.add(survivor, 1));
                has_permits(semaphore, survivor, 1);
            },
        );
    }
}

#[test]
fn permits_are_added_wholly_or_not_at_all() {
    for (with_permits, more) in [(BOTH[0], 2), (BOTH[0], MANY), (BOTH[1], 2), (BOTH[1], MANY)] {
        after_each_step(
            || with_permits(1),
            |semaphore, victim| {
                semaphore.add(victim, more);
            },
            |semaphore, survivor, died| {
                let available = semaphore.available(survivor);
                assert!(available == 1 + more || died && available == 1);
                has_permits(semaphore, survivor, available);
            },
        );
    }
}

#[test]
fn a_permit_is_forgotten_wholly_or_not_at_all() {
    for with_permits in BOTH {
        after_each_step(
            || with_permits(2),
            |semaphore, victim| {
                semaphore.acquire_until(victim, None);
                semaphore.forget(victim);
            },
            |semaphore, survivor, died| {
                let available = semaphore.available(survivor);
                assert!(available == 1 || died && available == 2);
                has_permits(semaphore, survivor, available);
            },
        );
    }
}

#[test]
fn permits_are_reclaimed_though_the_one_who_does_dies() {
    for (with_permits, wiped) in [
        (BOTH[0], true),
        (BOTH[0], false),
        (BOTH[1], true),
        (BOTH[1], false),
    ] {
        after_each_step(
            || {
                let semaphore = with_permits(2);
                let dead = AtomicU64::new(0);
                let earlier = Actor { me: 3, dead: &dead };
                semaphore.acquire_until(&earlier, None);
                semaphore.acquire_until(&earlier, None);
                semaphore
            },
            |semaphore, victim| {
                victim.dead.fetch_or(1 << 3, Ordering::SeqCst);
                if wiped {
                    semaphore.wipe(victim, 3);
                }
                semaphore.acquire_until(victim, None);
            },
            |semaphore, survivor, _| {
                survivor.dead.fetch_or(1 << 3, Ordering::SeqCst);
                has_permits(semaphore, survivor, 2);
            },
        );
    }
}

#[test]
fn permits_in_slots_and_counted_ones_are_the_same() {
    let semaphore = semaphore(2);
    let dead = AtomicU64::new(0);
    let one = Actor { me: 1, dead: &dead };
    let other = Actor { me: 2, dead: &dead };
    assert!(semaphore.add(&one, MANY));
    has_permits(&semaphore, &one, 2 + MANY);
    for _ in 0..MANY {
        assert!(semaphore.try_acquire(&one));
    }
    has_permits(&semaphore, &other, 2);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    semaphore.release(&one);
                    assert!(semaphore.acquire_until(&one, soon()));
                }
            });
        }
    });
    for _ in 0..MANY {
        semaphore.release(&one);
    }
    has_permits(&semaphore, &other, 2 + MANY);
    for _ in 0..2 + MANY {
        assert!(semaphore.try_acquire(&one));
        semaphore.forget(&one);
    }
    has_permits(&semaphore, &other, 0);
}

#[test]
fn a_permit_can_be_added_and_forgotten_for_ever() {
    let semaphore = semaphore(0);
    let dead = AtomicU64::new(0);
    let actor = Actor { me: 1, dead: &dead };
    for _ in 0..1000 {
        assert!(semaphore.add(&actor, 1));
        assert!(semaphore.try_acquire(&actor));
        assert!(!semaphore.try_acquire(&actor));
        semaphore.forget(&actor);
    }
    has_permits(&semaphore, &actor, 0);
}

#[test]
fn a_sleeper_gets_the_permit_of_the_dead() {
    let semaphore = semaphore(1);
    let dead = AtomicU64::new(0);
    let victim = Actor { me: 1, dead: &dead };
    let survivor = Actor { me: 2, dead: &dead };
    semaphore.acquire_until(&victim, None);
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| semaphore.acquire_until(&survivor, soon()));
        thread::sleep(Duration::from_millis(50));
        assert!(!sleeper.is_finished());
        victim.dies();
        let begin = Instant::now();
        assert!(sleeper.join().unwrap());
        assert!(begin.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn there_are_not_more_permits_than_fit() {
    let semaphore = machine::<Semaphore>();
    assert!(!semaphore.add(&maker(), u32::MAX));
    assert!(semaphore.add(&maker(), super::MOST_PERMITS));
    assert!(!semaphore.add(&maker(), 1));
}

#[test]
fn the_mutex_survives_a_death_at_any_time() {
    after_each_step(
        machine::<Lock>,
        |lock, victim| {
            assert!(lock.lock_until(victim, None));
            lock.unlock();
            assert!(lock.try_lock(victim));
            lock.unlock();
        },
        |lock, survivor, _| {
            assert!(lock.lock_until(survivor, soon()));
            assert!(!lock.try_lock(survivor));
            assert!(!lock.lock_until(survivor, at_once()));
            lock.unlock();
            assert!(lock.try_lock(survivor));
            lock.unlock();
        },
    );
}

#[test]
fn the_mutex_survives_the_death_of_who_takes_it_over() {
    after_each_step(
        || {
            let lock = machine::<Lock>();
            let dead = AtomicU64::new(0);
            let earlier = Actor { me: 3, dead: &dead };
            assert!(lock.try_lock(&earlier));
            lock
        },
        |lock, victim| {
            victim.dead.fetch_or(1 << 3, Ordering::SeqCst);
            assert!(lock.lock_until(victim, None));
            lock.unlock();
        },
        |lock, survivor, _| {
            survivor.dead.fetch_or(1 << 3, Ordering::SeqCst);
            assert!(lock.lock_until(survivor, soon()));
            assert!(lock.poison().is_set());
            lock.unlock();
        },
    );
}

#[test]
fn a_thread_that_ends_with_the_mutex_leaves_it_locked() {
    let lock = machine::<Lock>();
    let dead = AtomicU64::new(0);
    let actor = Actor { me: 1, dead: &dead };
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(lock.lock_until(&actor, None));
            assert!(lock.is_mine());
        });
    });
    let other = Actor { me: 2, dead: &dead };
    for survivor in [&actor, &other] {
        assert!(!lock.is_mine());
        assert!(!lock.try_lock(survivor));
        assert!(!lock.lock_until(survivor, deadline::after(Duration::from_millis(300))));
    }
    // But its process can end.
    actor.dies();
    assert!(lock.lock_until(&other, soon()));
    assert!(lock.poison().is_set() && lock.is_mine());
    lock.unlock();
    assert!(!lock.is_mine());
}

/// Writes over a machine, from a place on.
#[expect(unsafe_code, reason = "it is done behind the machine's back")]
fn overwrite<M: Machine>(machine: &M, from: usize, stray: Stray) {
    let start: *const M = machine;
    for at in from..size_of::<M>() {
        let byte = start
            .cast::<std::sync::atomic::AtomicU8>()
            .wrapping_byte_add(at);
        // SAFETY: a machine is atomic words, and so is each of its bytes.
        unsafe { &*byte }.store(stray(at), Ordering::Relaxed);
    }
}

/// Whatever is written over a machine, and from wherever on, it comes to an end with everything.
fn survives_strays<M: Machine>(prepare: impl Fn(&M, &Actor<'_>), act: impl Fn(&M, &Actor<'_>)) {
    for stray in strays() {
        for from in (0..size_of::<M>().min(256)).step_by(4) {
            let dead = AtomicU64::new(0);
            let actor = Actor { me: 1, dead: &dead };
            let machine = machine::<M>();
            prepare(&machine, &actor);
            overwrite(&*machine, from, stray);
            act(&machine, &actor);
        }
    }
}

/// Long enough for a look at the dead.
fn a_moment() -> Option<Instant> {
    deadline::after(Duration::from_millis(3))
}

#[test]
fn stray_writes_do_not_stop_a_mutex() {
    survives_strays::<Lock>(
        |_, _| {},
        |lock, actor| {
            assert!(lock.lock_until(actor, soon()));
            assert!(lock.is_mine());
            lock.unlock();
        },
    );
    survives_strays::<ReentrantLock>(
        |lock, actor| assert!(lock.try_lock(actor)),
        |lock, actor| {
            lock.unlock();
            if lock.lock_until(actor, a_moment()) {
                lock.unlock();
            }
        },
    );
    // What is locked and all written over is poisoned: what is behind it is not known.
    let lock = machine::<Lock>();
    for stray in strays() {
        overwrite(&*lock, 0, stray);
        assert!(lock.poison().is_set());
        assert!(lock.poison().look(|left| left == Left::ByStrayWrites));
        assert!(!lock.poison().look(|_| true) || lock.poison().is_set());
    }
}

#[test]
fn stray_writes_do_not_stop_readers_and_writers() {
    survives_strays::<RwLock>(
        |lock, actor| assert!(lock.try_read(actor)),
        |lock, actor| {
            lock.leave(actor);
            if lock.write_until(actor, a_moment()).unwrap() {
                lock.finish();
            }
            if lock.read_until(actor, a_moment()).unwrap() {
                lock.leave(actor);
            }
            lock.wipe(actor, 1);
        },
    );
    // A writer does not wait for readers that never were.
    for stray in strays() {
        let dead = AtomicU64::new(0);
        let actor = Actor { me: 1, dead: &dead };
        let lock = machine::<RwLock>();
        assert!(lock.try_read(&actor));
        overwrite(&*lock, 0, stray);
        lock.leave(&actor);
        assert!(lock.write_until(&actor, soon()).unwrap());
        lock.finish();
        assert!(lock.read_until(&actor, soon()).unwrap());
        lock.leave(&actor);
    }
}

#[test]
fn stray_writes_do_not_stop_a_semaphore() {
    survives_strays::<Semaphore>(
        |semaphore, actor| {
            semaphore.add(actor, MANY);
            assert!(semaphore.try_acquire(actor));
        },
        |semaphore, actor| {
            semaphore.available(actor);
            semaphore.release(actor);
            if semaphore.acquire_until(actor, a_moment()) {
                semaphore.forget(actor);
            }
            semaphore.add(actor, 3);
            semaphore.wipe(actor, 2);
        },
    );
    // One that waits without an end learns that there is nothing to wait for.
    for stray in strays() {
        let dead = AtomicU64::new(0);
        let actor = Actor { me: 1, dead: &dead };
        let semaphore = semaphore(0);
        thread::scope(|scope| {
            let waits = scope.spawn(|| semaphore.acquire_until(&actor, None));
            thread::sleep(Duration::from_millis(5));
            overwrite(&*semaphore, 0, stray);
            assert!(!waits.join().unwrap());
        });
        assert_eq!(semaphore.available(&actor), 0);
    }
}

#[test]
fn stray_writes_do_not_stop_a_barrier() {
    survives_strays::<Barrier>(
        |barrier, _| barrier.set_parties(2),
        |barrier, actor| {
            barrier.wait_until(actor, at_once());
            barrier.reset(actor);
            barrier.wait_until(actor, at_once());
            barrier.abort(actor);
            barrier.wipe(actor, 1);
            assert!(barrier.is_broken(actor));
        },
    );
    for stray in strays() {
        let dead = AtomicU64::new(0);
        let actor = Actor { me: 1, dead: &dead };
        let barrier = machine::<Barrier>();
        barrier.set_parties(2);
        thread::scope(|scope| {
            let waits = scope.spawn(|| barrier.wait_until(&actor, None));
            thread::sleep(Duration::from_millis(5));
            overwrite(&*barrier, 0, stray);
            assert_eq!(waits.join().unwrap(), Passed::Broken);
        });
    }
}

#[test]
fn stray_writes_do_not_stop_those_who_wait_to_be_notified() {
    survives_strays::<Condvar>(
        |condvar, actor| {
            condvar.queue(actor);
        },
        |condvar, actor| {
            let token = condvar.queue(actor);
            condvar.notify(actor, 1);
            condvar.notify(actor, usize::MAX);
            condvar.sleep(token, actor, at_once());
            condvar.wipe(actor, 1);
        },
    );
    // One that waits without an end goes to look for itself.
    for stray in strays() {
        let dead = AtomicU64::new(0);
        let actor = Actor { me: 1, dead: &dead };
        let condvar = machine::<Condvar>();
        thread::scope(|scope| {
            let waits = scope.spawn(|| condvar.sleep(condvar.queue(&actor), &actor, None));
            thread::sleep(Duration::from_millis(5));
            overwrite(&*condvar, 0, stray);
            assert!(waits.join().unwrap());
        });
    }
}

#[test]
fn stray_writes_do_not_stop_an_event() {
    survives_strays::<Event>(
        |_, _| {},
        |event, _| {
            event.wait_until(at_once());
            event.set();
            assert!(event.wait_until(soon()));
            event.clear();
            assert!(!event.is_set());
        },
    );
}

/// Readers and writers come and go as if nothing had been.
fn is_usable(lock: &RwLock, survivor: &Actor<'_>) {
    assert!(lock.read_until(survivor, soon()).unwrap());
    assert!(lock.try_read(survivor));
    assert!(!lock.try_write(survivor));
    lock.leave(survivor);
    lock.leave(survivor);
    write(lock, survivor, soon());
    assert!(lock.try_write(survivor));
    lock.finish();
}

fn write(lock: &RwLock, actor: &Actor<'_>, deadline: Option<Instant>) {
    assert!(lock.write_until(actor, deadline).unwrap());
    lock.finish();
}

#[test]
fn the_lock_survives_a_death_while_reading() {
    after_each_step(
        machine::<RwLock>,
        |lock, victim| {
            lock.read_until(victim, None).unwrap();
            lock.try_read(victim);
            lock.leave(victim);
        },
        |lock, survivor, _| {
            write(lock, survivor, soon());
            is_usable(lock, survivor);
            assert!(!lock.poison().is_set());
        },
    );
}

#[test]
fn the_lock_survives_a_death_while_writing() {
    after_each_step(
        machine::<RwLock>,
        |lock, victim| {
            lock.write_until(victim, None).unwrap();
            step();
            lock.finish();
            lock.try_write(victim);
            lock.finish();
        },
        |lock, survivor, _| is_usable(lock, survivor),
    );
}

#[test]
fn a_writer_that_dies_poisons() {
    let lock = machine::<RwLock>();
    let dead = AtomicU64::new(0);
    let victim = Actor { me: 1, dead: &dead };
    let survivor = Actor { me: 2, dead: &dead };
    assert!(lock.write_until(&victim, None).unwrap());
    victim.dies();
    assert!(lock.read_until(&survivor, soon()).unwrap());
    assert!(lock.poison().is_set());
    lock.leave(&survivor);
    lock.poison().clear();
    assert!(lock.poison().is_set(), "nobody has looked yet");
    assert!(lock.poison().look(|_| true));
    lock.poison().clear();
    is_usable(&lock, &survivor);
    assert!(!lock.poison().is_set());
}

#[test]
fn the_lock_survives_the_death_of_a_reader_behind_a_dead_writer() {
    after_each_step(
        || {
            let lock = machine::<RwLock>();
            let dead = AtomicU64::new(0);
            let earlier = Actor { me: 3, dead: &dead };
            assert!(lock.write_until(&earlier, None).unwrap());
            lock
        },
        |lock, victim| {
            victim.dead.fetch_or(1 << 3, Ordering::SeqCst);
            lock.read_until(victim, None).unwrap();
            lock.leave(victim);
        },
        |lock, survivor, _| {
            survivor.dead.fetch_or(1 << 3, Ordering::SeqCst);
            is_usable(lock, survivor);
            assert!(lock.poison().is_set());
        },
    );
}

#[test]
fn a_writer_waits_for_the_living_and_not_for_the_dead() {
    let lock = machine::<RwLock>();
    let dead = AtomicU64::new(0);
    let victim = Actor { me: 1, dead: &dead };
    let reader = Actor { me: 3, dead: &dead };
    let survivor = Actor { me: 2, dead: &dead };
    assert!(lock.read_until(&victim, None).unwrap());
    assert!(lock.read_until(&reader, None).unwrap());
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(&lock, &survivor, soon()));
        thread::sleep(Duration::from_millis(50));
        victim.dies();
        thread::sleep(Duration::from_millis(500));
        assert!(!writer.is_finished());
        lock.leave(&reader);
        writer.join().unwrap();
    });
}

#[test]
fn a_barrier_survives_a_death_in_it() {
    after_each_step(
        || {
            let barrier = machine::<Barrier>();
            barrier.set_parties(2);
            barrier
        },
        |barrier, victim| {
            barrier.wait_until(victim, at_once());
        },
        |barrier, survivor, _| {
            // The actor that died here may have arrived or not; none hangs, and none passes alone.
            let begin = Instant::now();
            let deadline = begin.checked_add(Duration::from_millis(300));
            assert_eq!(barrier.wait_until(survivor, deadline), Passed::Broken);
            assert!(begin.elapsed() < Duration::from_secs(1));
            passes_after_reset(barrier, survivor);
        },
    );
}

#[test]
fn a_barrier_survives_the_death_of_who_completes_it() {
    after_each_step(
        || {
            let barrier = machine::<Barrier>();
            barrier.set_parties(1);
            barrier
        },
        |barrier, victim| {
            barrier.wait_until(victim, None);
        },
        |barrier, survivor, died| {
            let passed = barrier.wait_until(survivor, soon());
            assert!(passed == Passed::Leader || died && passed == Passed::Broken);
        },
    );
}

#[test]
fn a_barrier_survives_deaths_in_reset_and_abort() {
    after_each_step(
        || {
            let barrier = machine::<Barrier>();
            barrier.set_parties(2);
            barrier
        },
        |barrier, victim| {
            barrier.abort(victim);
            barrier.reset(victim);
        },
        |barrier, survivor, _| passes_after_reset(barrier, survivor),
    );
}

fn passes_after_reset(barrier: &Barrier, survivor: &Actor<'_>) {
    barrier.reset(survivor);
    let other = Actor {
        me: 5,
        dead: survivor.dead,
    };
    for _ in 0..3 {
        thread::scope(|scope| {
            let one = scope.spawn(|| barrier.wait_until(survivor, soon()));
            let two = scope.spawn(|| barrier.wait_until(&other, soon()));
            let mut passed = [one.join().unwrap(), two.join().unwrap()];
            passed.sort_by_key(|passed| *passed as u8);
            assert_eq!(passed, [Passed::Leader, Passed::Follower]);
        });
    }
}

#[test]
fn a_reset_sends_those_away_who_wait() {
    let barrier = machine::<Barrier>();
    barrier.set_parties(2);
    let dead = AtomicU64::new(0);
    let actor = Actor { me: 1, dead: &dead };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| barrier.wait_until(&actor, soon()));
        thread::sleep(Duration::from_millis(50));
        barrier.reset(&actor);
        assert_eq!(waiting.join().unwrap(), Passed::Broken);
    });
    assert!(!barrier.is_broken(&actor));
}

#[test]
fn an_event_survives_a_death_in_set_and_clear() {
    after_each_step(
        machine::<Event>,
        |event, _| {
            event.set();
            event.clear();
            event.set();
        },
        |event, _, _| {
            thread::scope(|scope| {
                let waiting = scope.spawn(|| event.wait_until(soon()));
                event.set();
                assert!(waiting.join().unwrap());
            });
        },
    );
}

#[test]
fn an_event_survives_a_death_in_wait() {
    after_each_step(
        machine::<Event>,
        |event, _| {
            event.wait_until(deadline::after(Duration::from_millis(1)));
        },
        |event, _, _| {
            event.set();
            assert!(event.wait_until(soon()));
            event.clear();
            assert!(!event.wait_until(at_once()));
        },
    );
}

#[test]
fn a_sleeper_finds_an_event_that_was_set_by_one_who_died_before_waking_it() {
    for steps in 0..4 {
        let event = machine::<Event>();
        thread::scope(|scope| {
            let begin = Instant::now();
            let sleeper = scope.spawn(|| event.wait_until(soon()));
            thread::sleep(Duration::from_millis(20));
            ends_after(steps, || event.set());
            if event.is_set() {
                assert!(sleeper.join().unwrap());
                assert!(begin.elapsed() < Duration::from_secs(1));
            } else {
                event.set();
            }
        });
    }
}

#[test]
fn an_event_that_is_cleared_at_once_lets_go_who_waits() {
    let event = machine::<Event>();
    thread::scope(|scope| {
        let sleepers = [(); 4].map(|()| scope.spawn(|| event.wait_until(soon())));
        thread::sleep(Duration::from_millis(50));
        event.set();
        event.clear();
        for sleeper in sleepers {
            assert!(sleeper.join().unwrap());
        }
    });
}

#[test]
fn notifications_survive_a_death_in_wait() {
    after_each_step(
        machine::<Condvar>,
        |condvar, victim| {
            let token = condvar.queue(victim);
            condvar.sleep(token, victim, deadline::after(Duration::from_millis(1)));
        },
        |condvar, survivor, _| notifies_one_of_two(condvar, survivor),
    );
}

#[test]
fn notifications_survive_a_death_in_notify() {
    after_each_step(
        machine::<Condvar>,
        |condvar, victim| {
            let _never_left = condvar.queue(victim);
            condvar.notify(victim, 1);
        },
        |condvar, survivor, _| {
            // What the dead one gave itself goes to another, so both may be notified.
            let first = condvar.queue(survivor);
            let second = condvar.queue(survivor);
            condvar.notify(survivor, 1);
            assert!(condvar.sleep(first, survivor, soon()));
            condvar.sleep(second, survivor, at_once());
        },
    );
}

/// The dead one has come first, and must not take the notification with it.
fn notifies_one_of_two(condvar: &Condvar, survivor: &Actor<'_>) {
    let first = condvar.queue(survivor);
    let second = condvar.queue(survivor);
    condvar.notify(survivor, 1);
    assert!(condvar.sleep(first, survivor, soon()));
    assert!(!condvar.sleep(second, survivor, at_once()));
}

#[test]
fn a_notification_of_the_dead_goes_to_the_next() {
    let condvar = machine::<Condvar>();
    let dead = AtomicU64::new(0);
    let victim = Actor { me: 1, dead: &dead };
    let survivor = Actor { me: 2, dead: &dead };
    let _never_left = condvar.queue(&victim);
    thread::scope(|scope| {
        let next = condvar.queue(&survivor);
        let waiting = scope.spawn(|| condvar.sleep(next, &survivor, soon()));
        condvar.notify(&survivor, 1);
        thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished());
        victim.dies();
        let begin = Instant::now();
        assert!(waiting.join().unwrap());
        assert!(begin.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn more_waiters_than_places_are_woken_for_nothing() {
    let condvar = machine::<Condvar>();
    let dead = AtomicU64::new(0);
    let actor = Actor { me: 1, dead: &dead };
    let tokens: Vec<_> = (0..200).map(|_| condvar.queue(&actor)).collect();
    condvar.notify(&actor, usize::MAX);
    for token in tokens {
        assert!(condvar.sleep(token, &actor, soon()));
    }
    assert_eq!(actor.me(), 1);
}
