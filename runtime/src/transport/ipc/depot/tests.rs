use std::borrow::Cow;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::receiving::Depots;
use super::sending::Supply;
use super::{BLOCK, CLOSED, Depot, HEADER, MOST, OFFERED, OPEN, lowest};
use crate::codec::{Message, Output};
use crate::sys::memory;
use crate::transport::ipc::frame::BlocksPlan;
use crate::transport::ipc::{Inbox, Receiver, Sender, open_polled, pair};
use crate::transport::{EncodedMessage, Received, is_nonsense};

/// A depot that is open, with its sender's and its receiver's side.
fn open(length: usize) -> (Supply, Depots, Arc<OwnedFd>) {
    let supply = Supply::default();
    let mut depots = Depots::default();
    let mut kept = None;
    for _ in 0..2 {
        let stored = supply.store(&[], &[&vec![0; length]], Duration::ZERO, |file, id| {
            kept = Some(Arc::new(file.try_clone().unwrap()));
            depots.accept(id, file);
            true
        });
        assert!(stored.is_none());
    }
    (supply, depots, kept.expect("a depot was offered"))
}

fn no_offer(_: OwnedFd, _: u64) -> bool {
    panic!("no other depot is needed")
}

fn bytes(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|place| (place * 31 + place / 251 + seed) as u8)
        .collect()
}

#[test]
fn the_lowest_bits_are_taken() {
    assert_eq!(lowest(0b1101_0110, 3), Some(0b1_0110));
    assert_eq!(lowest(0b11, 2), Some(0b11));
    assert_eq!(lowest(0b11, 3), None);
    assert_eq!(lowest(u64::MAX, 64), Some(u64::MAX));
    assert_eq!(lowest(0, 0), Some(0));
}

#[test]
fn messages_of_all_shapes_come_out_as_they_went_in() {
    let (supply, mut depots, _) = open(1 << 20);
    let edges = [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 200_000];
    for head in [0, 10, 130_000, 300_000] {
        for first in edges {
            for second in [None, Some(0), Some(1), Some(BLOCK)] {
                let head = bytes(1, head);
                let splices: Vec<_> = [Some(first), second]
                    .into_iter()
                    .flatten()
                    .map(|it| bytes(it, it))
                    .collect();
                let parts: Vec<&[u8]> = splices.iter().map(Vec::as_slice).collect();
                let mut stored = supply
                    .store(&head, &parts, Duration::ZERO, no_offer)
                    .expect("there is room");
                let (plan, packet) = (stored.plan, std::mem::take(&mut stored.head));
                stored.confirm_sent();
                let message = depots.take(&plan, &packet).unwrap();
                assert!(message.head == head && message.splices == splices);
            }
        }
    }
}

#[test]
fn what_was_not_sent_gives_its_blocks_back() {
    let (supply, _depots, _) = open(1 << 20);
    let long = vec![0; 1 << 20];
    for _ in 0..100 {
        assert!(
            supply
                .store(&[], &[&long], Duration::ZERO, no_offer)
                .is_some()
        );
    }
}

#[test]
fn a_full_depot_is_done_without() {
    let (supply, _depots, _) = open(1 << 20);
    let long = vec![0; 1 << 20];
    let store = || supply.store(&[], &[&long], Duration::from_millis(1), no_offer);
    let held: Vec<_> = (0..4).map(|_| store().expect("there is room")).collect();
    assert!(store().is_none());
    drop(held);
    assert!(store().is_some());
}

#[test]
fn longer_messages_get_a_larger_depot() {
    let (supply, mut depots, _) = open(BLOCK);
    let long = vec![0; 1 << 20];
    let stored = supply.store(&[], &[&long], Duration::ZERO, |file, id| {
        depots.accept(id, file);
        true
    });
    assert!(stored.is_none());
    assert!(
        supply
            .store(&[], &[&long], Duration::ZERO, no_offer)
            .is_some()
    );
}

#[test]
fn messages_of_which_one_fits_get_a_depot_when_there_are_many() {
    let supply = Supply::for_long_ones();
    let mut depots = Depots::default();
    let longest = bytes(1, MOST);
    for turn in 1..=8 {
        let stored = supply.store(&[], &[&longest], Duration::ZERO, |file, id| {
            assert_eq!(turn, 8);
            depots.accept(id, file);
            true
        });
        assert!(stored.is_none());
    }
    assert!(!depots.are_none());
    for length in [MOST, 1, MOST - 1, 5_000_000] {
        let part = &longest[..length];
        let mut stored = supply
            .store(&[], &[part], Duration::ZERO, no_offer)
            .expect("there is room");
        let (plan, packet) = (stored.plan, std::mem::take(&mut stored.head));
        stored.confirm_sent();
        assert!(depots.take(&plan, &packet).unwrap().splices == [part]);
    }
    let longer = vec![0; MOST + 1];
    let stored = supply.store(&[], &[&longer], Duration::ZERO, no_offer);
    assert!(stored.is_none());
}

#[test]
fn a_few_longer_messages_leave_the_depot_of_the_others() {
    let (supply, mut depots) = (Supply::for_long_ones(), Depots::default());
    let (usual, longer) = (vec![1; 1 << 20], vec![2; 3 << 20]);
    let mut store = |message: &[u8]| {
        let stored = supply.store(&[], &[message], Duration::ZERO, |file, id| {
            depots.accept(id, file);
            true
        });
        stored.is_some()
    };
    assert!(!store(&usual) && !store(&usual) && store(&usual));
    for _ in 0..7 {
        assert!(!store(&longer));
        assert!(store(&usual));
    }
    // With the next one comes a larger one.
    assert!(!store(&longer) && store(&longer) && store(&usual));
}

#[test]
fn a_depot_that_nobody_takes_is_given_up() {
    let supply = Supply::default();
    let long = vec![0; BLOCK];
    let mut offers = 0;
    for _ in 0..400 {
        let stored = supply.store(&[], &[&long], Duration::ZERO, |_, _| {
            offers += 1;
            true
        });
        assert!(stored.is_none());
    }
    assert!((2..10).contains(&offers), "{offers}");
}

#[test]
fn plans_that_cannot_be_are_errors() {
    let (supply, mut depots, _) = open(BLOCK);
    let long = vec![7; BLOCK];
    let mut stored = supply
        .store(b"head", &[&long], Duration::ZERO, no_offer)
        .unwrap();
    let packet = std::mem::take(&mut stored.head);
    let plan = stored.plan;
    let wrong = [
        BlocksPlan {
            depot: !plan.depot,
            ..plan
        },
        BlocksPlan { blocks: 0, ..plan },
        BlocksPlan {
            blocks: 0b11,
            ..plan
        },
        BlocksPlan {
            blocks: 1 << 63,
            ..plan
        },
        BlocksPlan { head: 1, ..plan },
        BlocksPlan {
            head: usize::MAX,
            ..plan
        },
        BlocksPlan { splices: 2, ..plan },
        BlocksPlan {
            splices: usize::MAX,
            ..plan
        },
    ];
    for plan in wrong {
        let error = depots.take(&plan, &packet).unwrap_err();
        assert!(is_nonsense(&error), "{plan:?}");
    }
    let mut changed = packet.clone();
    changed[7] = 0xff;
    assert!(is_nonsense(&depots.take(&plan, &changed).unwrap_err()));
    assert_eq!(depots.take(&plan, &packet).unwrap().head, b"head");
}

#[test]
fn files_that_are_no_depots_are_not_taken() {
    let mut depots = Depots::default();
    depots.accept(1, std::fs::File::open("/dev/null").unwrap().into());
    for length in [
        1,
        HEADER,
        HEADER + 1,
        HEADER + BLOCK + 1,
        HEADER + 65 * BLOCK,
        HEADER + 2 * MOST,
    ] {
        depots.accept(1, memory::create(length).unwrap());
    }
    depots.accept(1, memory::create_growing(HEADER + BLOCK).unwrap());
    assert!(depots.are_none());
}

#[test]
fn a_receiver_has_so_many_and_gives_back_the_one_used_least() {
    let mut depots = Depots::default();
    let made: Vec<_> = (0..Depots::MOST as u64 + 1)
        .map(|id| {
            let (depot, file) = Depot::create(1).unwrap();
            let kept = file.try_clone().unwrap();
            depots.accept(id, file);
            (depot, kept)
        })
        .collect();
    assert_eq!(made[0].0.state(), CLOSED);
    assert!(memory::used(&made[0].1).unwrap() <= HEADER as u64);
    assert!(made[1..].iter().all(|(depot, _)| depot.state() == OPEN));
    // While messages are in all of them, no other is taken.
    for (depot, _) in &made[1..] {
        assert!(depot.take(1).is_some());
    }
    let (depot, file) = Depot::create(1).unwrap();
    depots.accept(99, file);
    assert_eq!(depot.state(), OFFERED);
    assert_eq!(depots.pack().len(), Depots::MOST);
}

#[test]
fn a_depot_is_let_go_of_when_its_sender_is_gone_and_it_is_empty() {
    let (supply, mut depots, _) = open(BLOCK);
    let stored = supply.store(&[], &[&[1; BLOCK]], Duration::ZERO, no_offer);
    let mut stored = stored.unwrap();
    let (plan, packet) = (stored.plan, std::mem::take(&mut stored.head));
    stored.confirm_sent();
    drop(supply);
    depots.give_back();
    assert!(!depots.are_none());
    assert_eq!(depots.take(&plan, &packet).unwrap().splices, [[1; BLOCK]]);
    assert!(depots.are_none());
}

fn long_message(number: usize, length: usize) -> Output<'static> {
    let mut output = Output::after(number.to_ne_bytes().to_vec());
    output.splices.push(Cow::Owned(bytes(number, length)));
    output
}

fn check(message: &Message, number: usize, length: usize) {
    assert_eq!(message.head, number.to_ne_bytes());
    assert!(message.splices == [bytes(number, length)]);
}

/// The next message of an end that is polled.
fn next(inbox: &mut Inbox) -> Message {
    loop {
        match inbox.receive().unwrap() {
            Received::Message(message) => return message,
            Received::Nothing => {
                crate::sys::poll::wait_readable(inbox.source(), None);
            }
            Received::Closed => panic!("closed"),
        }
    }
}

#[test]
fn long_messages_of_several_threads_arrive_whole_and_in_order() {
    let (ours, theirs) = pair().unwrap();
    let receiver = Receiver::new(theirs.try_clone().unwrap());
    let sender = Sender::new(ours).unwrap();
    drop(theirs);
    thread::scope(|scope| {
        for me in 0..3 {
            let sender = sender.clone();
            scope.spawn(move || {
                for turn in 0..60 {
                    let length = [BLOCK, 500_000, 10, 1 << 20, 3 << 20][turn % 5];
                    sender.send(long_message(me * 1000 + turn, length)).unwrap();
                }
            });
        }
        drop(sender);
        let mut turns = [0; 3];
        while let Received::Message(message) = receiver.receive().unwrap() {
            let number = usize::from_ne_bytes(message.head[..].try_into().unwrap());
            let (who, turn) = (number / 1000, number % 1000);
            check(
                &message,
                number,
                [BLOCK, 500_000, 10, 1 << 20, 3 << 20][turn % 5],
            );
            assert_eq!(turn, turns[who]);
            turns[who] += 1;
        }
        assert_eq!(turns, [60; 3]);
    });
}

#[test]
fn messages_in_blocks_move_with_their_receiver() {
    let (ours, theirs) = pair().unwrap();
    let theirs = Arc::new(theirs);
    let mut inbox = Inbox::new(Arc::clone(&theirs));
    let sender = Sender::new(ours).unwrap();
    // The first two come beside it, so they are sent by another thread.
    thread::scope(|scope| {
        scope.spawn(|| (0..2).for_each(|it| sender.send(long_message(it, 500_000)).unwrap()));
        (0..2).for_each(|it| check(&next(&mut inbox), it, 500_000));
    });
    (2..5).for_each(|it| sender.send(long_message(it, 500_000)).unwrap());
    check(&next(&mut inbox), 2, 500_000);
    let packed = inbox.depots();
    assert_eq!(packed.len(), 1);
    drop(inbox);
    let mut inbox = Inbox::moved(theirs, packed);
    check(&next(&mut inbox), 3, 500_000);
    check(&next(&mut inbox), 4, 500_000);
    sender.send(long_message(5, 500_000)).unwrap();
    drop(sender);
    check(&next(&mut inbox), 5, 500_000);
    assert!(matches!(inbox.receive(), Ok(Received::Closed)));
}

#[test]
fn what_never_waits_goes_through_a_depot_too() {
    let (ours, theirs) = pair().unwrap();
    let mut inbox = Inbox::new(theirs);
    let (sender, _from) = open_polled(ours).unwrap();
    let mut beside = 0;
    for number in 0..20 {
        let message = EncodedMessage::new(long_message(number, 1 << 20)).unwrap();
        let mut outbox = sender.begin(message).unwrap();
        beside += usize::from(outbox.is_some());
        let received = loop {
            if let Some(rest) = &mut outbox
                && rest.advance().unwrap()
            {
                outbox = None;
            }
            if let Received::Message(message) = inbox.receive().unwrap() {
                break message;
            }
        };
        check(&received, number, 1 << 20);
    }
    assert_eq!(beside, 2);
}

#[test]
fn a_receiver_that_goes_away_is_told_at_once() {
    let (ours, theirs) = pair().unwrap();
    let mut inbox = Inbox::new(theirs);
    let sender = Sender::new(ours).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| (0..2).for_each(|it| sender.send(long_message(it, 1 << 20)).unwrap()));
        (0..2).for_each(|it| check(&next(&mut inbox), it, 1 << 20));
    });
    // As many as there is room for, and one that waits.
    thread::scope(|scope| {
        let last =
            scope.spawn(|| (2..).find_map(|it| sender.send(long_message(it, 1 << 20)).err()));
        check(&next(&mut inbox), 2, 1 << 20);
        drop(inbox);
        let error = last.join().unwrap().expect("the receiver is gone");
        assert!(crate::transport::is_gone(&error), "{error}");
    });
}
