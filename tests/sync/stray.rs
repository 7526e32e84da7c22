//! A process writes over all memory that it shares with others, as a C library that has gone astray
//! does, and dies, returns or goes on. The others see poison, errors, a sentence; they do not crash,
//! and wait for nothing that cannot come.

#![expect(unsafe_code, reason = "it writes where it should not")]

use std::any::Any;
use std::fmt::Debug;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use multiproc::channel::{Queue, Sender, channel};
use multiproc::shm::{Buffer, Chunk, Shared};
use multiproc::sync::{Barrier, Condvar, Event, Mutex, ReentrantLock, RwLock, Semaphore};
use multiproc::{Shareable, worker};
use serde::{Deserialize, Serialize};

use crate::{seconds, within};

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Stray {
    Bytes(u8),
    SmallNumbers,
    AnyNumbers,
}

const STRAYS: [Stray; 5] = [
    Stray::Bytes(0),
    Stray::Bytes(0xff),
    Stray::Bytes(1),
    Stray::SmallNumbers,
    Stray::AnyNumbers,
];

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Then {
    Dies,
    Returns,
    GoesOn,
}

const THENS: [Then; 3] = [Then::Dies, Then::Returns, Then::GoesOn];

/// Writes over everything that is mapped to be shared.
fn write_over_everything(stray: Stray) {
    let mut number = 0x9e37_79b9_7f4a_7c15_u64;
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        if !line.contains("rw-s") || !line.contains("memfd:multiproc") {
            continue;
        }
        let range = line.split(' ').next().and_then(|it| it.split_once('-'));
        let (from, to) = range.unwrap();
        let address = |text| usize::from_str_radix(text, 16).unwrap();
        for place in (address(from)..address(to)).step_by(8) {
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            let word = match stray {
                Stray::Bytes(byte) => u64::from_ne_bytes([byte; 8]),
                Stray::SmallNumbers => number % 4,
                Stray::AnyNumbers => number,
            };
            let place = std::ptr::with_exposed_provenance::<AtomicU64>(place);
            // SAFETY: it is mapped to be written. That this is right is not what is claimed.
            unsafe { &*place }.store(word, Ordering::Relaxed);
        }
    }
}

#[derive(Serialize, Deserialize)]
enum Thing {
    Mutex(Mutex<u64>),
    Value(Mutex<Kind>),
    RwLock(RwLock<u64>),
    ReentrantLock(ReentrantLock<u64>),
    Semaphore(Semaphore),
    Condvar(Mutex<u64>, Condvar),
    Barrier(Barrier),
    Event(Event),
    Queue(Queue<Vec<u8>>),
    Chunk(Chunk<u32>),
    Shared(Shared<AtomicU64>),
}

/// Not all bytes are one, and which they are is not to be found out.
#[derive(Debug, Clone, Copy, Shareable)]
#[expect(dead_code, reason = "stray writes make the others")]
enum Kind {
    Nothing,
    Yes(bool),
    Letter(char),
    Number(u64),
    More { letter: Option<char>, is: bool },
}

#[worker]
fn goes_astray(thing: Thing, stray: Stray, then: Then, astray: Sender<()>) -> Option<Chunk<u32>> {
    // It has them when it goes astray.
    match &thing {
        Thing::Mutex(mutex) => std::mem::forget(mutex.try_lock()),
        Thing::Value(mutex) => std::mem::forget(mutex.try_lock()),
        Thing::RwLock(lock) => std::mem::forget(lock.try_write()),
        Thing::ReentrantLock(lock) => std::mem::forget(lock.try_lock()),
        Thing::Semaphore(semaphore) => std::mem::forget(semaphore.try_acquire()),
        _ => {}
    }
    write_over_everything(stray);
    astray.send(()).unwrap();
    match (then, thing) {
        (Then::Dies, _) => std::process::abort(),
        (Then::GoesOn, _) => loop {
            thread::park();
        },
        (Then::Returns, Thing::Chunk(chunk)) => Some(chunk),
        (Then::Returns, thing) => {
            // What it still has would be its own undoing.
            std::mem::forget(thing);
            None
        }
    }
}

/// Calls what may panic with a sentence.
fn tries<R: Debug>(act: impl FnOnce() -> R) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(act)) {
        let text = text(&*payload);
        let is_told = text.contains("share a new") || text.contains("is damaged");
        assert!(is_told, "an odd panic: {text}");
    }
}

fn text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("?")
}

const SHORT: Duration = Duration::from_millis(20);

/// All that can be done with a thing, with what waits for ever as well.
fn use_all_of(thing: &Thing) {
    match thing {
        Thing::Mutex(mutex) => {
            tries(|| mutex.try_lock().is_ok());
            tries(|| mutex.lock().is_ok());
            tries(|| mutex.try_lock_for(SHORT).is_ok());
            mutex.clear_poison();
            tries(|| mutex.lock().is_ok());
            assert!(!format!("{mutex:?}").is_empty());
        }
        Thing::Value(mutex) => {
            tries(|| {
                mutex
                    .lock()
                    .map(|guard| *guard)
                    .map_err(|error| *error.into_inner())
            });
            assert!(!format!("{mutex:?}").is_empty());
        }
        Thing::RwLock(lock) => {
            tries(|| lock.try_write().is_ok());
            tries(|| lock.read().is_ok());
            tries(|| lock.write().is_ok());
            tries(|| lock.try_read_for(SHORT).is_ok());
            lock.clear_poison();
            tries(|| lock.read().is_ok());
            assert!(!format!("{lock:?}").is_empty());
        }
        Thing::ReentrantLock(lock) => {
            tries(|| lock.try_lock().is_ok());
            tries(|| {
                let guards = (lock.lock(), lock.lock());
                guards.0.is_ok() && guards.1.is_ok()
            });
            assert!(!format!("{lock:?}").is_empty());
        }
        Thing::Semaphore(semaphore) => {
            tries(|| semaphore.available());
            tries(|| drop(semaphore.try_acquire()));
            tries(|| drop(semaphore.try_acquire_for(SHORT)));
            tries(|| semaphore.add_permits(3));
            tries(|| drop(semaphore.acquire()));
        }
        Thing::Condvar(mutex, changed) => {
            changed.notify_one();
            changed.notify_all();
            let lock = || mutex.lock().unwrap_or_else(|error| error.into_inner());
            tries(|| changed.wait_timeout(lock(), SHORT).is_ok());
            let mut times = 0;
            tries(|| {
                let waits = |_: &mut u64| {
                    times += 1;
                    times < 3
                };
                changed.wait_timeout_while(lock(), SHORT, waits).is_ok()
            });
        }
        Thing::Barrier(barrier) => {
            tries(|| barrier.wait_timeout(SHORT).is_ok());
            tries(|| barrier.wait().is_ok());
            tries(|| barrier.is_broken());
            barrier.reset();
            barrier.abort();
            assert!(barrier.is_broken());
        }
        Thing::Event(event) => {
            event.wait_timeout(SHORT);
            event.set();
            event.wait();
            event.clear();
            assert!(!event.is_set());
        }
        Thing::Queue(queue) => {
            tries(|| queue.len());
            tries(|| queue.try_push(vec![1]).is_ok());
            tries(|| queue.push(vec![1; 10_000]).is_ok());
            tries(|| queue.pop_timeout(SHORT).is_ok());
            tries(|| queue.pop().is_ok());
            tries(|| queue.drain().count());
            tries(|| queue.join_timeout(SHORT));
            queue.close();
            tries(|| queue.iter().count());
            tries(|| queue.task_done());
        }
        Thing::Chunk(chunk) => tries(|| chunk.iter().map(|it| u64::from(*it)).sum::<u64>()),
        Thing::Shared(shared) => tries(|| shared.fetch_add(1, Ordering::Relaxed)),
    }
}

/// Makes a thing, and has it, or a part of it, meanwhile.
fn make(number: usize) -> (Thing, Box<dyn FnOnce()>) {
    let mut meanwhile: Box<dyn FnOnce()> = Box::new(|| {});
    let thing = match number {
        0 => Thing::Mutex(Mutex::new(1).unwrap()),
        1 => Thing::Value(Mutex::new(Kind::Letter('a')).unwrap()),
        2 => Thing::RwLock(RwLock::new(1).unwrap()),
        3 => Thing::ReentrantLock(ReentrantLock::new(1).unwrap()),
        4 => Thing::Semaphore(Semaphore::new(100).unwrap()),
        5 => Thing::Condvar(Mutex::new(1).unwrap(), Condvar::new().unwrap()),
        6 => Thing::Barrier(Barrier::new(2).unwrap()),
        7 => Thing::Event(Event::new().unwrap()),
        8 => {
            let queue = Queue::bounded(16).unwrap();
            queue.push(vec![1; 10_000]).unwrap();
            queue.push(vec![2; 10]).unwrap();
            Thing::Queue(queue)
        }
        9 => {
            let mut chunks = Buffer::<u32>::new(1000).unwrap().split(2);
            let kept = chunks.remove(1);
            meanwhile = Box::new(move || drop(Buffer::join([kept])));
            Thing::Chunk(chunks.remove(0))
        }
        10 => Thing::Shared(Shared::new(AtomicU64::new(1)).unwrap()),
        // Locks that are held here when it happens.
        11 => {
            let mutex = Mutex::new(1).unwrap();
            let held: &'static Mutex<u64> = Box::leak(Box::new(mutex.clone()));
            let guard = held.lock().unwrap();
            meanwhile = Box::new(move || drop(guard));
            Thing::Mutex(mutex)
        }
        12 => {
            let lock = RwLock::new(1).unwrap();
            let held: &'static RwLock<u64> = Box::leak(Box::new(lock.clone()));
            let guard = held.read().unwrap();
            meanwhile = Box::new(move || drop(guard));
            Thing::RwLock(lock)
        }
        13 => {
            let lock = ReentrantLock::new(1).unwrap();
            let held: &'static ReentrantLock<u64> = Box::leak(Box::new(lock.clone()));
            let guards = [held.lock().unwrap(), held.lock().unwrap()];
            meanwhile = Box::new(move || drop(guards));
            Thing::ReentrantLock(lock)
        }
        _ => {
            let semaphore = Semaphore::new(70).unwrap();
            let held: &'static Semaphore = Box::leak(Box::new(semaphore.clone()));
            let permits: Vec<_> = (0..70).map(|_| held.acquire()).collect();
            meanwhile = Box::new(move || drop(permits));
            Thing::Semaphore(semaphore)
        }
    };
    (thing, meanwhile)
}

const THINGS: usize = 15;

impl Thing {
    /// What is kept of it here when it is sent.
    fn handle(&self) -> Option<Thing> {
        Some(match self {
            Thing::Mutex(it) => Thing::Mutex(it.clone()),
            Thing::Value(it) => Thing::Value(it.clone()),
            Thing::RwLock(it) => Thing::RwLock(it.clone()),
            Thing::ReentrantLock(it) => Thing::ReentrantLock(it.clone()),
            Thing::Semaphore(it) => Thing::Semaphore(it.clone()),
            Thing::Condvar(one, other) => Thing::Condvar(one.clone(), other.clone()),
            Thing::Barrier(it) => Thing::Barrier(it.clone()),
            Thing::Event(it) => Thing::Event(it.clone()),
            Thing::Queue(it) => Thing::Queue(it.clone()),
            Thing::Shared(it) => Thing::Shared(it.clone()),
            Thing::Chunk(_) => return None,
        })
    }
}

#[worker]
fn adds_one(mutex: Mutex<u64>) {
    *mutex.lock().unwrap() += 1;
}

/// A process of its own: that it comes to its end is what is seen from outside.
#[worker]
fn lives_with_one_that_goes_astray(number: usize) {
    // Many panics are caught; the last is told by the test that waits for this process.
    std::panic::set_hook(Box::new(|_| {}));
    for (stray, then) in STRAYS
        .iter()
        .flat_map(|stray| THENS.map(|then| (*stray, then)))
    {
        let (thing, meanwhile) = make(number);
        let kept = thing.handle();
        let (astray, is_astray) = channel().unwrap();
        let mut process = goes_astray::spawn(thing, stray, then, astray).unwrap();
        // Its sender is gone with it when it has gone so far astray that it cannot even tell.
        let _ = is_astray.recv_timeout(Duration::from_secs(20));
        if !matches!(then, Then::GoesOn) {
            // Whatever it comes to, but it comes to an end.
            match process.join_timeout(Duration::from_secs(20)) {
                Ok(None) => panic!("it goes on"),
                Ok(Some(Some(chunk))) => use_all_of(&Thing::Chunk(chunk)),
                Ok(Some(None)) | Err(_) => {}
            }
        }
        if let Some(kept) = kept {
            meanwhile();
            use_all_of(&kept);
            // Sent on, it is a handle or an error.
            let (astray, _) = channel().unwrap();
            let again = goes_astray::call(kept, Stray::Bytes(3), Then::Dies, astray);
            let again = again.timeout(Duration::from_secs(20)).run();
            assert!(again.is_err());
        }
        process.kill();
        // What is made from now on is good.
        let mutexes: Vec<_> = (0..300).map(|_| Mutex::new(0).unwrap()).collect();
        for mutex in &mutexes {
            *mutex.lock().unwrap() += 1;
        }
        adds_one::run(mutexes[299].clone()).unwrap();
        assert_eq!(*mutexes[299].lock().unwrap(), 2);
    }
}

fn check(numbers: impl IntoIterator<Item = usize>) {
    within(seconds(300), || {
        for number in numbers {
            let call = lives_with_one_that_goes_astray::call(number);
            if let Err(error) = call.timeout(seconds(120)).run() {
                panic!("with thing {number}: {error}");
            }
        }
    });
}

#[test]
fn locks_survive_stray_writes() {
    check([0, 1, 2, 3]);
}

#[test]
fn what_is_not_a_lock_survives_stray_writes() {
    check([4, 5, 6, 7]);
}

#[test]
fn queues_and_memory_survive_stray_writes() {
    check([8, 9, 10]);
}

#[test]
fn what_is_held_meanwhile_survives_stray_writes() {
    check(11..THINGS);
}
