use std::time::{Duration, Instant};

use multiproc::channel::{
    Duplex, Receiver, RecvError, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, channel,
    duplex, wait,
};
use multiproc::{ErrorKind, Fd, worker};
use serde::{Deserialize, Serialize};

use crate::support::{eventually, in_time, open_descriptors};

const LONG: usize = 3 << 20;

/// Sends items of many sizes, the last one being `last`.
#[worker]
fn send_sizes(sizes: Vec<usize>, items: Sender<Vec<u8>>) {
    for size in sizes {
        items.send(vec![size.to_le_bytes()[0]; size]).unwrap();
    }
}

#[worker]
fn send_for_ever(items: Sender<Vec<u8>>) {
    while items.send(vec![7; LONG]).is_ok() {}
}

#[worker]
fn receive_one(items: Receiver<Vec<u8>>) -> (usize, Receiver<Vec<u8>>) {
    let item = items.recv().unwrap();
    (item.len(), items)
}

#[worker]
fn hold(_items: Receiver<Vec<u8>>, ready: Sender<()>) {
    ready.send(()).unwrap();
    std::thread::sleep(Duration::from_secs(50));
}

#[worker]
fn echo(items: Duplex<u64, u64>) {
    for item in &items {
        items.send(item + 1).unwrap();
    }
}

#[worker]
fn answer_all(answers: Vec<Sender<usize>>) {
    for (place, answer) in answers.into_iter().enumerate() {
        answer.send(place).unwrap();
    }
}

#[worker]
fn drop_early(items: Sender<u8>, go_on: Receiver<()>) {
    drop(items);
    let _ = go_on.recv();
}

#[test]
fn items_of_any_size_arrive_in_order() {
    in_time(|| {
        let sizes = vec![0, 1, 60_000, 70_000, 130_000, 213_000, 300_000, LONG, 5];
        let (sender, receiver) = channel().unwrap();
        let process = send_sizes::spawn(sizes.clone(), sender).unwrap();
        for size in sizes {
            let item = receiver.recv().unwrap();
            assert_eq!(item.len(), size);
            assert!(item.iter().all(|byte| *byte == size.to_le_bytes()[0]));
        }
        assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
        process.join().unwrap();
    });
}

#[test]
fn a_child_that_sent_much_ends_before_anybody_receives() {
    in_time(|| {
        let (sender, receiver) = channel().unwrap();
        let process = send_sizes::spawn(vec![50_000; 3], sender).unwrap();
        process.join().unwrap();
        assert_eq!(receiver.iter().count(), 3);
    });
}

#[test]
fn a_sender_killed_in_the_middle_of_an_item_costs_that_item_only() {
    in_time(|| {
        let (sender, receiver) = channel().unwrap();
        for _ in 0..5 {
            let process = send_for_ever::spawn(sender.clone()).unwrap();
            assert_eq!(receiver.recv().unwrap().len(), LONG);
            process.kill();
            assert_eq!(process.join().unwrap_err().kind(), ErrorKind::Signaled);
            // What it had sent to the end may still come.
            sender.send(vec![1]).unwrap();
            while receiver.recv().unwrap() != [1] {}
        }
        drop(sender);
        assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
    });
}

#[test]
fn a_receiver_killed_in_the_middle_of_an_item_is_an_error_at_once() {
    in_time(|| {
        let (sender, receiver) = channel().unwrap();
        let (ready, is_ready) = channel().unwrap();
        let process = hold::spawn(receiver, ready).unwrap();
        is_ready.recv().unwrap();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            process.kill();
        });
        let error = sender.send(vec![3; LONG]).unwrap_err();
        assert!(error.is_disconnected());
        assert_eq!(error.into_inner().len(), LONG);
        killer.join().unwrap();
        assert!(sender.send(vec![]).unwrap_err().is_disconnected());
    });
}

#[test]
fn a_send_that_times_out_was_not_sent() {
    in_time(|| {
        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        let start = Instant::now();
        let timeout = Duration::from_millis(150);
        let error = sender.send_timeout(vec![1; LONG], timeout).unwrap_err();
        assert!(matches!(error, SendTimeoutError::Timeout(item) if item.len() == LONG));
        assert!(start.elapsed() >= timeout);
        let mut sent = 0;
        while sender.send_timeout(vec![2; 1000], Duration::ZERO).is_ok() {
            sent += 1;
        }
        assert!(sent > 20, "{sent}");
        drop(sender);
        assert_eq!(
            receiver.iter().filter(|item| item[..] == [2; 1000]).count(),
            sent
        );
    });
}

#[test]
fn waiting_for_an_item_ends_in_time() {
    in_time(|| {
        let (sender, receiver) = channel::<u8>().unwrap();
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let start = Instant::now();
        let timeout = Duration::from_millis(50);
        assert_eq!(
            receiver.recv_timeout(timeout),
            Err(RecvTimeoutError::Timeout)
        );
        assert!(start.elapsed() >= timeout);
        sender.send(1).unwrap();
        assert_eq!(receiver.recv_timeout(timeout), Ok(1));
        drop(sender);
        assert_eq!(
            receiver.recv_timeout(timeout),
            Err(RecvTimeoutError::Disconnected)
        );
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    });
}

#[test]
fn a_receiver_goes_to_a_process_and_comes_back_with_its_items() {
    in_time(|| {
        let (sender, receiver) = channel().unwrap();
        sender.send(vec![0; 10]).unwrap();
        sender.send(vec![0; 20]).unwrap();
        // An item that was received here, but not asked for, moves along.
        assert_eq!(wait(&[&receiver], None).unwrap(), [0]);
        let (length, receiver) = receive_one::run(receiver).unwrap();
        assert_eq!(length, 10);
        assert_eq!(receiver.recv().unwrap().len(), 20);
    });
}

#[derive(Debug)]
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no words for it"))
    }
}

impl<'de> Deserialize<'de> for Unwritable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Unwritable, D::Error> {
        Err(serde::de::Error::custom("no meaning in it"))
    }
}

#[test]
fn an_item_that_cannot_be_written_comes_back_and_harms_nobody() {
    in_time(|| {
        type Item = (Receiver<u8>, Option<Unwritable>);
        let (sender, receiver) = channel::<Item>().unwrap();
        let (inner_sender, inner) = channel::<u8>().unwrap();
        let error = sender.send((inner, Some(Unwritable))).unwrap_err();
        assert!(!error.is_disconnected());
        assert!(error.to_string().contains("no words for it"), "{error}");
        // The receiver inside is still of use.
        let (inner, _) = error.0;
        inner_sender.send(1).unwrap();
        assert_eq!(inner.recv(), Ok(1));
        sender.send((inner, None)).unwrap();
        let (inner, _) = receiver.recv().unwrap();
        inner_sender.send(2).unwrap();
        assert_eq!(inner.recv(), Ok(2));
    });
}

#[test]
fn a_receiver_that_was_sent_refuses_and_is_closed() {
    in_time(|| {
        /// Keeps what serde only borrows.
        #[derive(Clone)]
        struct Kept(std::rc::Rc<Receiver<u8>>);

        impl Serialize for Kept {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        let (sender, receiver) = channel::<Kept>().unwrap();
        let (inner_sender, inner) = channel::<u8>().unwrap();
        let kept = Kept(inner.into());
        sender.send(kept.clone()).unwrap();
        assert_eq!(kept.0.recv(), Err(RecvError::Sent));
        assert!(sender.send(kept).is_err());
        // The message holds it, and nobody else.
        inner_sender.send(1).unwrap();
        drop(receiver);
        assert!(inner_sender.send(1).unwrap_err().is_disconnected());
    });
}

#[test]
fn an_undecodable_item_is_one_error_and_leaks_nothing() {
    in_time(|| {
        /// Written as a list of senders, read as what it is not.
        #[derive(Debug)]
        struct Odd(Vec<Sender<u8>>);

        impl Serialize for Odd {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for Odd {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Odd, D::Error> {
                let senders = Vec::deserialize(deserializer)?;
                match senders.len() {
                    2 => Err(serde::de::Error::custom("two is bad")),
                    _ => Ok(Odd(senders)),
                }
            }
        }

        let (sender, receiver) = channel::<Odd>().unwrap();
        let (inner_sender, inner) = channel::<u8>().unwrap();
        sender
            .send(Odd(vec![inner_sender.clone(), inner_sender]))
            .unwrap();
        sender.send(Odd(vec![])).unwrap();
        let error = receiver.recv().unwrap_err();
        assert!(matches!(&error, RecvError::Item(it) if it.to_string().contains("two is bad")));
        assert_eq!(inner.recv(), Err(RecvError::Disconnected));
        assert!(receiver.recv().unwrap().0.is_empty());
    });
}

#[test]
fn hundreds_of_handles_in_one_item() {
    in_time(|| {
        let before = open_descriptors();
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..300).map(|_| channel::<usize>().unwrap()).unzip();
        let process = answer_all::spawn(senders).unwrap();
        for (place, receiver) in receivers.iter().enumerate() {
            assert_eq!(receiver.recv(), Ok(place));
            assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
        }
        process.join().unwrap();
        drop(receivers);
        eventually("all is closed", || open_descriptors() <= before + 16);
    });
}

#[test]
fn a_sender_dropped_in_a_worker_is_gone_at_once() {
    in_time(|| {
        let (sender, receiver) = channel().unwrap();
        let (go_on, wait_here) = channel().unwrap();
        let process = drop_early::spawn(sender, wait_here).unwrap();
        assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
        go_on.send(()).unwrap();
        process.join().unwrap();
    });
}

#[test]
fn both_ends_of_a_duplex_talk_and_see_each_other_go() {
    in_time(|| {
        let (ours, theirs) = duplex::<u64, u64>().unwrap();
        let process = echo::spawn(theirs).unwrap();
        for number in 0..100 {
            ours.send(number).unwrap();
            assert_eq!(ours.recv(), Ok(number + 1));
        }
        process.kill();
        assert_eq!(ours.recv(), Err(RecvError::Disconnected));
        assert!(ours.send(1).unwrap_err().is_disconnected());
    });
}

#[test]
fn waiting_tells_all_that_is_ready() {
    in_time(|| {
        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        let (ours, theirs) = duplex::<u64, u64>().unwrap();
        let (pipe, mut into_pipe) = std::io::pipe().unwrap();
        let pipe = Fd::new(pipe);
        let process = echo::spawn(theirs).unwrap();
        let look = Some(Duration::ZERO);
        assert_eq!(
            wait(&[&receiver, &ours, &process, &pipe], look).unwrap(),
            []
        );
        ours.send(1).unwrap();
        assert_eq!(
            wait(&[&receiver, &ours, &process, &pipe], None).unwrap(),
            [1]
        );
        std::io::Write::write_all(&mut into_pipe, b"x").unwrap();
        let sending = std::thread::spawn(move || sender.send(vec![0; LONG]));
        eventually("three are ready", || {
            wait(&[&receiver, &ours, &process, &pipe], look).unwrap() == [0, 1, 3]
        });
        sending.join().unwrap().unwrap();
        assert_eq!(receiver.recv().unwrap().len(), LONG);
        process.kill();
        eventually("the process has ended", || {
            wait(&[&process], Some(Duration::from_secs(10))).unwrap() == [0]
        });
    });
}

#[test]
fn items_are_awaited_under_any_executor() {
    in_time(|| {
        let (sender, mut receiver) = channel().unwrap();
        let process = send_sizes::spawn(vec![1, LONG, 2], sender).unwrap();
        let lengths = async {
            let mut lengths = Vec::new();
            while let Ok(item) = receiver.recv_async().await {
                lengths.push(item.len());
            }
            lengths
        };
        assert_eq!(smol::block_on(lengths), [1, LONG, 2]);
        process.join().unwrap();

        let (sender, mut receiver) = channel().unwrap();
        let process = send_sizes::spawn(vec![3, LONG], sender).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let total = runtime.block_on(async {
            let mut total = 0;
            let mut receiver = std::pin::Pin::new(&mut receiver);
            while let Some(item) = std::future::poll_fn(|context| {
                futures_core::Stream::poll_next(receiver.as_mut(), context)
            })
            .await
            {
                total += item.unwrap().len();
            }
            total
        });
        assert_eq!(total, LONG + 3);
        process.join().unwrap();
    });
}
