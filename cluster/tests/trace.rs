//! The trace of a run, as a viewer reads it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use multiproc::{Result, worker};
use serde_json::Value;

use crate::support::{AgentProcess, Directory, NatsServer, within};
use crate::workers::{crash, square};

/// Waits until another call runs, too: a worker runs one at a time.
#[worker]
fn meet(place: &Path, number: u32) -> u32 {
    let path = |number: u32| place.join(number.to_string());
    std::fs::write(path(number), "").unwrap();
    let begin = Instant::now();
    while !path(1 - number).exists() && begin.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    number
}

#[test]
fn a_trace_has_a_row_for_each_worker_of_each_agent() {
    within(120, || {
        let directory = Directory::new();
        let path = directory.path().join("trace.json");
        let server = NatsServer::start();
        let _agents = [
            AgentProcess::start(&server.url(), 1),
            AgentProcess::start(&server.url(), 1),
        ];
        let cluster = server.builder().trace(&path).connect().unwrap();
        assert!(cluster.wait_for_workers(2, Duration::from_secs(30)));
        let agents: BTreeSet<_> = cluster.agents().into_iter().map(|it| it.name).collect();

        let begin = Instant::now();
        let pair = [0, 1].map(|number| cluster.submit(meet::call(directory.path(), number)));
        for task in pair {
            task.wait().unwrap();
        }
        let squares: Vec<u64> = cluster
            .map(square::call, 0..500)
            .collect::<Result<_>>()
            .unwrap();
        assert_eq!(squares.len(), 500);
        // It is not answered, and so not shown.
        cluster.submit(crash::call()).wait().unwrap_err();
        drop(cluster);
        let micros = begin.elapsed().as_secs_f64() * 1e6;

        let text = std::fs::read_to_string(&path).unwrap();
        let events: Vec<Value> = serde_json::from_str(&text).unwrap();
        let of = |phase: &'static str| events.iter().filter(move |it| it["ph"] == phase);
        let named = |what: &'static str| {
            of("M").filter(move |it| it["name"] == what).map(|it| {
                let row = (it["pid"].as_u64().unwrap(), it["tid"].as_u64().unwrap());
                (row, it["args"]["name"].as_str().unwrap().to_owned())
            })
        };
        let processes: HashMap<u64, String> = named("process_name")
            .map(|((process, _), name)| (process, name))
            .collect();
        let rows: HashMap<_, _> = named("thread_name").collect();

        // What each row shows, in the order of time.
        let mut shown = BTreeMap::<(u64, u64), Vec<(f64, f64)>>::new();
        let mut calls = HashMap::<&str, u64>::new();
        let mut agents_that_met = BTreeSet::new();
        for slice in of("X").filter(|it| it["cat"] == "task") {
            let row = (
                slice["pid"].as_u64().unwrap(),
                slice["tid"].as_u64().unwrap(),
            );
            let name = slice["name"].as_str().unwrap();
            let name = name.split(" × ").next().unwrap();
            let name = name.rsplit("::").next().unwrap();
            *calls.entry(name).or_default() += slice["args"]["tasks"].as_u64().unwrap();
            if name == "meet" {
                agents_that_met.insert(processes[&row.0].clone());
            }
            let since = slice["ts"].as_f64().unwrap();
            let until = since + slice["dur"].as_f64().unwrap();
            shown.entry(row).or_default().push((since, until));
        }
        assert_eq!(calls, HashMap::from([("meet", 2), ("square", 500)]));
        assert_eq!(agents_that_met, agents, "each has its row");
        for (row, mut slices) in shown {
            assert_eq!(rows[&row], "worker 1");
            slices.sort_by(|one, other| one.partial_cmp(other).unwrap());
            let first = slices[0].0;
            let (_, last) = slices[slices.len() - 1];
            assert!(last - first <= micros, "it is all within the run");
            for pair in slices.windows(2) {
                assert!(pair[0].1 <= pair[1].0 + 0.002, "{pair:?} overlap");
            }
        }
        // An arrow leads to each, from where it was submitted.
        let ends = |phase| {
            of(phase)
                .map(|it| (it["id"].as_u64().unwrap(), it))
                .collect()
        };
        let (starts, ends): (HashMap<_, _>, HashMap<_, _>) = (ends("s"), ends("f"));
        assert_eq!(starts.len(), ends.len());
        for (id, end) in ends {
            assert!(starts[&id]["ts"].as_f64() <= end["ts"].as_f64());
        }
        let submitted = of("X").filter(|it| it["cat"] == "submit");
        let submitted = submitted.map(|it| it["args"]["tasks"].as_u64().unwrap());
        assert_eq!(submitted.sum::<u64>(), 503);
    });
}

#[test]
fn a_trace_that_cannot_be_written_is_an_error() {
    within(60, || {
        let server = NatsServer::start();
        let directory = Directory::new();
        let path = directory.path().join("none/trace.json");
        let error = server.builder().trace(&path).connect().unwrap_err();
        assert!(error.to_string().contains("none/trace.json"), "{error}");
    });
}
