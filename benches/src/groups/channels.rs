//! Queues and channels: items one way as fast as they go, and single items there and back.

use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender};
use multiproc::channel::{Duplex, Queue, Receiver, channel, duplex};
use multiproc::sync::Barrier;
use multiproc::{Fd, worker};

use super::team::{Team, in_rounds};
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};
use crate::report::Aim;

const SOCKET: &str = "socket pair, bare";
const CHANNEL: &str = "multiproc, channel";
const DUPLEX: &str = "multiproc, duplex";
const QUEUE: &str = "multiproc, Queue";
const IPC: &str = "ipc-channel, bytes";
const COPY: &str = "memcpy, into a new Vec";
const PYTHON: &str = "CPython, Queue";
const CROSSBEAM: &str = "crossbeam-channel, threads";
const COPIES: &str = "copied in and out, threads";

const SIZES: [(&str, usize); 4] = [
    ("16 B", 16),
    ("1 KiB", 1 << 10),
    ("64 KiB", 64 << 10),
    ("1 MiB", 1 << 20),
];

/// How many items a queue holds.
const PLACES: usize = 1024;

pub(crate) fn run(bench: &mut Bench) -> Failable {
    for (name, size) in SIZES {
        one_way(bench, name, size)?;
    }
    for (name, size) in SIZES {
        there_and_back(bench, name, size)?;
    }
    Ok(())
}

fn one_way(bench: &mut Bench, name: &str, size: usize) -> Failable {
    let item = vec![7_u8; size];
    let item = &item;
    // Enough that the start does not count, not so many that there are no rounds.
    let count = ((8 << 20) / size).clamp(16, 2000);

    let (sender, receiver) = channel()?;
    let channel_team = Team::of_a_process(|gate| drain_channel::spawn(receiver, count, gate))?;
    let queue = Queue::bounded(PLACES)?;
    let queue_team = Team::of_a_process(|gate| drain_queue::spawn(queue.clone(), count, gate))?;
    let (mut socket, other) = UnixStream::pair()?;
    let other = Fd::new(other);
    let socket_team = Team::of_a_process(|gate| drain_socket::spawn(other, size, count, gate))?;
    let (ipc_team, ipc_sender, _ipc_receiver) = ipc_team(count, false)?;
    let (to_thread, in_thread) = crossbeam_channel::bounded::<Vec<u8>>(PLACES);
    let thread_team = Team::of_threads(1, move |gate| {
        in_rounds(&gate, || in_thread.iter().take(count).for_each(drop));
    })?;

    let (copies_team, mut copy_over) = copying_team(count, size)?;

    let contestants = vec![
        sends(CHANNEL, channel_team, count, move || {
            Ok(sender.send(item.clone())?)
        }),
        sends(QUEUE, queue_team, count, move || {
            Ok(queue.push(item.clone())?)
        }),
        sends(IPC, ipc_team, count, move || Ok(ipc_sender.send(item)?)),
        sends(SOCKET, socket_team, count, move || {
            Ok(socket.write_all(item)?)
        }),
        sends(CROSSBEAM, thread_team, count, move || {
            Ok(to_thread.send(item.clone())?)
        }),
        sends(COPIES, copies_team, count, move || copy_over(item.clone())),
        Contestant::looped(COPY, move |turns| {
            for _ in 0..turns {
                black_box(black_box(item).clone());
            }
            Ok(())
        }),
        bench.python(PYTHON, "queue", count, size),
        bench.python("CPython, SimpleQueue", "simple_queue", count, size),
    ];
    let aim = |of, against, at_most| Aim {
        of,
        against,
        at_most,
    };
    let channel = |at_most| aim(CHANNEL, SOCKET, at_most);
    let queue = |at_most| aim(QUEUE, COPY, at_most);
    let aims = match size {
        16 => vec![channel(1.3), aim(QUEUE, PYTHON, 0.1)],
        1024 => vec![queue(20.0)],
        65536 => vec![channel(1.0), queue(1.5)],
        _ => vec![channel(0.6), queue(2.0)],
    };
    bench.race(Race {
        title: format!("{name} one way, each of {count}"),
        base_line: SOCKET,
        contestants,
        aims,
    });
    Ok(())
}

/// The least that a queue of values costs which do not share memory: the value is copied into memory that
/// both sides know, and out of it into memory that the receiver owns. Two threads hand each other such memory,
/// as much as stays in a cache that their cores share, and never sleep but for want of it.
fn copying_team(count: usize, size: usize) -> Failable<(Team, impl FnMut(Vec<u8>) -> Failable)> {
    let places = ((256 << 10) / size).clamp(2, PLACES);
    let (to_thread, in_thread) = crossbeam_channel::bounded::<Vec<u8>>(places);
    let (from_thread, places_free) = crossbeam_channel::bounded::<Vec<u8>>(places);
    for _ in 0..places {
        from_thread.send(vec![0; size])?;
    }
    let team = Team::of_threads(1, move |gate| {
        in_rounds(&gate, || {
            for place in in_thread.iter().take(count) {
                black_box(place.clone());
                if from_thread.send(place).is_err() {
                    return;
                }
            }
        });
    })?;
    let copy_over = move |item: Vec<u8>| {
        let mut place = places_free.recv()?;
        place.copy_from_slice(&item);
        Ok(to_thread.send(place)?)
    };
    Ok((team, copy_over))
}

fn sends<'a>(
    name: &'static str,
    team: Team,
    count: usize,
    mut send: impl FnMut() -> Failable + 'a,
) -> Contestant<'a> {
    Contestant::sampled(name, move || {
        team.time(count, || (0..count).try_for_each(|_| send()))
    })
}

#[worker]
fn drain_channel(receiver: Receiver<Vec<u8>>, count: usize, gate: Barrier) {
    in_rounds(&gate, || receiver.iter().take(count).for_each(drop));
}

#[worker]
fn drain_queue(queue: Queue<Vec<u8>>, count: usize, gate: Barrier) {
    in_rounds(&gate, || queue.iter().take(count).for_each(drop));
}

#[worker]
fn drain_socket(mut socket: Fd<UnixStream>, size: usize, count: usize, gate: Barrier) {
    let mut item = vec![0; size];
    in_rounds(&gate, || {
        for _ in 0..count {
            if socket.read_exact(&mut item).is_err() {
                return;
            }
        }
    });
}

/// What a process of its own says first over raw ipc-channel: how to reach it.
type Introduction = (IpcBytesSender, IpcBytesReceiver);

/// A process at the other end of raw ipc-channel, which drains or echoes.
fn ipc_team(count: usize, echoes: bool) -> Failable<(Team, IpcBytesSender, IpcBytesReceiver)> {
    let (server, name) = IpcOneShotServer::<Introduction>::new()?;
    let team = Team::of_a_process(|gate| ipc_helper::spawn(&name, count, echoes, gate))?;
    let (_, (sender, receiver)) = server.accept()?;
    Ok((team, sender, receiver))
}

#[worker]
fn ipc_helper(server: &str, count: usize, echoes: bool, gate: Barrier) {
    let introduce = || -> Failable<_> {
        let (to_us, ours) = ipc::bytes_channel()?;
        let (to_them, theirs) = ipc::bytes_channel()?;
        IpcSender::<Introduction>::connect(server.to_owned())?.send((to_us, theirs))?;
        Ok((to_them, ours))
    };
    // Should this fail, the parent sees the connection end.
    let Ok((sender, receiver)) = introduce() else {
        return;
    };
    in_rounds(&gate, || {
        for _ in 0..count {
            let Ok(item) = receiver.recv() else { return };
            if echoes && sender.send(&item).is_err() {
                return;
            }
        }
    });
}

/// Round trips in a sample.
const TRIPS: usize = 20;

fn there_and_back(bench: &mut Bench, name: &str, size: usize) -> Failable {
    let item = vec![7_u8; size];
    let item = &item;

    let (ours, theirs) = duplex()?;
    let duplex_team = Team::of_a_process(|gate| echo_duplex::spawn(theirs, gate))?;
    let queues = [Queue::bounded(PLACES)?, Queue::bounded(PLACES)?];
    let queue_team = Team::of_a_process(|gate| {
        let [inputs, outputs] = queues.clone();
        echo_queues::spawn(inputs, outputs, gate)
    })?;
    let (mut socket, other) = UnixStream::pair()?;
    let other = Fd::new(other);
    let socket_team = Team::of_a_process(|gate| echo_socket::spawn(other, size, gate))?;
    let mut answer = vec![0; size];
    let (ipc_team, ipc_sender, ipc_receiver) = ipc_team(TRIPS, true)?;
    let (to_thread, in_thread) = crossbeam_channel::bounded::<Vec<u8>>(PLACES);
    let (from_thread, here) = crossbeam_channel::bounded::<Vec<u8>>(PLACES);
    let thread_team = Team::of_threads(1, move |gate| {
        in_rounds(&gate, || {
            for item in in_thread.iter().take(TRIPS) {
                if from_thread.send(item).is_err() {
                    return;
                }
            }
        });
    })?;

    let contestants = vec![
        sends(DUPLEX, duplex_team, TRIPS, move || {
            ours.send(item.clone())?;
            ours.recv()?;
            Ok(())
        }),
        sends(QUEUE, queue_team, TRIPS, move || {
            queues[0].push(item.clone())?;
            queues[1].pop()?;
            Ok(())
        }),
        sends(IPC, ipc_team, TRIPS, move || {
            ipc_sender.send(item)?;
            ipc_receiver.recv()?;
            Ok(())
        }),
        sends(SOCKET, socket_team, TRIPS, move || {
            socket.write_all(item)?;
            socket.read_exact(&mut answer)?;
            Ok(())
        }),
        sends(CROSSBEAM, thread_team, TRIPS, move || {
            to_thread.send(item.clone())?;
            here.recv()?;
            Ok(())
        }),
        bench.python("CPython, Pipe", "pipe_round_trip", TRIPS, size),
    ];
    bench.race(Race {
        title: format!("{name} there and back"),
        base_line: SOCKET,
        contestants,
        aims: vec![],
    });
    Ok(())
}

#[worker]
fn echo_duplex(other: Duplex<Vec<u8>, Vec<u8>>, gate: Barrier) {
    in_rounds(&gate, || {
        for item in other.iter().take(TRIPS) {
            if other.send(item).is_err() {
                return;
            }
        }
    });
}

#[worker]
fn echo_queues(inputs: Queue<Vec<u8>>, outputs: Queue<Vec<u8>>, gate: Barrier) {
    in_rounds(&gate, || {
        for item in inputs.iter().take(TRIPS) {
            if outputs.push(item).is_err() {
                return;
            }
        }
    });
}

#[worker]
fn echo_socket(mut socket: Fd<UnixStream>, size: usize, gate: Barrier) {
    let mut item = vec![0; size];
    in_rounds(&gate, || {
        for _ in 0..TRIPS {
            if socket.read_exact(&mut item).is_err() || socket.write_all(&item).is_err() {
                return;
            }
        }
    });
}
