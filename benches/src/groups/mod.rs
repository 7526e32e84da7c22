//! The groups, one a file: each is some work, done by all who can.

mod arguments;
mod bare_fork;
mod call;
mod channels;
mod codec;
mod contention;
mod frozen;
mod growth;
mod locks;
mod memory;
mod one_cpu;
mod services;
mod spawn;
mod submit;
mod tasks;
mod team;
mod textbook;

use crate::bench::Bench;
use crate::measure::Failable;

pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Bench) -> Failable,
}

/// In the order in which they run.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        name: "spawn",
        about: "starting a process and waiting for its end",
        run: spawn::run,
    },
    Group {
        name: "memory",
        about: "what an idle worker takes",
        run: memory::run,
    },
    Group {
        name: "arguments",
        about: "handing a worker bytes, by value and by reference",
        run: arguments::run,
    },
    Group {
        name: "call",
        about: "calling a worker that is already there",
        run: call::run,
    },
    Group {
        name: "codec",
        about: "values of many parts, beside formats that only make bytes of them",
        run: codec::run,
    },
    Group {
        name: "services",
        about: "requests to an object that lives in a process of its own",
        run: services::run,
    },
    Group {
        name: "tasks",
        about: "many tasks on all cores",
        run: tasks::run,
    },
    Group {
        name: "submit",
        about: "short tasks that are submitted one by one",
        run: submit::run,
    },
    Group {
        name: "locks",
        about: "locks, semaphores, events and barriers, alone and contended",
        run: locks::run,
    },
    Group {
        name: "channels",
        about: "queues and channels: throughput and latency by item size",
        run: channels::run,
    },
    Group {
        name: "growth",
        about: "what more costs: children, workers, producers, tasks in the queue",
        run: growth::run,
    },
];

// The contestants that several groups know.
const FORK_SERVER: &str = "multiproc, fork server";
const SPAWN: &str = "multiproc, spawn";
const PROCSPAWN: &str = "procspawn";
const COMMAND: &str = "Command";
const BARE_FORK: &str = "fork server, bare";
const POOL: &str = "multiproc, Pool";
const PROCSPAWN_POOL: &str = "procspawn, Pool";
const THREAD: &str = "std::thread";
