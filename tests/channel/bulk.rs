//! Long items, one after the other, that go through memory which sender and receiver share, and what
//! becomes of it when either dies or moves.

use std::thread;
use std::time::Duration;

use multiproc::channel::{Duplex, Queue, Receiver, RecvError, Sender, channel, duplex};
use multiproc::{ErrorKind, StartMethod, worker};

use crate::support::{eventually, in_time, open_descriptors};

const METHODS: [StartMethod; 2] = [StartMethod::ForkServer, StartMethod::Spawn];

const MIB: usize = 1 << 20;

/// An item that can be told from others, and whose bytes can be checked.
fn item(sender: u64, number: u64, length: usize) -> Vec<u64> {
    let mut item = vec![sender << 32 | number; length / 8];
    item[1] = length as u64;
    item
}

/// Whose item it is, and which. Panics if it is not whole.
fn check(item: &[u64]) -> (u64, u64) {
    assert_eq!(item[1], item.len() as u64 * 8);
    assert!(item[2..].iter().all(|word| *word == item[0]));
    (item[0] >> 32, item[0] & 0xffff_ffff)
}

/// Lengths on both sides of all bounds.
fn length(number: u64) -> usize {
    [MIB, 64 << 10, 100_000, 24, 300_000, 3 * MIB, MIB + 8][(number % 7) as usize]
}

#[worker]
fn send_some(me: u64, count: u64, items: Sender<Vec<u64>>) {
    for number in 0..count {
        items.send(item(me, number, length(number))).unwrap();
    }
}

#[worker]
fn send_for_ever(me: u64, items: Sender<Vec<u64>>) {
    for number in 0.. {
        if items.send(item(me, number, MIB)).is_err() {
            return;
        }
    }
}

#[worker]
fn push_for_ever(me: u64, items: Queue<Vec<u64>>) {
    for number in 0.. {
        items.push(item(me, number, MIB)).unwrap();
    }
}

/// Receives so many and sends the receiver on, with what waits in it.
#[worker]
fn receive_some(count: usize, items: Receiver<Vec<u64>>) -> (Vec<(u64, u64)>, Receiver<Vec<u64>>) {
    let seen = items.iter().take(count).map(|item| check(&item)).collect();
    (seen, items)
}

#[worker]
fn receive_for_ever(items: Receiver<Vec<u64>>, ready: Sender<()>) {
    for (place, item) in items.iter().enumerate() {
        check(&item);
        if place == 10 {
            ready.send(()).unwrap();
        }
    }
}

#[worker]
fn echo(items: Duplex<Vec<u64>, Vec<u64>>) {
    for item in &items {
        items.send(item).unwrap();
    }
}

#[test]
fn the_items_of_many_senders_reach_a_receiver_that_moves_about() {
    in_time(|| {
        for method in METHODS {
            let (sender, mut receiver) = channel().unwrap();
            let senders: Vec<_> = (0..3)
                .map(|me| {
                    let call = send_some::call(me, 30, sender.clone());
                    call.start_method(method).spawn().unwrap()
                })
                .collect();
            drop(sender);
            let mut seen = Vec::new();
            while seen.len() < 90 {
                let call = receive_some::call(20, receiver).start_method(method);
                let (more, back) = call.run().unwrap();
                seen.extend(more);
                receiver = back;
                // Some here, too.
                let here = receiver.iter().take(4);
                seen.extend(here.map(|item| check(&item)));
            }
            assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
            for me in 0..3 {
                let of_one = seen.iter().filter(|(sender, _)| *sender == me);
                assert!(of_one.map(|(_, number)| *number).eq(0..30));
            }
            senders.into_iter().for_each(|it| it.join().unwrap());
        }
    });
}

#[test]
fn a_sender_killed_among_long_items_costs_one_at_most() {
    in_time(|| {
        // What the library opens once is open already.
        for method in METHODS {
            let (sender, receiver) = channel().unwrap();
            let call = send_for_ever::call(0, sender).start_method(method);
            let process = call.spawn().unwrap();
            check(&receiver.recv().unwrap());
            process.kill();
            assert!(process.join().is_err());
        }
        let before = open_descriptors();
        for method in METHODS {
            let (sender, receiver) = channel().unwrap();
            for me in 0..8 {
                let call = send_for_ever::call(me, sender.clone());
                let process = call.start_method(method).spawn().unwrap();
                let mut next = 0;
                while next < 12 + me {
                    assert_eq!(check(&receiver.recv().unwrap()), (me, next));
                    next += 1;
                }
                process.kill();
                assert_eq!(process.join().unwrap_err().kind(), ErrorKind::Signaled);
                // What it had sent to the end comes, in its order, and is whole.
                sender.send(item(99, 0, 24)).unwrap();
                loop {
                    match check(&receiver.recv().unwrap()) {
                        (99, _) => break,
                        seen => assert_eq!(seen, (me, next)),
                    }
                    next += 1;
                }
            }
            drop(sender);
            assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
        }
        eventually("all descriptors are closed", || {
            open_descriptors() <= before + 4
        });
    });
}

#[test]
fn a_receiver_killed_among_long_items_is_an_error_at_once() {
    in_time(|| {
        for method in METHODS {
            let (sender, receiver) = channel().unwrap();
            let (ready, is_ready) = channel().unwrap();
            let call = receive_for_ever::call(receiver, ready);
            let process = call.start_method(method).spawn().unwrap();
            thread::scope(|scope| {
                let sending = scope
                    .spawn(|| (0..).find_map(|number| sender.send(item(1, number, MIB)).err()));
                is_ready.recv().unwrap();
                process.kill();
                let error = sending.join().unwrap().unwrap();
                assert!(error.is_disconnected());
            });
            assert!(process.join().is_err());
        }
    });
}

#[test]
fn both_directions_carry_long_items_at_once() {
    in_time(|| {
        for method in METHODS {
            let (ours, theirs) = duplex().unwrap();
            let process = echo::call(theirs).start_method(method).spawn().unwrap();
            for number in 0..30 {
                let sent = item(5, number, length(number));
                ours.send(sent.clone()).unwrap();
                assert!(ours.recv().unwrap() == sent);
            }
            drop(ours);
            process.join().unwrap();
        }
    });
}

#[test]
fn memory_for_long_items_is_given_back_when_none_come() {
    in_time(|| {
        let (sender, receiver) = channel().unwrap();
        let (ready, is_ready) = channel().unwrap();
        let process = receive_for_ever::spawn(receiver, ready).unwrap();
        let maps = format!("/proc/{}/maps", process.id());
        let is_shared = || {
            let maps = std::fs::read_to_string(&maps).unwrap();
            // 64 blocks of 64 KiB and a page.
            maps.lines().any(|line| {
                let range = line.split(' ').next().and_then(|it| it.split_once('-'));
                let (start, end) = range.unwrap();
                let place = |it| usize::from_str_radix(it, 16).unwrap();
                line.contains("memfd:multiproc") && place(end) - place(start) == 4 * MIB + 4096
            })
        };
        for number in 0..12 {
            sender.send(item(1, number, MIB)).unwrap();
        }
        is_ready.recv().unwrap();
        eventually("the memory is given back", || !is_shared());
        // It is taken again.
        for number in 0..12 {
            sender.send(item(1, number, MIB)).unwrap();
        }
        eventually("the memory is there again", is_shared);
        drop(sender);
        process.join().unwrap();
    });
}

#[test]
fn a_process_killed_while_it_pushes_long_items_harms_nobody() {
    in_time(|| {
        for method in METHODS {
            let queue = Queue::bounded(16).unwrap();
            for me in 0..6 {
                let call = push_for_ever::call(me, queue.clone());
                let process = call.start_method(method).spawn().unwrap();
                for number in 0..10 + me {
                    assert_eq!(check(&queue.pop().unwrap()), (me, number));
                }
                process.kill();
                assert!(process.join().is_err());
                let rest = queue.drain().map(|item| check(&item));
                assert!(rest.zip(10 + me..).all(|(seen, next)| seen == (me, next)));
                thread::sleep(Duration::from_millis(1));
            }
            for number in 0..50 {
                queue.push(item(7, number, length(number))).unwrap();
                assert_eq!(check(&queue.pop().unwrap()), (7, number));
            }
        }
    });
}
