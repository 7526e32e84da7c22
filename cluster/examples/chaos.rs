//! What happens to tasks when everything around them fails: the table in the guide. Starts servers and agents on
//! this machine, and kills, stops and fills them.
//!
//! ```sh
//! NATS_SERVER="$(.ci/nats-server)" cargo run --release -p multiproc-cluster --example chaos
//! ```
//!
//! Each line is a map whose calls note in a file that they run. *Lost* are calls that ended with an error,
//! *missing* those that did not end, *doubled* those that ran more often than they may.

#![allow(clippy::print_stdout, reason = "it prints a report")]

#[path = "../tests/support.rs"]
#[allow(
    dead_code,
    clippy::pedantic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "it is of tests"
)]
mod support;
#[path = "../tests/workers.rs"]
#[allow(
    dead_code,
    clippy::pedantic,
    unreachable_pub,
    reason = "it is of tests"
)]
mod workers;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use multiproc::ErrorKind;
use support::{AgentProcess, Directory, NatsServer, signal};
use workers::{noted, run_more_often};

const MILLISECOND: Duration = Duration::from_millis(1);

/// A server and its agents, to be ill-treated.
struct World {
    server: NatsServer,
    agents: Vec<AgentProcess>,
}

/// What happens while tasks run: once, or again and again until the flag is set.
type Fault = fn(&mut World, &AtomicBool);

struct Case {
    name: &'static str,
    calls: u64,
    retries: u32,
    fault: Fault,
}

const CASES: [Case; 8] = [
    Case {
        name: "nothing",
        calls: 10_000,
        retries: 0,
        fault: |_, _| {},
    },
    Case {
        name: "`kill -9` of an agent each second",
        calls: 20_000,
        retries: 0,
        fault: kill_agents,
    },
    Case {
        name: "the same, 5 retries",
        calls: 20_000,
        retries: 5,
        fault: kill_agents,
    },
    Case {
        name: "`kill -9` of the server each 3 seconds, back after one",
        calls: 10_000,
        retries: 0,
        fault: kill_server,
    },
    Case {
        name: "an agent stopped for 6 seconds (2 are the time to answer)",
        calls: 10_000,
        retries: 0,
        fault: stop_agent,
    },
    Case {
        name: "the same, 1 retry",
        calls: 10_000,
        retries: 1,
        fault: stop_agent,
    },
    Case {
        name: "the server stopped for 6 seconds",
        calls: 10_000,
        retries: 0,
        fault: stop_server,
    },
    Case {
        name: "all of it at random",
        calls: 10_000,
        retries: 5,
        fault: all,
    },
];

fn main() {
    println!("| fault | calls | results | lost | missing | doubled | seconds | longest wait |");
    println!("|---|---|---|---|---|---|---|---|");
    for case in CASES {
        run(&case);
    }
}

fn run(case: &Case) {
    let (server, agents, cluster) = support::cluster(2, 1);
    let mut world = World { server, agents };
    let directory = Directory::new();
    let notes = directory.path().join("notes");
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
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        for result in cluster.map_unordered(call, 0..case.calls) {
            match result {
                Ok(_) => results += 1,
                Err(error) if error.kind() == ErrorKind::Lost => lost += 1,
                Err(error) => panic!("{error}"),
            }
            longest = longest.max(last.elapsed());
            last = Instant::now();
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
        world.agents[next % 2] = AgentProcess::start(&world.server.url(), 1);
        next += 1;
        thread::sleep(Duration::from_secs(1));
    }
}

fn kill_server(world: &mut World, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        world.server.kill();
        thread::sleep(Duration::from_secs(1));
        world.server.restart();
        thread::sleep(Duration::from_secs(2));
    }
}

fn stop_agent(world: &mut World, _: &AtomicBool) {
    let id = world.agents[0].id();
    signal("STOP", id);
    thread::sleep(Duration::from_secs(6));
    signal("CONT", id);
}

fn stop_server(world: &mut World, _: &AtomicBool) {
    let id = world.server.id();
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
                world.server.kill();
                world.server.restart();
            }
            1 => {
                let id = world.server.id();
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
                world.agents[1] = AgentProcess::start(&world.server.url(), 1);
            }
        }
        thread::sleep(Duration::from_millis(500));
    }
}
