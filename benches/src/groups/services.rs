//! Requests to an object that lives in a process of its own.

use multiproc::sync::Barrier;
use multiproc::{Pool, Service, service, worker};

use super::POOL;
use super::team::{Team, in_rounds};
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};
use crate::report::Aim;

const SERVICE: &str = "multiproc, Service";
const ONE_CLIENT: &str = "multiproc, Service, one client";
const FOUR_CLIENTS: &str = "multiproc, Service, 4 clients in 4 processes";
const CHANNEL: &str = "multiproc, a channel there and one back";

/// In a sample.
const REQUESTS: usize = 20;

/// Of four clients together in a sample.
const CLIENTS: usize = 4;

pub(crate) fn run(bench: &mut Bench) -> Failable {
    let total = TotalClient::new().spawn()?;
    one_at_a_time(bench, &total)?;
    notifications(bench, &total);
    clients(bench, &total)?;
    long(bench, &total)?;
    total.shutdown()?;
    Ok(())
}

fn one_at_a_time(bench: &mut Bench, total: &Service<TotalClient>) -> Failable {
    let pool = Pool::builder().workers(1).build()?;
    let contestants = vec![
        Contestant::timed(SERVICE, REQUESTS, || {
            for _ in 0..REQUESTS {
                total.add(1).run()?;
            }
            Ok(())
        }),
        Contestant::timed(POOL, REQUESTS, || {
            for number in 0..REQUESTS {
                pool.submit(successor::call(number)).wait()?;
            }
            Ok(())
        }),
        bench.python("CPython, Manager().Value, get", "manager_get", REQUESTS, 0),
    ];
    bench.race(Race {
        title: "a small request, one at a time".to_owned(),
        base_line: POOL,
        contestants,
        aims: vec![Aim {
            of: SERVICE,
            against: POOL,
            at_most: 1.2,
        }],
    });
    Ok(())
}

fn notifications(bench: &mut Bench, total: &Service<TotalClient>) {
    let count = if bench.quick { 20_000 } else { 100_000 };
    let contestants = vec![Contestant::timed(SERVICE, count, || {
        for _ in 1..count {
            total.add(1).notify()?;
        }
        // The last one tells that all are done.
        total.add(1).run()?;
        Ok(())
    })];
    bench.race(Race {
        title: "a small request without a reply, as fast as they go".to_owned(),
        base_line: SERVICE,
        contestants,
        aims: vec![],
    });
}

fn clients(bench: &mut Bench, total: &Service<TotalClient>) -> Failable {
    let count = if bench.quick { 2_000 } else { 8_000 };
    let alone = Team::of_processes(1, |gate| ask::spawn(gate, total.client(), count))?;
    let share = count / CLIENTS;
    let four = Team::of_processes(CLIENTS, |gate| ask::spawn(gate, total.client(), share))?;
    let contestants = vec![
        Contestant::sampled(ONE_CLIENT, || alone.time(count, || Ok(()))),
        Contestant::sampled(FOUR_CLIENTS, || four.time(count, || Ok(()))),
    ];
    bench.race(Race {
        title: "a small request, by all clients together".to_owned(),
        base_line: ONE_CLIENT,
        contestants,
        aims: vec![Aim {
            of: FOUR_CLIENTS,
            against: ONE_CLIENT,
            at_most: 1.0,
        }],
    });
    Ok(())
}

fn long(bench: &mut Bench, total: &Service<TotalClient>) -> Failable {
    let bytes = vec![7_u8; 1 << 20];
    let (there, theirs) = multiproc::channel::channel::<Vec<u8>>()?;
    let (back, ours) = multiproc::channel::channel::<Vec<u8>>()?;
    let echoing = echo::spawn(theirs, back)?;
    let contestants = vec![
        Contestant::timed(SERVICE, 1, || {
            total.echo(&bytes).run()?;
            Ok(())
        }),
        Contestant::timed(CHANNEL, 1, || {
            there.send_ref(&bytes[..])?;
            ours.recv()?;
            Ok(())
        }),
    ];
    bench.race(Race {
        title: "1 MiB, there and back".to_owned(),
        base_line: CHANNEL,
        contestants,
        aims: vec![],
    });
    drop(there);
    echoing.join()?;
    Ok(())
}

struct Total(usize);

#[service]
impl Total {
    fn new() -> Self {
        Total(0)
    }

    fn add(&mut self, number: usize) -> usize {
        self.0 += number;
        self.0
    }

    fn echo(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0 += bytes.len();
        bytes.to_vec()
    }
}

#[worker]
fn successor(number: usize) -> usize {
    number + 1
}

#[worker]
fn ask(gate: Barrier, total: TotalClient, count: usize) {
    in_rounds(&gate, || {
        for _ in 0..count {
            if total.add(1).run().is_err() {
                return;
            }
        }
    });
}

#[worker]
fn echo(there: multiproc::channel::Receiver<Vec<u8>>, back: multiproc::channel::Sender<Vec<u8>>) {
    for bytes in there {
        if back.send(bytes).is_err() {
            return;
        }
    }
}
