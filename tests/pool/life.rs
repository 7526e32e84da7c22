//! The processes of a pool: how they begin, and when they are replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use multiproc::channel::{Sender, channel};
use multiproc::{ErrorKind, Pool, RemoteError, StartMethod, worker};

use crate::{check, doze, eventually, identify, is_running, square, within};

#[test]
fn each_worker_is_initialized_before_its_first_task() {
    static WORD: std::sync::OnceLock<String> = std::sync::OnceLock::new();

    #[worker]
    fn learn(word: String) -> Result<(), RemoteError> {
        WORD.set(word).map_err(|_| std::io::Error::other("twice"))?;
        Ok(())
    }

    #[worker]
    fn say() -> (Option<String>, Option<String>) {
        (WORD.get().cloned(), std::env::var("POOL_MOOD").ok())
    }

    check(|pool| {
        let initializer = learn::call("hello".to_owned()).env("POOL_MOOD", "good");
        let pool = pool()
            .workers(2)
            .initializer(initializer)
            .max_tasks_per_worker(2)
            .build()
            .unwrap();
        for _ in 0..10 {
            let said = pool.submit(say::call()).wait().unwrap();
            assert_eq!(said, (Some("hello".to_owned()), Some("good".to_owned())));
        }
    });
}

#[test]
fn a_worker_is_replaced_after_so_many_tasks() {
    check(|pool| {
        let pool = pool().workers(2).max_tasks_per_worker(2).build().unwrap();
        let ids: Vec<_> = (0..12)
            .map(|_| pool.submit(identify::call()).wait().unwrap())
            .collect();
        let different: BTreeSet<_> = ids.iter().collect();
        assert!(different.len() >= 6, "{ids:?}");
        for id in different {
            assert!(ids.iter().filter(|it| *it == id).count() <= 2);
        }
        let squares: u64 = pool.map(square::call, 0..100).map(Result::unwrap).sum();
        assert_eq!(squares, 328_350);
    });
}

#[test]
fn a_worker_is_replaced_that_keeps_too_much_memory() {
    #[worker]
    fn leak(mebibytes: usize) -> u32 {
        // Written to, so that it is there.
        std::hint::black_box(vec![1_u8; mebibytes << 20].leak());
        std::process::id()
    }
    check(|pool| {
        let pool = pool()
            .workers(1)
            .max_memory_per_worker(100 << 20)
            .build()
            .unwrap();
        let first = pool.submit(leak::call(1)).wait().unwrap();
        assert_eq!(pool.submit(leak::call(150)).wait().unwrap(), first);
        let second = pool.submit(leak::call(1)).wait().unwrap();
        assert_ne!(first, second);
        assert_eq!(pool.submit(leak::call(1)).wait().unwrap(), second);
    });
}

#[test]
fn a_task_beyond_the_memory_limit_dies_alone() {
    #[worker]
    fn hoard(mebibytes: usize) -> usize {
        let hoard = std::hint::black_box(vec![1_u8; mebibytes << 20]);
        hoard.len()
    }
    check(|pool| {
        let pool = pool().workers(1).memory_limit(200 << 20).build().unwrap();
        let error = pool.submit(hoard::call(1000)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
        assert!(
            error.to_string().contains("memory limit of 200 MiB"),
            "{error}"
        );
        assert_eq!(pool.submit(hoard::call(1)).wait().unwrap(), 1 << 20);
    });
}

#[test]
fn idle_workers_leave_and_come_back() {
    check(|pool| {
        let pool = pool()
            .workers(3)
            .min_workers(1)
            .idle_timeout(Duration::from_millis(50))
            .build()
            .unwrap();
        let tasks: Vec<_> = (0..3).map(|_| pool.submit(doze::call(50))).collect();
        for task in tasks {
            task.wait().unwrap();
        }
        eventually("one worker is left", || pool.worker_ids().len() == 1);
        let tasks: Vec<_> = (0..3).map(|_| pool.submit(doze::call(400))).collect();
        eventually("all are there again", || pool.active() == 3);
        for task in tasks {
            task.wait().unwrap();
        }
    });
}

#[test]
fn a_pool_counts_what_it_does() {
    check(|pool| {
        let pool = pool().workers(2).name("counter").build().unwrap();
        let ids: BTreeSet<_> = pool.worker_ids().into_iter().collect();
        assert_eq!(ids.len(), 2);
        let children: BTreeSet<_> = multiproc::active_children()
            .into_iter()
            .filter(|child| child.name() == "counter")
            .map(|child| child.id())
            .collect();
        assert!(children.is_superset(&ids));
        for result in pool.map(doze::call, [10; 6]) {
            result.unwrap();
        }
        // Before a worker dies, which may have done all of it.
        let stats = pool.stats();
        let workers = stats.workers().iter();
        let busy: Duration = workers.map(multiproc::WorkerStats::busy).sum();
        assert!(busy >= Duration::from_millis(20), "{stats:?}");
        let _ = pool.submit(crate::die_by::call(9)).wait();
        let stats = pool.stats();
        assert_eq!(
            (stats.submitted(), stats.finished(), stats.failed()),
            (7, 7, 1)
        );
        eventually("the worker is replaced", || pool.stats().restarts() == 1);
    });
}

#[worker]
fn warm_up() {}

#[worker]
fn bytes(length: usize) -> Vec<u8> {
    vec![0; length]
}

#[test]
fn the_work_of_a_process_in_the_trace_does_not_overlap() {
    check(|pool| {
        let path = std::env::temp_dir().join(format!(
            "multiproc-pool-rows-{}-{:?}.json",
            std::process::id(),
            std::thread::current().id()
        ));
        let pool = pool().workers(2).trace(&path).build().unwrap();
        // Some results wait for others, some are too long for that.
        let lengths = (0..200).map(|n| if n % 3 == 0 { 50_000 } else { 10 });
        for result in pool.map(bytes::call, lengths).chunk_size(10) {
            result.unwrap();
        }
        pool.shutdown().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let trace: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let mut rows = BTreeMap::<u64, Vec<(f64, f64)>>::new();
        let mut tasks = 0;
        for event in trace.iter().filter(|event| event["ph"] == "X") {
            let number = |name: &str| event[name].as_f64().unwrap();
            let row = rows.entry(event["tid"].as_u64().unwrap()).or_default();
            row.push((number("ts"), number("ts") + number("dur")));
            if event["cat"] == "task" {
                tasks += event["args"]["tasks"].as_u64().unwrap();
            }
        }
        assert_eq!(tasks, 200);
        for row in rows.values_mut() {
            row.sort_by(|one, other| one.0.total_cmp(&other.0));
            for pair in row.windows(2) {
                // The file has three decimals.
                assert!(pair[0].1 <= pair[1].0 + 0.002, "{pair:?}\n{text}");
            }
        }
    });
}

#[test]
fn the_trace_is_json_and_tells_what_ran_and_died() {
    check(|pool| {
        let path = std::env::temp_dir().join(format!(
            "multiproc-pool-trace-{}-{:?}.json",
            std::process::id(),
            std::thread::current().id()
        ));
        let pool = pool().workers(2).name("oven").trace(&path);
        let pool = pool.initializer(warm_up::call()).build().unwrap();
        for result in pool.map(doze::call, [5; 6]) {
            result.unwrap();
        }
        let _ = pool.submit(crate::die_by::call(11)).wait();
        let _ = pool
            .submit(doze::call(60_000).timeout(Duration::from_millis(50)))
            .wait();
        for result in pool.map(square::call, 0..100) {
            result.unwrap();
        }
        pool.shutdown().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
        let events = trace.as_array().unwrap();
        let named = |name: &str| {
            let has_name = |event: &&serde_json::Value| {
                event["name"]
                    .as_str()
                    .is_some_and(|it| it.starts_with(name))
            };
            events.iter().filter(has_name).count()
        };
        assert!(named("doze") >= 1);
        assert!(named("square") >= 1);
        assert_eq!(events[0]["args"]["name"], "oven");
        // The last one may have been told to leave before.
        assert!((2..=4).contains(&named("warm_up")), "{text}");
        assert_eq!(named("died in die_by"), 1, "{text}");
        assert_eq!(named("died in doze"), 1, "{text}");
        assert_eq!(named("started"), 4);
        let lost = |name| {
            move |event: &&serde_json::Value| {
                event["ph"] == "X" && event["name"] == name && !event["args"]["lost"].is_null()
            }
        };
        assert_eq!(events.iter().filter(lost("die_by")).count(), 1);
        let late: Vec<_> = events.iter().filter(lost("doze")).collect();
        assert_eq!(late.len(), 1);
        assert!(late[0]["dur"].as_f64().unwrap() >= 50_000.0, "{text}");
        std::fs::remove_file(&path).unwrap();
    });
}

#[test]
fn workers_do_not_outlive_a_program_that_is_killed() {
    #[worker]
    fn own_a_pool(spawn: bool, ids: Sender<Vec<u32>>) {
        let method = if spawn {
            StartMethod::Spawn
        } else {
            StartMethod::ForkServer
        };
        let pool = Pool::builder()
            .workers(2)
            .start_method(method)
            .build()
            .unwrap();
        // One is busy, one has nothing to do.
        let _task = pool.submit(doze::call(60_000));
        eventually("the task runs", || pool.active() == 1);
        ids.send(pool.worker_ids()).unwrap();
        loop {
            std::thread::park();
        }
    }
    within(Duration::from_mins(1), || {
        for spawn in [false, true] {
            let (sender, receiver) = channel().unwrap();
            let owner = own_a_pool::spawn(spawn, sender).unwrap();
            let ids = receiver.recv().unwrap();
            assert_eq!(ids.len(), 2);
            owner.kill();
            assert_eq!(owner.join().unwrap_err().signal(), Some(9));
            eventually("its workers are gone", || {
                !ids.iter().copied().any(is_running)
            });
        }
    });
}

#[test]
fn there_is_a_worker_for_each_cpu() {
    within(Duration::from_mins(1), || {
        let cpus = std::thread::available_parallelism().unwrap().get();
        let pool = Pool::new().unwrap();
        assert_eq!(pool.workers(), cpus);
        assert_eq!(pool.worker_ids().len(), cpus);
    });
}

#[test]
fn each_process_in_the_place_of_another_is_counted() {
    check(|pool| {
        let pool = pool().workers(2).max_tasks_per_worker(1).build().unwrap();
        for n in 0..10 {
            assert_eq!(pool.submit(square::call(n)).wait().unwrap(), n * n);
        }
        eventually("all are counted", || pool.stats().restarts() == 10);
        pool.shutdown().unwrap();
        assert_eq!(pool.stats().restarts(), 10);
    });
}

#[test]
fn what_an_initializer_was_given_is_let_go_of_when_the_pool_is_over() {
    use std::io::Read;

    #[worker]
    fn take(_: multiproc::Fd<std::os::fd::OwnedFd>) {}

    check(|pool| {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let initializer = take::call(multiproc::Fd::new(writer.into()));
        let pool = pool().workers(1).initializer(initializer).build().unwrap();
        let task = pool.submit(square::call(2));
        pool.shutdown().unwrap();
        // The reader waits until no process could write any more.
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        assert_eq!(task.wait().unwrap(), 4);
        drop(pool);
    });
}
