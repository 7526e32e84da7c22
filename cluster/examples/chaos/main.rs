//! What happens to tasks when everything around them fails: the table in the guide. Starts servers and agents on
//! this machine, and kills, stops and fills them.
//!
//! ```sh
//! cargo run --release -p multiproc-cluster --example chaos
//! ```
//!
//! With words behind it, only the cases whose names have one of them. The network and the disk are those of namespaces,
//! which need the rights of root; without, a proxy and a limit stand for them, and it says so.
//!
//! Each line is a map whose calls note in a file that they run. *Lost* are calls that ended with an error,
//! *missing* those that did not end, *doubled* those that ran more often than they may.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "it prints a report"
)]

#[path = "../../tests/machines.rs"]
#[allow(
    dead_code,
    clippy::pedantic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "it is of tests"
)]
mod machines;
#[path = "../../tests/support.rs"]
#[allow(
    dead_code,
    clippy::pedantic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "it is of tests"
)]
mod support;
#[path = "../../tests/three.rs"]
#[allow(clippy::pedantic, unreachable_pub, reason = "it is of tests")]
mod three;
#[path = "../../tests/workers.rs"]
#[allow(
    dead_code,
    clippy::pedantic,
    unreachable_pub,
    reason = "it is of tests"
)]
mod workers;
mod world;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use multiproc::ErrorKind;
use multiproc_cluster::Cluster;
use support::{AgentProcess, Directory, NatsServer, signal};
use workers::{noted, run_more_often};
use world::World;

const MILLISECOND: Duration = Duration::from_millis(1);

/// What happens while tasks run: once, or again and again until the flag is set.
type Fault = fn(&mut World, &AtomicBool);

struct Case {
    name: &'static str,
    calls: u64,
    retries: u32,
    world: fn(&Path) -> (World, Cluster),
    fault: Fault,
    /// Whether each call is waited for before the next, and is not one of a map.
    one_by_one: bool,
    /// What the submitter does between two results.
    between: fn(u64),
}

/// Most cases have this in common.
const PLAIN: Case = Case {
    name: "nothing",
    calls: 10_000,
    retries: 0,
    world: World::small,
    fault: |_, _| {},
    one_by_one: false,
    between: |_| {},
};

/// Such calls go past the queue.
const ONE_BY_ONE: Case = Case {
    calls: 5000,
    one_by_one: true,
    ..PLAIN
};

const CASES: [Case; 20] = [
    PLAIN,
    Case {
        name: "`kill -9` of an agent each second",
        calls: 20_000,
        fault: kill_agents,
        ..PLAIN
    },
    Case {
        name: "the same, 5 retries",
        calls: 20_000,
        retries: 5,
        fault: kill_agents,
        ..PLAIN
    },
    Case {
        name: "`kill -9` of the server each 3 seconds, back after one",
        fault: kill_server,
        ..PLAIN
    },
    Case {
        name: "`kill -9` of the leader of three servers, back after 5 seconds",
        world: World::large,
        fault: kill_leader,
        ..PLAIN
    },
    Case {
        name: "an agent stopped for 6 seconds (2 are the time to answer)",
        fault: stop_agent,
        ..PLAIN
    },
    Case {
        name: "the same, 1 retry",
        retries: 1,
        fault: stop_agent,
        ..PLAIN
    },
    Case {
        name: "the server stopped for 6 seconds",
        fault: stop_server,
        ..PLAIN
    },
    Case {
        name: "the network to an agent cut for 6 seconds",
        world: World::agent_afar,
        fault: cut,
        ..PLAIN
    },
    Case {
        name: "the same, 1 retry",
        retries: 1,
        world: World::agent_afar,
        fault: cut,
        ..PLAIN
    },
    Case {
        name: "the network to the submitter cut for 6 seconds",
        world: World::submitter_afar,
        fault: cut,
        ..PLAIN
    },
    Case {
        name: "the disk of the server full for 3 seconds, then room and a restart",
        world: World::small_disk,
        fault: fill_disk,
        ..PLAIN
    },
    Case {
        name: "a submitter that rests for a second at each 1000th result",
        between: |result| {
            if result.is_multiple_of(1000) {
                thread::sleep(Duration::from_secs(1));
            }
        },
        ..PLAIN
    },
    Case {
        name: "a second submitter of the same names, which is closed while its tasks run",
        fault: rival,
        ..PLAIN
    },
    Case {
        name: "all of it at random",
        retries: 5,
        fault: all,
        ..PLAIN
    },
    Case {
        name: "one call after the other, nothing",
        ..ONE_BY_ONE
    },
    Case {
        name: "one call after the other, `kill -9` of an agent each second",
        fault: kill_agents,
        ..ONE_BY_ONE
    },
    Case {
        name: "the same, one after the other, 1 retry",
        retries: 1,
        fault: kill_agents,
        ..ONE_BY_ONE
    },
    Case {
        name: "one call after the other, `kill -9` of the server each 3 seconds, back after one",
        fault: kill_server,
        ..ONE_BY_ONE
    },
    Case {
        name: "one call after the other, all of it at random",
        retries: 5,
        fault: all,
        ..ONE_BY_ONE
    },
];

fn main() {
    let words: Vec<_> = std::env::args().skip(1).collect();
    println!("| fault | calls | results | lost | missing | doubled | seconds | longest wait |");
    println!("|---|---|---|---|---|---|---|---|");
    let is_wanted = |case: &Case| words.is_empty() || words.iter().any(|it| case.name.contains(it));
    for case in CASES.into_iter().filter(is_wanted) {
        // A thread of its own: it may be on another machine than this one.
        thread::spawn(move || run(&case)).join().unwrap();
    }
}

fn run(case: &Case) {
    let directory = Directory::new();
    let notes = directory.path().join("notes");
    let (mut world, cluster) = (case.world)(directory.path());
    directory.path().clone_into(&mut world.directory);
    assert!(cluster.wait_for_workers(2, Duration::from_mins(1)));
    let is_over = AtomicBool::new(false);
    let fault = case.fault;
    thread::scope(|scope| {
        let ill = scope.spawn(|| {
            thread::sleep(Duration::from_millis(500));
            fault(&mut world, &is_over);
        });
        let begin = Instant::now();
        let call = |n| noted::call(&notes, n, MILLISECOND).retries(case.retries);
        let (mut results, mut lost) = (0, 0);
        let mut longest = Duration::ZERO;
        let mut all: Box<dyn Iterator<Item = multiproc::Result<u64>>> = if case.one_by_one {
            Box::new((0..case.calls).map(|n| cluster.submit(call(n)).wait()))
        } else {
            Box::new(cluster.map_unordered(call, 0..case.calls))
        };
        loop {
            let last = Instant::now();
            let Some(result) = all.next() else {
                break;
            };
            longest = longest.max(last.elapsed());
            match result {
                Ok(_) => results += 1,
                // It has not run, or may have: an error either way.
                Err(error) if [ErrorKind::Lost, ErrorKind::Spawn].contains(&error.kind()) => {
                    if case.retries > 0 {
                        eprintln!("{}: {error}", case.name);
                    }
                    lost += 1;
                }
                Err(error) => panic!("{error}"),
            }
            (case.between)(results + lost);
        }
        let took = begin.elapsed();
        is_over.store(true, Ordering::Relaxed);
        ill.join().unwrap();
        let missing = case.calls - results - lost;
        let doubled = run_more_often(&notes, 1 + case.retries as usize);
        println!(
            "| {} | {} | {results} | {lost} | {missing} | {doubled} | {:.1} | {:.1} s |",
            case.name,
            case.calls,
            took.as_secs_f64(),
            longest.as_secs_f64(),
        );
    });
}

fn kill_agents(world: &mut World, is_over: &AtomicBool) {
    let mut next = 0;
    while !is_over.load(Ordering::Relaxed) {
        world.agents[next % 2].kill();
        world.agents[next % 2] = AgentProcess::start(&world.servers[0].url(), 1);
        next += 1;
        thread::sleep(Duration::from_secs(1));
    }
}

fn kill_server(world: &mut World, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        world.servers[0].kill();
        thread::sleep(Duration::from_secs(1));
        world.servers[0].restart();
        thread::sleep(Duration::from_secs(2));
    }
}

fn kill_leader(world: &mut World, _: &AtomicBool) {
    let urls: Vec<_> = world.servers.iter().map(NatsServer::url).collect();
    let leader = three::leader(&urls.join(","));
    world.servers[leader].kill();
    thread::sleep(Duration::from_secs(5));
    world.servers[leader].restart();
}

fn cut(world: &mut World, _: &AtomicBool) {
    let network = world.network.as_ref().unwrap();
    network.cut();
    thread::sleep(Duration::from_secs(6));
    network.heal();
}

/// A server that could not write keeps nothing more until it is started again.
fn fill_disk(world: &mut World, _: &AtomicBool) {
    let Some(disk) = &world.disk else {
        return;
    };
    disk.fill();
    thread::sleep(Duration::from_secs(3));
    disk.free();
    world.servers[0].kill();
    world.servers[0].restart();
}

/// The same program, with the same names at the server, which does the same.
fn rival(world: &mut World, _: &AtomicBool) {
    let notes = world.directory.join("notes of the other");
    let rival = world.servers[0].cluster();
    let call = |n| noted::call(&notes, n, MILLISECOND);
    let mut map = rival.map(call, 0..10_000);
    for number in 0..2000 {
        assert_eq!(map.next().unwrap().unwrap(), number);
    }
    drop(map);
    drop(rival);
    assert_eq!(run_more_often(&notes, 1), 0);
}

fn stop_agent(world: &mut World, _: &AtomicBool) {
    let id = world.agents[0].id();
    signal("STOP", id);
    thread::sleep(Duration::from_secs(6));
    signal("CONT", id);
}

fn stop_server(world: &mut World, _: &AtomicBool) {
    let id = world.servers[0].id();
    signal("STOP", id);
    thread::sleep(Duration::from_secs(6));
    signal("CONT", id);
}

fn all(world: &mut World, is_over: &AtomicBool) {
    let mut state = 7_u64;
    while !is_over.load(Ordering::Relaxed) {
        // Any sequence will do, and the same each time is one that can be looked at.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        match (state >> 60) % 4 {
            0 => {
                world.servers[0].kill();
                world.servers[0].restart();
            }
            1 => {
                let id = world.servers[0].id();
                signal("STOP", id);
                thread::sleep(Duration::from_secs(1));
                signal("CONT", id);
            }
            2 => {
                let id = world.agents[0].id();
                signal("STOP", id);
                thread::sleep(Duration::from_secs(3));
                signal("CONT", id);
            }
            _ => {
                world.agents[1].kill();
                world.agents[1] = AgentProcess::start(&world.servers[0].url(), 1);
            }
        }
        thread::sleep(Duration::from_millis(500));
    }
}
