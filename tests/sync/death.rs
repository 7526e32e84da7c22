//! A process is killed while it has or waits for something; the others go on within a second.

use std::sync::PoisonError;
use std::sync::TryLockError::{self, WouldBlock};
use std::thread;
use std::time::{Duration, Instant};

use multiproc::sync::{Barrier, Condvar, Event, Mutex, ReentrantLock, RwLock, Semaphore};
use multiproc::{Process, worker};

use crate::{METHODS, kill, seconds, within};

/// What is waited for in vain.
fn for_ever() -> ! {
    loop {
        thread::park();
    }
}

/// Starts a worker with each method in turn, waits for its `ready`, kills it, and lets `check`
/// see what is left, for a second.
fn killed<R>(start: impl Fn(multiproc::StartMethod, Event) -> Process<R>, check: impl Fn()) {
    for method in METHODS {
        let ready = Event::new().unwrap();
        let process = start(method, ready.clone());
        assert!(ready.wait_timeout(seconds(10)), "the worker is not ready");
        // What it is about to wait in.
        thread::sleep(Duration::from_millis(50));
        let begin = Instant::now();
        kill(process.id());
        check();
        let took = begin.elapsed();
        assert!(took < seconds(1), "{method:?} took {took:?}");
        assert!(process.join().is_err());
    }
}

#[worker]
fn holds_mutex(mutex: Mutex<[u64; 2]>, ready: Event) {
    let mut guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    guard[0] += 1;
    ready.set();
    for_ever();
}

#[test]
fn a_killed_holder_poisons_the_mutex() {
    within(seconds(30), || {
        let mutex = Mutex::new([0; 2]).unwrap();
        let copy = mutex.clone();
        killed(
            |method, ready| {
                holds_mutex::call(copy.clone(), ready)
                    .start_method(method)
                    .spawn()
                    .unwrap()
            },
            || {
                let error = mutex.lock().expect_err("the mutex is not poisoned");
                assert!(mutex.is_poisoned());
                let mut guard = error.into_inner();
                // The data are there, between two steps.
                assert_eq!(guard[0], guard[1] + 1);
                guard[1] += 1;
                mutex.clear_poison();
                drop(guard);
                assert!(mutex.lock().is_ok());
            },
        );
        assert_eq!(*mutex.lock().unwrap(), [2, 2]);
    });
}

#[test]
fn a_timed_lock_gets_what_a_killed_holder_had() {
    within(seconds(30), || {
        let mutex = Mutex::new([0; 2]).unwrap();
        let copy = mutex.clone();
        killed(
            |method, ready| {
                let process = holds_mutex::call(copy.clone(), ready)
                    .start_method(method)
                    .spawn()
                    .unwrap();
                let timeout = Duration::from_millis(20);
                while !matches!(mutex.try_lock_for(timeout), Err(TryLockError::WouldBlock)) {}
                process
            },
            || match mutex.try_lock_for(seconds(5)) {
                Err(TryLockError::Poisoned(_)) => mutex.clear_poison(),
                other => panic!("{other:?}"),
            },
        );
    });
}

#[derive(Clone, Copy, Debug, PartialEq, multiproc::Shareable)]
enum Weather {
    Calm,
    Windy { from: char, knots: u8 },
}

#[derive(Clone, Copy, Debug, PartialEq, multiproc::Shareable)]
enum Light {
    Red,
    Green,
}

#[derive(Clone, Copy, Debug, PartialEq, multiproc::Shareable)]
struct Day {
    number: u32,
    weather: Option<Weather>,
    light: Light,
}

const DAY: Day = Day {
    number: 1,
    weather: Some(Weather::Calm),
    light: Light::Red,
};

/// What is half written when a process is killed.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
enum Half {
    /// All that is there is a value.
    None,
    Letter,
    Light,
}

#[worker]
#[expect(unsafe_code, reason = "it leaves what an interrupted write leaves")]
fn writes_half(mutex: Mutex<Day>, lock: RwLock<Day>, half: Half) {
    let mut first = mutex.lock().unwrap();
    let mut second = lock.write().unwrap();
    for day in [&mut *first, &mut *second] {
        day.number = 2;
        day.weather = Some(Weather::Windy {
            from: 'N',
            knots: 20,
        });
        day.light = Light::Green;
        match (half, &mut day.weather) {
            (Half::Letter, Some(Weather::Windy { from, .. })) => {
                // SAFETY: its place; nobody looks at it as a letter.
                unsafe { std::ptr::from_mut(from).cast::<u32>().write(0xdfff) };
            }
            // SAFETY: as above.
            (Half::Light, _) => unsafe { (&raw mut day.light).cast::<u8>().write(7) },
            _ => {}
        }
    }
    std::process::abort();
}

#[test]
fn what_a_killed_writer_left_is_seen_if_it_is_a_value() {
    within(seconds(60), || {
        let share = || (Mutex::new(DAY).unwrap(), RwLock::new(DAY).unwrap());
        let (mutex, lock) = share();
        assert!(writes_half::run(mutex.clone(), lock.clone(), Half::None).is_err());
        let day = *mutex.lock().unwrap_err().into_inner();
        assert_eq!((day.number, day.light), (2, Light::Green));
        assert_eq!(*lock.read().unwrap_err().into_inner(), day);
        mutex.clear_poison();
        assert_eq!(*mutex.lock().unwrap(), day);

        for half in [Half::Letter, Half::Light] {
            let (mutex, lock) = share();
            assert!(writes_half::run(mutex.clone(), lock.clone(), half).is_err());
            for _ in 0..2 {
                // Nobody gets to see it, and nobody hangs.
                is_lost(|| drop(mutex.lock()));
                is_lost(|| drop(mutex.try_lock()));
                is_lost(|| drop(lock.read()));
                is_lost(|| drop(lock.write()));
                assert!(mutex.is_poisoned() && lock.is_poisoned());
                assert!(format!("{mutex:?} {lock:?}").contains("<invalid>"));
                mutex.clear_poison();
                lock.clear_poison();
            }
        }
    });
}

fn is_lost(look: impl FnOnce()) {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(look)).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("is lost: a process was killed"), "{text}");
}

#[worker]
fn panics(mutex: Mutex<u8>, lock: RwLock<u8>) {
    let _one = mutex.lock().unwrap();
    let _two = lock.write().unwrap();
    panic!("on purpose");
}

#[test]
fn a_panic_poisons() {
    within(seconds(30), || {
        let mutex = Mutex::new(1).unwrap();
        let lock = RwLock::new(2).unwrap();
        assert!(panics::run(mutex.clone(), lock.clone()).is_err());
        assert!(mutex.is_poisoned() && mutex.lock().is_err());
        assert!(lock.is_poisoned() && lock.read().is_err() && lock.write().is_err());
        lock.clear_poison();
        assert!(lock.write().is_ok());
    });
}

#[worker]
fn forgets(mutex: Mutex<u8>, lock: RwLock<u8>, reentrant: ReentrantLock<u8>) {
    let (inner, inner_lock, inner_reentrant) = (mutex.clone(), lock.clone(), reentrant.clone());
    thread::spawn(move || {
        std::mem::forget(inner.lock().unwrap());
        std::mem::forget(inner_lock.write().unwrap());
        std::mem::forget(inner_reentrant.lock().unwrap());
        std::mem::forget(inner_reentrant.lock().unwrap());
    })
    .join()
    .unwrap();
    // The thread is gone and the process is not.
    let short = Duration::from_millis(300);
    assert!(matches!(mutex.try_lock_for(short), Err(WouldBlock)));
    assert!(matches!(lock.try_read_for(short), Err(WouldBlock)));
    assert!(matches!(lock.try_write_for(short), Err(WouldBlock)));
    assert!(matches!(reentrant.try_lock_for(short), Err(WouldBlock)));
}

#[test]
fn a_thread_that_forgets_its_guard_leaves_the_lock_taken_until_its_process_ends() {
    within(seconds(60), || {
        let mutex = Mutex::new(1).unwrap();
        let (lock, reentrant) = (RwLock::new(1).unwrap(), ReentrantLock::new(1).unwrap());
        forgets::run(mutex.clone(), lock.clone(), reentrant.clone()).unwrap();
        assert!(mutex.lock().is_err() && lock.read().is_err() && lock.write().is_err());
        assert!(reentrant.lock().is_err());
    });
}

#[test]
fn a_guard_forgotten_with_its_mutex_does_not_break_its_thread() {
    within(seconds(30), || {
        let other = Mutex::new(0).unwrap();
        let mutex = Mutex::from_slice(&vec![1_u8; 100_000]).unwrap();
        std::mem::forget(mutex.lock().unwrap());
        drop(mutex);
        for _ in 0..100 {
            *other.lock().unwrap() += 1;
        }
        assert_eq!(*other.lock().unwrap(), 100);
        // So it is with the other locks, and with one that was taken again.
        let lock = RwLock::new(0).unwrap();
        std::mem::forget(lock.write().unwrap());
        drop(lock);
        let reentrant = ReentrantLock::new(0).unwrap();
        std::mem::forget(reentrant.lock().unwrap());
        let again = reentrant.lock().unwrap();
        drop(again);
        drop(reentrant);
        assert_eq!(*other.lock().unwrap(), 100);
    });
}

#[worker]
fn holds_reentrant(lock: ReentrantLock<u8>, ready: Event) {
    let _one = lock.lock();
    let _two = lock.lock();
    ready.set();
    for_ever();
}

#[test]
fn a_killed_holder_gives_up_all_its_locks_on_a_reentrant_lock() {
    within(seconds(30), || {
        let lock = ReentrantLock::new(0).unwrap();
        let copy = lock.clone();
        killed(
            |method, ready| {
                holds_reentrant::call(copy.clone(), ready)
                    .start_method(method)
                    .spawn()
                    .unwrap()
            },
            || {
                drop(lock.lock().unwrap_err().into_inner());
                lock.clear_poison();
                let other = lock.clone();
                thread::spawn(move || drop(other.lock().unwrap()))
                    .join()
                    .unwrap();
            },
        );
    });
}

#[worker]
fn holds_read(lock: RwLock<u8>, ready: Event) {
    let _one = lock.read();
    let _two = lock.read();
    ready.set();
    for_ever();
}

#[test]
fn a_killed_reader_lets_writers_go_on() {
    within(seconds(30), || {
        let lock = RwLock::new(0).unwrap();
        let copy = lock.clone();
        killed(
            |method, ready| {
                holds_read::call(copy.clone(), ready)
                    .start_method(method)
                    .spawn()
                    .unwrap()
            },
            || *lock.write().unwrap() += 1,
        );
        assert_eq!(*lock.read().unwrap(), 2);
    });
}

#[worker]
fn holds_write(lock: RwLock<u8>, ready: Event) {
    let _one = lock.write();
    ready.set();
    for_ever();
}

#[test]
fn a_killed_writer_poisons_the_lock() {
    within(seconds(30), || {
        let lock = RwLock::new(0).unwrap();
        let copy = lock.clone();
        let start = |method, ready| {
            holds_write::call(copy.clone(), ready)
                .start_method(method)
                .spawn()
                .unwrap()
        };
        killed(start, || {
            drop(lock.read().unwrap_err().into_inner());
            lock.clear_poison();
            assert!(lock.read().is_ok());
        });
        killed(start, || {
            drop(lock.write().unwrap_err().into_inner());
            lock.clear_poison();
            assert!(lock.write().is_ok());
        });
    });
}

#[worker]
fn holds_permits(semaphore: Semaphore, ready: Event) {
    let _one = semaphore.acquire();
    let _two = semaphore.acquire();
    semaphore.acquire().forget();
    ready.set();
    for_ever();
}

#[test]
fn permits_of_a_killed_process_return() {
    within(seconds(30), || {
        let semaphore = Semaphore::new(5).unwrap();
        let copy = semaphore.clone();
        let left = std::cell::Cell::new(5);
        killed(
            |method, ready| {
                holds_permits::call(copy.clone(), ready)
                    .start_method(method)
                    .spawn()
                    .unwrap()
            },
            || {
                left.set(left.get() - 1);
                let permits: Vec<_> = (0..left.get()).map(|_| semaphore.acquire()).collect();
                assert!(semaphore.try_acquire().is_none());
                drop(permits);
                assert_eq!(semaphore.available(), left.get());
            },
        );
    });
}

#[worker]
fn waits_for(event: Event, condvar: Condvar, mutex: Mutex<u8>, ready: Event) {
    let copy = event.clone();
    thread::spawn(move || copy.wait());
    let guard = mutex.lock().unwrap();
    ready.set();
    let _never = condvar.wait(guard);
    event.wait();
    for_ever();
}

#[test]
fn a_killed_waiter_delays_nobody() {
    within(seconds(30), || {
        let (event, condvar) = (Event::new().unwrap(), Condvar::new().unwrap());
        let mutex = Mutex::new(0).unwrap();
        killed(
            |method, ready| {
                waits_for::call(event.clone(), condvar.clone(), mutex.clone(), ready)
                    .start_method(method)
                    .spawn()
                    .unwrap()
            },
            || {
                condvar.notify_one();
                condvar.notify_all();
                event.set();
                event.clear();
                // Before it died it may have been notified, and have taken the lock again.
                drop(mutex.lock());
                mutex.clear_poison();
                let guard = mutex.lock().unwrap();
                let timeout = Duration::from_millis(10);
                drop(condvar.wait_timeout(guard, timeout).unwrap());
            },
        );
    });
}

#[worker]
fn waits_at(barrier: Barrier, ready: Event) {
    ready.set();
    let _ = barrier.wait();
}

#[test]
fn a_barrier_breaks_when_a_participant_is_killed() {
    within(seconds(30), || {
        let barrier = Barrier::new(3).unwrap();
        let copy = barrier.clone();
        killed(
            |method, ready| {
                waits_at::call(copy.clone(), ready)
                    .start_method(method)
                    .spawn()
                    .unwrap()
            },
            || {
                assert!(barrier.wait().is_err());
                assert!(barrier.is_broken());
                barrier.reset();
                assert!(!barrier.is_broken());
            },
        );
    });
}

#[worker]
fn locks_once(mutex: Mutex<u64>) {
    *mutex.lock().unwrap() += 1;
}

/// How many descriptors it is left with. A process of its own, since other tests open some.
#[worker]
fn starts_many(mutex: Mutex<u64>, count: usize) -> usize {
    // The first starts what starts the others.
    locks_once::run(mutex.clone()).unwrap();
    let before = descriptors();
    for _ in 1..count {
        locks_once::run(mutex.clone()).unwrap();
    }
    descriptors().saturating_sub(before)
}

#[test]
fn many_short_lives_leave_nothing_behind() {
    within(seconds(60), || {
        let mutex = Mutex::new(0).unwrap();
        // More processes, one after the other, than can share a region at a time.
        let left = starts_many::run(mutex.clone(), 600).unwrap();
        assert_eq!(*mutex.lock().unwrap(), 600);
        assert!(left <= 10, "{left} descriptors are left");
    });
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
