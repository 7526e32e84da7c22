//! What each process of a pool finds around it, and what it runs first.

use std::collections::BTreeSet;
use std::io::{Read, pipe};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use multiproc::channel::{Sender, channel};
use multiproc::shm::Shared;
use multiproc::{ErrorKind, PoolBuilder, RemoteError, Stdio, worker};

use crate::{check, die_by, eventually, identify, square};

/// The index of this worker, and its variables of these names.
#[worker]
fn variables(names: Vec<String>) -> (usize, Vec<Option<String>>) {
    let index = multiproc::current().unwrap().worker_index().unwrap();
    let values = names.iter().map(|name| std::env::var(name).ok());
    (index, values.collect())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn processes_have_the_variables_of_all_and_their_own() {
    check(|pool| {
        let pool = pool()
            .workers(3)
            .env("POOL_A", "all")
            .env("POOL_B", "all")
            .env("POOL_B", "again")
            .worker_env(|index| {
                let (b, c) = (index.to_string(), format!("c{index}"));
                vec![("POOL_B".to_owned(), b), ("POOL_C".to_owned(), c)]
            })
            // Each in a process that replaces another.
            .max_tasks_per_worker(1)
            .build()
            .unwrap();
        let mut seen = BTreeSet::new();
        while seen.len() < 3 {
            let ask = variables::call(names(&["POOL_A", "POOL_B", "POOL_C", "PATH"]));
            let (index, mut values) = pool.submit(ask).wait().unwrap();
            assert_eq!(values.pop().unwrap(), std::env::var("PATH").ok());
            let expected = ["all".to_owned(), index.to_string(), format!("c{index}")];
            assert_eq!(values, expected.map(Some));
            seen.insert(index);
        }
    });
}

#[test]
fn a_number_can_be_the_value_of_a_variable() {
    check(|pool| {
        let pool = pool()
            .workers(1)
            .worker_env(|index| [("CUDA_VISIBLE_DEVICES", index)])
            .build()
            .unwrap();
        let ask = variables::call(names(&["CUDA_VISIBLE_DEVICES"]));
        let expected = (0, vec![Some("0".to_owned())]);
        assert_eq!(pool.submit(ask).wait().unwrap(), expected);
    });
}

#[test]
fn variables_that_cannot_be_are_an_error_of_build() {
    check(|pool| {
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0")] {
            let error = pool().workers(1).env(name, value).build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Spawn, "{error}");
            let of_one = pool().workers(1).worker_env(move |_| [(name, value)]);
            let error = of_one.build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Spawn, "{error}");
        }
    });
}

static SHARD: OnceLock<usize> = OnceLock::new();

#[worker]
fn open_shard(number: usize) -> Result<(), RemoteError> {
    let set = SHARD.set(number);
    set.map_err(|_| std::io::Error::other("it is set already"))?;
    Ok(())
}

#[worker]
fn shard() -> (usize, usize, Option<String>) {
    let index = multiproc::current().unwrap().worker_index().unwrap();
    let variable = std::env::var("POOL_SHARD").ok();
    (index, *SHARD.get().unwrap(), variable)
}

#[test]
fn each_worker_has_its_own_initializer() {
    check(|pool| {
        let pool = pool()
            .workers(3)
            .initializer_with(|index| {
                open_shard::call(index * 10).env("POOL_SHARD", format!("s{index}"))
            })
            .max_tasks_per_worker(1)
            .build()
            .unwrap();
        let mut seen = BTreeSet::new();
        while seen.len() < 3 {
            let (index, shard, variable) = pool.submit(shard::call()).wait().unwrap();
            assert_eq!(shard, index * 10);
            assert_eq!(variable, Some(format!("s{index}")));
            seen.insert(index);
        }
    });
}

#[test]
fn a_function_of_the_builder_that_panics_is_an_error() {
    check(|pool| {
        let builder = pool().workers(2).initializer_with(|index| {
            assert!(index == 0, "there is no second shard");
            open_shard::call(index)
        });
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains("there is no second shard"), "{error}");
        assert!(error.contains("initializer_with"), "{error}");

        // The second process of the worker cannot be started, nor can any other.
        let started = AtomicUsize::new(0);
        let builder = pool().workers(1).worker_env(move |_| {
            assert!(started.fetch_add(1, Ordering::Relaxed) == 0, "once only");
            [("POOL_A", "first")]
        });
        let pool = builder.build().unwrap();
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        let died = pool.submit(die_by::call(9)).wait().unwrap_err();
        assert_eq!(died.kind(), ErrorKind::Signaled);
        let error = pool.submit(square::call(3)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Spawn);
        assert!(format!("{error:?}").contains("once only"), "{error:?}");
    });
}

#[worker]
fn cpus() -> (usize, String) {
    let index = multiproc::current().unwrap().worker_index().unwrap();
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let list = status
        .lines()
        .find_map(|it| it.strip_prefix("Cpus_allowed_list:"));
    (index, list.unwrap().trim().to_owned())
}

#[test]
fn workers_are_pinned_in_turn() {
    let set = rustix::thread::sched_getaffinity(None).unwrap();
    let available: Vec<usize> = (0..1024).filter(|cpu| set.is_set(*cpu)).collect();
    check(move |pool| {
        let count = available.len() + 1;
        let pool = pool()
            .workers(count)
            .pin_to_cpus()
            .max_tasks_per_worker(1)
            .build()
            .unwrap();
        let mut seen = BTreeSet::new();
        while seen.len() < count {
            let (index, list) = pool.submit(cpus::call()).wait().unwrap();
            assert_eq!(list, available[index % available.len()].to_string());
            seen.insert(index);
        }
    });
}

#[worker]
fn talk(text: &str) {
    println!("{text}");
    eprintln!("{}", text.to_uppercase());
}

#[test]
fn processes_share_the_streams_of_the_builder() {
    check(|pool| {
        for drops in [false, true] {
            let (mut stdout, out) = pipe().unwrap();
            let (mut stderr, err) = pipe().unwrap();
            let pool = pool()
                .workers(2)
                .stdout(out)
                .stderr(err)
                .max_tasks_per_worker(1)
                .build()
                .unwrap();
            for text in ["one", "two", "three"] {
                pool.submit(talk::call(text)).wait().unwrap();
            }
            if drops {
                drop(pool);
            } else {
                pool.shutdown().unwrap();
            }
            // No process has the other end now, nor has this one.
            let mut said = (String::new(), String::new());
            stdout.read_to_string(&mut said.0).unwrap();
            stderr.read_to_string(&mut said.1).unwrap();
            assert_eq!(
                said,
                ("one\ntwo\nthree\n".into(), "ONE\nTWO\nTHREE\n".into())
            );
        }
    });
}

#[test]
fn streams_that_are_for_one_process_are_refused() {
    check(|pool| {
        for stream in [Stdio::piped(), std::process::Stdio::null().into()] {
            let error = pool().workers(1).stderr(stream).build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
        let pool = pool()
            .workers(1)
            .stdout(std::io::stderr())
            .stderr(Stdio::null());
        let pool = pool.build().unwrap();
        pool.submit(talk::call("")).wait().unwrap();
    });
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum Trouble {
    None,
    Error,
    Panic,
    Abort,
    Endless,
}

#[worker]
fn prepare(trouble: Trouble, prepared: Shared<AtomicU32>) -> Result<(), String> {
    match trouble {
        Trouble::None => {}
        Trouble::Error => return Err("no licence".to_owned()),
        Trouble::Panic => panic!("no licence"),
        Trouble::Abort => std::process::abort(),
        Trouble::Endless => loop {
            std::thread::park();
        },
    }
    std::thread::sleep(Duration::from_millis(50));
    prepared.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

#[test]
fn a_pool_that_is_waited_for_is_ready_or_says_why_not() {
    check(|pool| {
        let prepared = Shared::new(AtomicU32::new(0)).unwrap();
        let build = |trouble| {
            let call = prepare::call(trouble, prepared.clone());
            let call = call.timeout(Duration::from_secs(if trouble == Trouble::Endless {
                1
            } else {
                50
            }));
            pool().workers(3).initializer(call).build_and_wait()
        };
        let ready = build(Trouble::None).unwrap();
        assert_eq!(prepared.load(Ordering::Relaxed), 3);
        assert_eq!(ready.submit(square::call(3)).wait().unwrap(), 9);
        drop(ready);
        for (trouble, kind) in [
            (Trouble::Error, ErrorKind::Spawn),
            (Trouble::Panic, ErrorKind::Panicked),
            (Trouble::Abort, ErrorKind::Signaled),
            (Trouble::Endless, ErrorKind::TimedOut),
        ] {
            let error = build(trouble).unwrap_err();
            assert_eq!(error.kind(), kind, "{trouble:?}: {error}");
        }
        assert!(build(Trouble::Panic).unwrap_err().panic().is_some());
    });
}

#[test]
fn a_pool_that_is_waited_for_need_not_have_all_its_workers() {
    check(|pool| {
        let pool = pool()
            .workers(4)
            .min_workers(2)
            .idle_timeout(Duration::from_mins(1))
            .build_and_wait()
            .unwrap();
        assert_eq!(pool.worker_ids().len(), 2);
        assert_eq!(pool.workers(), 4);
    });
}

static LOG: OnceLock<Sender<String>> = OnceLock::new();

#[worker]
fn log_to(log: Sender<String>) {
    let _ = LOG.set(log);
}

#[worker]
fn log(line: String) {
    LOG.get().unwrap().send(line).unwrap();
}

/// A pool whose workers log, and what they log.
type Logging = (PoolBuilder, multiproc::channel::Receiver<String>);

fn same_log(pool: PoolBuilder) -> Logging {
    let (sender, receiver) = channel().unwrap();
    (pool.initializer(log_to::call(sender)), receiver)
}

fn log_of_each(pool: PoolBuilder) -> Logging {
    let (sender, receiver) = channel().unwrap();
    let bind = move |_| log_to::call(sender.clone());
    (pool.initializer_with(bind), receiver)
}

#[test]
fn a_log_that_workers_were_given_ends_with_the_pool() {
    check(|new| {
        for logging in [same_log, log_of_each] {
            let (builder, lines) = logging(new().workers(2));
            let pool = builder.build().unwrap();
            pool.submit(log::call("a".to_owned())).wait().unwrap();
            // A thread that prints all there is, as programs have it.
            let printer = std::thread::spawn(move || lines.iter().count());
            pool.shutdown().unwrap();
            assert_eq!(printer.join().unwrap(), 1);

            let (builder, lines) = logging(new().workers(2));
            drop(builder.build().unwrap());
            assert_eq!(lines.iter().count(), 0);
        }
    });
}

#[test]
fn a_log_ends_while_another_thread_waits_for_the_end_of_the_pool() {
    check(|pool| {
        for logging in [same_log, log_of_each] {
            let (builder, lines) = logging(pool().workers(1));
            let pool = builder.build().unwrap();
            let task = pool.submit(log::call("a".to_owned()));
            std::thread::scope(|scope| {
                let shutdown = scope.spawn(|| pool.shutdown());
                // The end of the pool, from its workers' view: it comes without another call.
                assert_eq!(lines.iter().count(), 1);
                shutdown.join().unwrap().unwrap();
            });
            task.wait().unwrap();
        }
    });
}

#[test]
fn the_process_that_replaces_another_is_made_like_it() {
    check(|pool| {
        let (reader, writer) = pipe().unwrap();
        let pool = pool()
            .workers(2)
            .stdout(writer)
            .initializer_with(open_shard::call)
            .build()
            .unwrap();
        let begin = Instant::now();
        let mut seen = BTreeSet::new();
        for id in pool.worker_ids() {
            crate::kill(id);
        }
        eventually("others are there", || pool.worker_ids().len() == 2);
        while seen.len() < 2 && begin.elapsed() < Duration::from_secs(20) {
            let (index, shard, _) = pool.submit(shard::call()).wait().unwrap();
            assert_eq!(shard, index);
            seen.insert(index);
            pool.submit(talk::call("x")).wait().unwrap();
            pool.submit(die_by::call(9)).wait().unwrap_err();
        }
        assert_eq!(seen.len(), 2);
        pool.submit(identify::call()).wait().unwrap();
        drop(pool);
        assert!(std::io::read_to_string(reader).unwrap().len() >= 4);
    });
}
