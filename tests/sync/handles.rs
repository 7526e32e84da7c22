//! How handles travel, and what becomes of the memory behind them.

use std::sync::atomic::{AtomicU64, Ordering};

use multiproc::shm::{Buffer, Chunk, Shared};
use multiproc::sync::{Barrier, Condvar, Event, Mutex, ReentrantLock, RwLock, Semaphore};
use multiproc::{Shareable, worker};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::{METHODS, seconds, within};

#[derive(Serialize, Deserialize)]
struct Everything {
    mutex: Mutex<Point>,
    numbers: Mutex<[u32]>,
    lock: RwLock<(u8, f64)>,
    reentrant: ReentrantLock<std::cell::Cell<u8>>,
    condvar: Condvar,
    semaphore: Semaphore,
    event: Event,
    barrier: Barrier,
    shared: Shared<AtomicU64>,
    bulk: Shared<[f64]>,
    chunks: Vec<Option<Chunk<u16>>>,
}

#[derive(Clone, Copy, Shareable)]
struct Point {
    x: i32,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Debug, Shareable)]
enum Kind {
    Nothing,
    Some { of: [u8; 3], and: Option<char> },
}

#[worker]
fn use_all(mut all: Everything) -> Everything {
    let mut point = all.mutex.lock().unwrap();
    point.x += 1;
    point.kind = Kind::Some {
        of: [1, 2, 3],
        and: Some('x'),
    };
    drop(point);
    all.numbers.lock().unwrap()[1] = 7;
    all.lock.write().unwrap().1 = 0.5;
    all.reentrant.lock().unwrap().set(9);
    all.condvar.notify_all();
    all.semaphore.add_permits(2);
    all.event.set();
    assert!(all.barrier.wait().unwrap().is_leader());
    all.shared.fetch_add(1, Ordering::Relaxed);
    assert_eq!(*all.bulk, [1.0, 2.0]);
    for chunk in all.chunks.iter_mut().flatten() {
        chunk.fill(3);
    }
    all
}

#[test]
fn every_handle_goes_there_and_back_inside_a_type_of_the_users() {
    within(seconds(30), || {
        for method in METHODS {
            let all = Everything {
                mutex: Mutex::new(Point {
                    x: 1,
                    kind: Kind::Nothing,
                })
                .unwrap(),
                numbers: Mutex::from_slice(&[1, 2, 3]).unwrap(),
                lock: RwLock::new((1, 1.0)).unwrap(),
                reentrant: ReentrantLock::new(std::cell::Cell::new(0)).unwrap(),
                condvar: Condvar::new().unwrap(),
                semaphore: Semaphore::new(0).unwrap(),
                event: Event::new().unwrap(),
                barrier: Barrier::new(1).unwrap(),
                shared: Shared::new(AtomicU64::new(1)).unwrap(),
                bulk: Shared::from_slice(&[1.0, 2.0]).unwrap(),
                chunks: Buffer::new(10)
                    .unwrap()
                    .split(3)
                    .into_iter()
                    .map(Some)
                    .collect(),
            };
            let (mutex, event) = (all.mutex.clone(), all.event.clone());
            let all = use_all::call(all).start_method(method).run().unwrap();
            // What came back is what went, not a copy.
            assert!(Mutex::ptr_eq(&mutex, &all.mutex));
            assert_eq!(mutex.lock().unwrap().x, 2);
            assert!(matches!(
                all.mutex.lock().unwrap().kind,
                Kind::Some {
                    of: [1, 2, 3],
                    and: Some('x')
                }
            ));
            assert_eq!(*all.numbers.lock().unwrap(), [1, 7, 3]);
            assert!((all.lock.read().unwrap().1 - 0.5).abs() < f64::EPSILON);
            assert_eq!(all.reentrant.lock().unwrap().get(), 9);
            assert_eq!(all.semaphore.available(), 2);
            assert!(event.is_set());
            assert_eq!(all.shared.load(Ordering::Relaxed), 2);
            let buffer = Buffer::join(all.chunks.into_iter().flatten()).unwrap();
            assert_eq!(*buffer, [3; 10]);
        }
    });
}

#[worker]
fn sum(counters: Vec<Mutex<u64>>) -> u64 {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < 40, "{open} descriptors are open");
    counters
        .iter()
        .map(|counter| {
            let mut counter = counter.lock().unwrap();
            *counter += 1;
            *counter
        })
        .sum()
}

/// How many descriptors so many mutexes take. A process of its own, since other tests open some.
#[worker]
fn descriptors_of(count: u64) -> usize {
    let before = descriptors();
    let mutexes: Vec<Mutex<u64>> = (0..count).map(|n| Mutex::new(n).unwrap()).collect();
    let taken = descriptors() - before;
    drop(mutexes);
    taken
}

#[test]
fn ten_thousand_mutexes_share_a_handful_of_descriptors() {
    within(seconds(60), || {
        assert!(descriptors_of::run(10_000).unwrap() < 30);
        let mutexes: Vec<Mutex<u64>> = (0..10_000).map(|n| Mutex::new(n).unwrap()).collect();
        for method in METHODS {
            let thousand: Vec<_> = mutexes.iter().step_by(10).cloned().collect();
            let expected: u64 = thousand
                .iter()
                .map(|mutex| *mutex.lock().unwrap() + 1)
                .sum();
            let result: u64 = sum::call(thousand).start_method(method).run().unwrap();
            assert_eq!(result, expected);
        }
        drop(mutexes);
    });
}

#[worker]
fn crash(_mutexes: Vec<Mutex<[u64; 64]>>) {
    std::process::abort();
}

#[test]
fn what_killed_holders_had_is_used_again() {
    within(seconds(60), || {
        // Other tests of this process allocate, too: only growth without end would show.
        let rounds = 40;
        let mut most = 0;
        for round in 0..rounds {
            let mutexes: Vec<_> = (0..1000).map(|_| Mutex::new([0; 64]).unwrap()).collect();
            assert!(crash::run(mutexes).is_err());
            if round == 5 {
                most = shared_memory();
            }
        }
        let now = shared_memory();
        assert!(now <= most + (4 << 20), "grew from {most} to {now} bytes");
    });
}

/// The bytes of all regions that this process has mapped.
fn shared_memory() -> usize {
    std::fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .filter(|line| line.contains("memfd:multiproc"))
        .map(|line| {
            let (range, _) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let parse = |text| usize::from_str_radix(text, 16).unwrap();
            parse(end) - parse(start)
        })
        .sum()
}

#[worker]
fn fill(mut chunk: Chunk<u64>, with: u64) -> Chunk<u64> {
    chunk.fill(with);
    chunk
}

#[test]
fn a_large_buffer_is_filled_where_it_lies() {
    within(seconds(60), || {
        for method in METHODS {
            let buffer = Buffer::<u64>::new(4 << 20).unwrap();
            let workers: Vec<_> = (1..)
                .zip(buffer.split(3))
                .map(|(with, chunk)| fill::call(chunk, with).start_method(method).spawn())
                .collect::<Result<_, _>>()
                .unwrap();
            let mut chunks: Vec<_> = workers
                .into_iter()
                .map(|worker| worker.join().unwrap())
                .collect();
            chunks.reverse();
            let missing = chunks.split_off(1);
            let error = Buffer::join(chunks).unwrap_err();
            let buffer = Buffer::join(error.into_chunks().into_iter().chain(missing)).unwrap();
            let third = (4_usize << 20).div_ceil(3);
            assert!(buffer[..third].iter().all(|number| *number == 1));
            assert!(
                buffer[third..2 * third - 1]
                    .iter()
                    .all(|number| *number == 2)
            );
            assert!(buffer[2 * third - 1..].iter().all(|number| *number == 3));
        }
    });
}

/// Chunks that a user's `Deserialize` takes apart, as it may anything that is data.
#[derive(Serialize)]
struct Forged {
    a: Chunk<u64>,
    b: Chunk<u64>,
}

impl<'de> Deserialize<'de> for Forged {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Forged, D::Error> {
        // Descriptor, region, cell and generation of the memory and of the right to it; start, length.
        type Place = (u32, (u64, u32, u32));
        #[derive(Deserialize)]
        struct Parts {
            a: (Place, Place, usize, usize),
            b: (Place, Place, usize, usize),
        }
        let Parts { mut a, b } = Parts::deserialize(deserializer)?;
        a.3 += b.3;
        let chunk = |parts| {
            let value = serde_json::to_value(parts).map_err(serde::de::Error::custom)?;
            Chunk::deserialize(value).map_err(serde::de::Error::custom)
        };
        Ok(Forged {
            a: chunk(a)?,
            b: chunk(b)?,
        })
    }
}

#[worker]
fn overlap(mut forged: Forged) -> bool {
    let (a, b) = (forged.a.as_mut_ptr_range(), forged.b.as_mut_ptr_range());
    a.start < b.end && b.start < a.end
}

#[test]
fn a_chunk_cannot_be_made_longer_on_its_way() {
    within(seconds(30), || {
        let forged = || {
            let mut chunks = Buffer::from_slice(&[0; 8]).unwrap().split(2);
            let (b, a) = (chunks.pop().unwrap(), chunks.pop().unwrap());
            Forged { a, b }
        };
        for method in METHODS {
            let error = overlap::call(forged()).start_method(method).run();
            assert_eq!(
                error.unwrap_err().to_string(),
                "worker `overlap`: its arguments cannot be decoded: invalid type: a chunk of a \
                 buffer, expected a tuple of size 4"
            );
        }
        let (sender, receiver) = multiproc::channel::channel().unwrap();
        sender.send(forged()).unwrap();
        assert!(receiver.recv().is_err());
    });
}

#[worker]
fn dies_with(chunk: Chunk<u64>) {
    drop(chunk);
    std::process::abort();
}

#[test]
fn a_chunk_that_died_with_its_worker_is_missing() {
    within(seconds(30), || {
        let mut chunks = Buffer::<u64>::new(10).unwrap().split(2);
        assert!(dies_with::run(chunks.remove(0)).is_err());
        let error = Buffer::join(chunks).unwrap_err();
        assert_eq!(error.to_string(), "a chunk is missing");
    });
}

#[test]
fn sizes_that_cannot_be_are_errors() {
    assert!(Buffer::<u64>::new(usize::MAX).is_err());
    assert!(Buffer::<u64>::new(usize::MAX / 8).is_err());
    assert!(Buffer::<u8>::new(1 << 50).is_err());
    assert!(Buffer::<u8>::new(0).is_err());
    assert!(Shared::<[u8]>::from_slice(&[]).is_err());
    assert!(Mutex::<[u8]>::from_slice(&[]).is_err());
    assert!(RwLock::<[u8]>::from_slice(&[]).is_err());
    assert!(Barrier::new(0).is_err());
    assert!(Barrier::new(usize::MAX).is_err());
    assert!(Semaphore::new(usize::MAX).is_err());
    assert!(Semaphore::new(Semaphore::MAX_PERMITS + 1).is_err());
    assert!(Semaphore::new(Semaphore::MAX_PERMITS).is_ok());
    assert!(Semaphore::new(0).unwrap().try_acquire().is_none());
}

#[test]
fn a_handle_cannot_be_written_anywhere_else() {
    let mutex = Mutex::new(0).unwrap();
    let mut text = Vec::new();
    let error = serde::Serialize::serialize(&mutex, &mut serde_json_like(&mut text));
    assert!(error.is_err());
}

fn serde_json_like(text: &mut Vec<u8>) -> serde_json::Serializer<&mut Vec<u8>> {
    serde_json::Serializer::new(text)
}

#[test]
fn nothing_appears_in_dev_shm() {
    let count = || std::fs::read_dir("/dev/shm").map_or(0, Iterator::count);
    let before = count();
    let buffer = Buffer::<u64>::new(1 << 20).unwrap();
    let mutex = Mutex::new(1).unwrap();
    assert_eq!(count(), before);
    drop((buffer, mutex));
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[worker]
fn allocates_within(files: u64, bytes: u64) -> (bool, bool, bool) {
    let small = Mutex::new(1).is_ok();
    let limit = |resource, value| {
        let mut limit = getrlimit(resource);
        limit.current = Some(value);
        setrlimit(resource, limit).unwrap();
    };
    limit(Resource::Fsize, bytes);
    let large = Buffer::<u8>::new(8 << 20).is_ok();
    limit(Resource::Nofile, files);
    let another = Buffer::<u8>::new(1 << 17).is_ok();
    (small, large, another)
}

#[test]
fn limits_are_errors() {
    within(seconds(30), || {
        assert_eq!(
            allocates_within::run(0, 1 << 20).unwrap(),
            (true, false, false)
        );
        assert_eq!(
            allocates_within::run(1024, 1 << 20).unwrap(),
            (true, false, true)
        );
    });
}

#[worker]
fn makes(count: usize) -> Vec<Mutex<u64>> {
    (0..count).map(|n| Mutex::new(n as u64).unwrap()).collect()
}

#[test]
fn what_a_worker_makes_outlives_it() {
    within(seconds(30), || {
        for method in METHODS {
            let mutexes = makes::call(100).start_method(method).run().unwrap();
            for (n, mutex) in (0..).zip(&mutexes) {
                assert_eq!(*mutex.lock().unwrap(), n);
            }
        }
    });
}
