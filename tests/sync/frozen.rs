//! Frozen values: where they go, how often they are decoded, and when their memory is given back.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{ErrorKind as IoErrorKind, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use multiproc::channel::{Receiver, Sender, channel};
use multiproc::shm::{Buffer, Frozen};
use multiproc::sync::{Event, Mutex};
use multiproc::{ErrorKind, Pool, worker};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::{METHODS, kill, seconds, within};

static DECODED: AtomicUsize = AtomicUsize::new(0);
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// A value that counts how often it is decoded and how many there are.
#[derive(Serialize, Debug, PartialEq)]
struct Model {
    name: String,
    weights: Vec<f64>,
}

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Model, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            name: String,
            weights: Vec<f64>,
        }
        let Parts { name, weights } = Parts::deserialize(deserializer)?;
        DECODED.fetch_add(1, Ordering::Relaxed);
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Ok(Model { name, weights })
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = ALIVE.try_update(Ordering::Relaxed, Ordering::Relaxed, |alive| {
            alive.checked_sub(1)
        });
    }
}

fn model(name: &str) -> Model {
    Model {
        name: name.to_owned(),
        weights: (0..20_000).map(f64::from).collect(),
    }
}

#[derive(Serialize, Deserialize)]
struct Job {
    model: Frozen<Model>,
    more: Vec<Option<Frozen<BTreeMap<String, u8>>>>,
    bytes: Frozen<[u8]>,
}

#[worker]
fn use_all(
    by_value: Frozen<Model>,
    by_reference: &Frozen<Model>,
    job: Job,
    items: Receiver<Frozen<Model>>,
) -> Job {
    assert_eq!(*by_value, model("one"));
    assert!(Frozen::ptr_eq(&by_value, by_reference));
    assert!(Frozen::ptr_eq(&by_value, &job.model));
    assert!(Frozen::ptr_eq(&by_value, &items.recv().unwrap()));
    assert_eq!(job.more[1].as_ref().unwrap()["a"], 1);
    assert_eq!(&*job.bytes, b"some bytes");
    assert_eq!(DECODED.load(Ordering::Relaxed), 1);
    job
}

/// A file with this in it, and the handle.
fn bytes(contents: &[u8]) -> Frozen<[u8]> {
    let path = std::env::temp_dir().join(format!(
        "multiproc-frozen-{}-{:?}",
        std::process::id(),
        thread::current().id()
    ));
    fs::write(&path, contents).unwrap();
    let frozen = Frozen::from_file(&path).unwrap();
    // Nothing that becomes of the file matters.
    fs::write(&path, b"").unwrap();
    fs::remove_file(&path).unwrap();
    frozen
}

#[test]
fn a_frozen_value_goes_wherever_a_handle_goes() {
    within(seconds(60), || {
        for method in METHODS {
            let frozen = Frozen::new(&model("one")).unwrap();
            let more = Frozen::new(&BTreeMap::from([("a".to_owned(), 1)])).unwrap();
            let job = Job {
                model: frozen.clone(),
                more: vec![None, Some(more.clone())],
                bytes: bytes(b"some bytes"),
            };
            let (sender, receiver) = channel().unwrap();
            sender.send(frozen.clone()).unwrap();
            let call = use_all::call(frozen.clone(), &frozen, job, receiver);
            let job = call.start_method(method).run().unwrap();
            assert!(Frozen::ptr_eq(&frozen, &job.model));
            assert!(Frozen::ptr_eq(&more, job.more[1].as_ref().unwrap()));
            assert_eq!(&*job.bytes, b"some bytes");
        }
    });
}

#[worker]
fn decoded(model: &Frozen<Model>) -> (u32, usize) {
    assert_eq!(model.weights.len(), 20_000);
    (std::process::id(), DECODED.load(Ordering::Relaxed))
}

#[test]
fn a_worker_of_a_pool_decodes_it_once() {
    within(seconds(60), || {
        for method in METHODS {
            let frozen = Frozen::new(&model("one")).unwrap();
            let pool = Pool::builder()
                .workers(2)
                .start_method(method)
                .build()
                .unwrap();
            let mut workers = HashSet::new();
            // One after the other: between two tasks there is no handle in any worker.
            for _ in 0..50 {
                let (worker, decoded) = pool.submit(decoded::call(&frozen)).wait().unwrap();
                assert_eq!(decoded, 1);
                workers.insert(worker);
            }
            for result in pool.map(|()| decoded::call(&frozen), [(); 50]) {
                let (worker, decoded) = result.unwrap();
                assert_eq!(decoded, 1);
                workers.insert(worker);
            }
            assert!(workers.len() <= 2);
        }
    });
}

#[worker]
fn alive() -> usize {
    ALIVE.load(Ordering::Relaxed)
}

/// Asks until the answer is right. The test has a deadline.
fn ask_until(pool: &Pool, expected: usize) {
    while pool.submit(alive::call()).wait().unwrap() != expected {
        thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_worker_gives_the_memory_back_when_there_is_no_handle_anywhere() {
    within(seconds(60), || {
        let pool = Pool::builder().workers(1).build().unwrap();
        let first = Frozen::new(&model("first")).unwrap();
        let second = Frozen::new(&model("second")).unwrap();
        pool.submit(decoded::call(&first)).wait().unwrap();
        pool.submit(decoded::call(&second)).wait().unwrap();
        assert_eq!(pool.submit(alive::call()).wait().unwrap(), 2);
        // A handle in a message is one.
        let (sender, receiver) = channel().unwrap();
        sender.send(second).unwrap();
        drop(first);
        ask_until(&pool, 1);
        let second = receiver.recv().unwrap();
        assert_eq!(pool.submit(decoded::call(&second)).wait().unwrap().1, 2);
        drop(second);
        ask_until(&pool, 0);
    });
}

#[worker]
fn length(bytes: Frozen<[u8]>) -> usize {
    bytes.len()
}

/// How many files this process has mapped that are frozen values or other shared memory.
#[worker]
fn mapped() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.matches("memfd:multiproc").count()
}

#[test]
fn what_is_mapped_is_given_back_too() {
    within(seconds(60), || {
        let pool = Pool::builder().workers(1).build().unwrap();
        let before = pool.submit(mapped::call()).wait().unwrap();
        let bytes = bytes(&[1; 100_000]);
        assert_eq!(
            pool.submit(length::call(bytes.clone())).wait().unwrap(),
            100_000
        );
        assert_eq!(pool.submit(mapped::call()).wait().unwrap(), before + 1);
        drop(bytes);
        while pool.submit(mapped::call()).wait().unwrap() > before {
            thread::sleep(std::time::Duration::from_millis(5));
        }
    });
}

#[test]
fn a_worker_keeps_those_that_were_used_last() {
    within(seconds(60), || {
        let pool = Pool::builder().workers(1).build().unwrap();
        let values: Vec<_> = (0..20)
            .map(|number| Frozen::new(&model(&number.to_string())).unwrap())
            .collect();
        for value in &values {
            pool.submit(decoded::call(value)).wait().unwrap();
        }
        // Fewer if it had nothing to do for a moment in between.
        assert!((8..=16).contains(&pool.submit(alive::call()).wait().unwrap()));
        let again = |value| pool.submit(decoded::call(value)).wait().unwrap().1;
        assert_eq!(again(&values[19]), 20);
        assert_eq!(again(&values[12]), 20);
        assert_eq!(again(&values[3]), 21);
    });
}

#[test]
fn threads_that_receive_it_at_once_decode_it_once() {
    // A process of its own, since other tests decode, too.
    #[worker]
    fn race() -> usize {
        let frozen = Frozen::new(&model("one")).unwrap();
        let channels: Vec<(Sender<_>, Receiver<_>)> = (0..8).map(|_| channel().unwrap()).collect();
        for (sender, _) in &channels {
            sender.send(frozen.clone()).unwrap();
        }
        let barrier = Barrier::new(channels.len());
        thread::scope(|scope| {
            for (_, receiver) in channels {
                let (barrier, frozen) = (&barrier, &frozen);
                scope.spawn(move || {
                    barrier.wait();
                    let received = receiver.recv().unwrap();
                    assert!(Frozen::ptr_eq(&received, frozen));
                });
            }
        });
        DECODED.load(Ordering::Relaxed)
    }
    within(seconds(60), || assert_eq!(race::run().unwrap(), 1));
}

/// Can be written, and not read in other processes, or in none.
#[derive(Serialize, Debug)]
enum Stubborn {
    Fails,
    Panics,
}

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Stubborn, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "Panics" => panic!("will not be read"),
            _ => Err(D::Error::custom("cannot be read")),
        }
    }
}

#[worker]
fn take(_: Frozen<Stubborn>) {}

#[test]
fn what_cannot_be_decoded_is_the_error_of_who_receives_it() {
    within(seconds(60), || {
        let frozen = Frozen::new(&Stubborn::Fails).unwrap();
        let panics = Frozen::new(&Stubborn::Panics).unwrap();
        for method in METHODS {
            for _ in 0..2 {
                let error = take::call(frozen.clone())
                    .start_method(method)
                    .run()
                    .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Decode);
                assert!(error.to_string().contains("cannot be read"), "{error}");
                let error = take::call(panics.clone())
                    .start_method(method)
                    .run()
                    .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Panicked, "{error}");
            }
        }
        let pool = Pool::builder().workers(1).build().unwrap();
        for _ in 0..3 {
            let error = pool.submit(take::call(frozen.clone())).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode);
        }
        // Here it is found out when it is used.
        for _ in 0..2 {
            let used = catch_unwind(AssertUnwindSafe(|| format!("{:?}", *frozen)));
            let text = *used.unwrap_err().downcast::<String>().unwrap();
            assert_eq!(text, "a frozen value cannot be decoded: cannot be read");
        }
    });
}

#[test]
fn handles_cannot_be_frozen() {
    fn refused<T>(result: std::io::Result<Frozen<T>>) {
        let error = result.err().expect("it has handles");
        assert_eq!(error.kind(), IoErrorKind::InvalidInput);
        assert!(error.to_string().contains("cannot be frozen"), "{error}");
    }
    let chunks = Buffer::from_slice(&[1_u8, 2]).unwrap().split(2);
    refused(Frozen::new(&Mutex::new(1).unwrap()));
    refused(Frozen::new(&(1, channel::<u8>().unwrap().0)));
    refused(Frozen::new(&Some(Frozen::new(&1).unwrap())));
    refused(Frozen::new(&chunks));
    // They have not gone anywhere.
    assert_eq!(*Buffer::join(chunks).unwrap(), [1, 2]);
}

#[test]
fn only_regular_files_are_read() {
    assert_eq!(
        Frozen::from_file("/dev/zero").unwrap_err().kind(),
        IoErrorKind::InvalidInput
    );
    assert_eq!(
        Frozen::from_file("/there/is/none").unwrap_err().kind(),
        IoErrorKind::NotFound
    );
    assert!(Frozen::from_file("/").is_err());
    assert!(bytes(b"").is_empty());
    // It says that it is empty, and is not.
    let status = Frozen::from_file("/proc/self/status").unwrap();
    assert!(status.starts_with(b"Name:"));
}

#[worker]
fn freeze_and_die(to: Sender<Frozen<Model>>, bytes: Sender<Frozen<[u8]>>) {
    to.send(Frozen::new(&model("of a dead one")).unwrap())
        .unwrap();
    bytes.send(crate::frozen::bytes(&[7; 100_000])).unwrap();
    kill(std::process::id());
}

#[test]
fn a_value_outlives_the_process_that_made_it() {
    within(seconds(60), || {
        for method in METHODS {
            let (to, values) = channel().unwrap();
            let (to_bytes, all_bytes) = channel().unwrap();
            let call = freeze_and_die::call(to, to_bytes);
            assert!(call.start_method(method).run().is_err());
            let value = values.recv().unwrap();
            assert_eq!(*value, model("of a dead one"));
            assert_eq!(*all_bytes.recv().unwrap(), [7; 100_000]);
            // And is sent on.
            assert_eq!(
                decoded::call(&value).start_method(method).run().unwrap().1,
                1
            );
        }
    });
}

#[worker]
fn hold(_model: Frozen<Model>, _bytes: Frozen<[u8]>, begun: Event) {
    begun.set();
    thread::park();
}

#[test]
fn a_receiver_that_is_killed_harms_nobody() {
    within(seconds(120), || {
        for method in METHODS {
            let frozen = Frozen::new(&model("one")).unwrap();
            let bytes = bytes(&[1; 100_000]);
            for round in 0..20 {
                let begun = Event::new().unwrap();
                let call = hold::call(frozen.clone(), bytes.clone(), begun.clone());
                let process = call.start_method(method).spawn().unwrap();
                // At first anywhere on the way, then with it.
                if round % 2 == 0 {
                    thread::sleep(std::time::Duration::from_micros(200 * round));
                } else {
                    begun.wait();
                }
                process.kill();
                assert!(process.join().is_err());
            }
            assert_eq!(
                decoded::call(&frozen).start_method(method).run().unwrap().1,
                1
            );
            assert_eq!(*bytes, [1; 100_000]);
        }
    });
}

/// Finds the file behind a value, and tries to write to it.
#[worker]
fn forge(bytes: Frozen<[u8]>) -> Option<String> {
    let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let paths = files.map(|entry| entry.path());
    // Pipes and sockets might wait for ever.
    let mut files = paths.filter(|path| fs::metadata(path).is_ok_and(|it| it.is_file()));
    let frozen = files.find(|path| fs::read(path).is_ok_and(|it| it.ends_with(&bytes)))?;
    let mut file = fs::OpenOptions::new().write(true).open(frozen).ok()?;
    assert!(file.set_len(0).is_err());
    let error = file.write_all(b"other").unwrap_err();
    assert_eq!(*bytes, *b"fixed");
    Some(error.to_string())
}

#[test]
fn nobody_can_write_to_it() {
    within(seconds(60), || {
        let error = forge::run(bytes(b"fixed")).unwrap().unwrap();
        assert!(error.contains("not permitted"), "{error}");
    });
}
