//! What a pool tells of its tasks and workers, as numbers and as a trace.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use multiproc::{Pool, SlowTask, WorkerStats, worker};
use serde_json::Value;

use super::{check, doze, eventually, square};

#[worker]
fn keep(bytes: usize) -> usize {
    let memory = std::hint::black_box(vec![1_u8; bytes]);
    std::mem::forget(memory);
    bytes
}

#[test]
fn tasks_wait_and_run_for_as_long_as_they_do() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let tasks: Vec<_> = (0..4).map(|_| pool.submit(doze::call(30))).collect();
        for task in tasks {
            task.wait().unwrap();
        }
        let stats = pool.stats();
        let ms = Duration::from_millis;
        assert_eq!((stats.run().count(), stats.wait().count()), (4, 4));
        assert!(stats.run().min().unwrap() >= ms(30), "{stats:?}");
        // The last one waited for three others.
        assert!(stats.wait().max().unwrap() >= ms(90), "{stats:?}");
        assert_eq!(stats.startup().count(), 1);
        assert!(stats.startup().max().unwrap() <= stats.elapsed());
        let slowest: Vec<_> = stats.slowest().iter().map(SlowTask::time).collect();
        assert_eq!(slowest.len(), 4);
        assert!(slowest.is_sorted_by(|one, other| one >= other));
        assert_eq!(Some(slowest[0]), stats.run().max());
        assert_eq!(stats.slowest()[0].worker(), "doze");
        let [worker] = stats.workers() else {
            panic!("{stats:?}")
        };
        assert_eq!(stats.slowest()[0].process_id(), worker.id());
        assert_eq!((worker.tasks(), worker.busy()), (4, stats.run().sum()));
        assert!(worker.busy() + worker.idle() <= stats.elapsed());
    });
}

#[test]
fn short_tasks_count_each() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for result in pool.map(square::call, 0..5000) {
            result.unwrap();
        }
        let stats = pool.stats();
        assert_eq!((stats.run().count(), stats.wait().count()), (5000, 5000));
        let busy: Duration = stats.workers().iter().map(WorkerStats::busy).sum();
        // A mean has no parts of a nanosecond.
        let lost = busy.saturating_sub(stats.run().sum());
        assert!(lost <= Duration::from_nanos(5000), "{stats:?}");
    });
}

#[test]
fn workers_tell_their_memory_and_times() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let before = pool.stats().workers()[0].memory().unwrap();
        pool.submit(keep::call(40 << 20)).wait().unwrap();
        let stats = pool.stats();
        let worker = &stats.workers()[0];
        let (after, usage) = (worker.memory().unwrap(), worker.usage().unwrap());
        // Not by so much more than before: a worker that rests gives pages of the program's file back.
        assert!(before < 40 << 20, "{before}");
        assert!(after >= 40 << 20, "{before} {after}");
        assert!(usage.max_resident_memory() >= after);
        eventually("its time is told", || {
            pool.submit(square::call(1)).wait().unwrap();
            let stats = pool.stats();
            let usage = stats.workers()[0].usage().unwrap();
            usage.user_time() + usage.system_time() > Duration::ZERO
        });
    });
}

#[test]
fn the_table_has_a_row_for_each_worker() {
    check(|pool| {
        let pool = pool().workers(2).name("oven").build().unwrap();
        pool.submit(doze::call(1)).wait().unwrap();
        let stats = pool.stats();
        let table = stats.to_string();
        assert!(table.starts_with("pool `oven` for "), "{table}");
        assert!(table.contains("\n1 of 1 task done\n"), "{table}");
        for worker in stats.workers() {
            let begins = |line: &str| line.starts_with(&format!("{} ", worker.id()));
            assert!(table.lines().any(begins), "{table}");
        }
        assert!(table.ends_with("  doze\n"), "{table}");
    });
}

/// A trace of what `run` does, in lines that are JSON.
fn traced(name: &str, pool: multiproc::PoolBuilder, run: impl FnOnce(&Pool)) -> Vec<Value> {
    let path: PathBuf = std::env::temp_dir().join(format!(
        "multiproc-{name}-{}-{:?}.json",
        std::process::id(),
        std::thread::current().id()
    ));
    let pool = pool.trace(&path).build().unwrap();
    run(&pool);
    pool.shutdown().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn of_kind<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["ph"] == kind)
}

#[test]
fn arrows_lead_from_where_tasks_are_submitted_to_where_they_run() {
    check(|pool| {
        let events = traced("arrows", pool().workers(2), |pool| {
            for result in pool.map(doze::call, [1; 8]) {
                result.unwrap();
            }
            let _ = pool.submit(crate::die_by::call(9)).wait();
        });
        let slices: Vec<_> = of_kind(&events, "X").collect();
        // An end of an arrow belongs to the slice of its row that it lies in.
        let slice_at = |event: &Value| {
            let at = event["ts"].as_f64().unwrap();
            let contains = |slice: &&&Value| {
                let (start, length) = (&slice["ts"], &slice["dur"]);
                let start = start.as_f64().unwrap();
                slice["tid"] == event["tid"]
                    && start <= at + 0.002
                    && at <= start + length.as_f64().unwrap() + 0.002
            };
            slices.iter().find(contains).map(|slice| &slice["name"])
        };
        let begins: HashMap<_, _> = of_kind(&events, "s")
            .map(|event| (event["id"].as_u64().unwrap(), event))
            .collect();
        let ends: Vec<_> = of_kind(&events, "f").collect();
        assert_eq!(begins.len(), ends.len());
        let mut reached = HashSet::new();
        for end in ends {
            let begin = begins[&end["id"].as_u64().unwrap()];
            let from = slice_at(begin).unwrap().as_str().unwrap();
            let to = slice_at(end).unwrap().as_str().unwrap();
            let name = from.strip_prefix("submit ").unwrap();
            assert_eq!(name.split(' ').next(), to.split(' ').next());
            reached.insert(to.split(' ').next().unwrap());
        }
        assert_eq!(reached, HashSet::from(["doze", "die_by"]));
    });
}

#[test]
fn counters_show_the_queue_and_the_memory_of_each_worker() {
    check(|pool| {
        let events = traced("counters", pool().workers(2), |pool| {
            let tasks: Vec<_> = (0..20).map(|_| pool.submit(doze::call(10))).collect();
            for task in tasks {
                task.wait().unwrap();
            }
        });
        let counted = |name: &str| -> Vec<f64> {
            of_kind(&events, "C")
                .filter(|event| event["name"].as_str().unwrap().starts_with(name))
                .map(|event| event["args"].as_object().unwrap().values().next().unwrap())
                .map(|value| value.as_f64().unwrap())
                .collect()
        };
        let queue = counted("waiting");
        assert!(queue.iter().any(|tasks| *tasks > 1.0), "{queue:?}");
        assert_eq!(queue.last(), Some(&0.0));
        let memory = counted("memory of ");
        assert!(
            memory.iter().any(|mebibytes| *mebibytes > 0.2),
            "{memory:?}"
        );
    });
}

#[test]
fn processes_of_calls_have_a_row() {
    check(|pool| {
        let events = traced("processes", pool().workers(1), |pool| {
            doze::run(20).unwrap();
            let _ = crate::die_by::run(9).unwrap_err();
            pool.submit(square::call(2)).wait().unwrap();
        });
        let processes: Vec<_> = of_kind(&events, "X")
            .filter(|event| event["cat"] == "process")
            .collect();
        let one = |name: &str| {
            let mut found = processes.iter().filter(|event| event["name"] == name);
            found.next().unwrap_or_else(|| panic!("{events:?}"))
        };
        assert!(one("doze")["dur"].as_f64().unwrap() >= 20_000.0);
        assert_eq!(one("doze")["args"]["status"], "exit status: 0");
        let status = one("die_by")["args"]["status"].as_str().unwrap();
        assert!(status.starts_with("signal: 9"), "{status}");
        let named = |event: &&Value| event["args"]["name"] == "process";
        assert!(of_kind(&events, "M").filter(named).count() >= 2);
    });
}
