//! Processes that misuse the descriptors of channels.

use std::time::Duration;

use multiproc::channel::{RecvError, Sender, TryRecvError, channel};
use multiproc::worker;
use multiproc_tests::sick::{promise_everywhere, texts, write_everywhere};

use crate::support::in_time;

#[worker]
fn sends_and_writes(items: Sender<u32>, text: Vec<u8>) {
    items.send(1).unwrap();
    write_everywhere(&text);
    loop {
        std::thread::park();
    }
}

#[worker]
fn promises(_items: Sender<u32>, frame: Vec<u8>) {
    let promised = promise_everywhere(&frame, &[7, 0, 0, 0, 0, 0, 0, 0]);
    assert!(!promised.is_empty());
    loop {
        std::thread::park();
    }
}

#[test]
fn what_is_no_item_is_an_error_and_the_next_item_is_received() {
    in_time(|| {
        for text in texts() {
            let (sender, receiver) = channel().unwrap();
            let process = sends_and_writes::spawn(sender.clone(), text).unwrap();
            assert_eq!(receiver.recv(), Ok(1));
            // It has more than one descriptor of that socket.
            let is_error = |received: &Result<u32, RecvError>| match received {
                Err(RecvError::Item(error)) => error.to_string() == "it is not a message",
                _ => false,
            };
            assert!(is_error(&receiver.recv()));
            assert!(process.join().is_err());
            // Others go on.
            sender.send(2).unwrap();
            let next = std::iter::repeat_with(|| receiver.recv()).find(|it| !is_error(it));
            assert_eq!(next, Some(Ok(2)));
            drop(sender);
            assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
        }
    });
}

#[test]
fn an_item_that_stands_still_is_waited_for_no_longer_than_asked() {
    in_time(|| {
        // A head of a thousand bytes is to come.
        let mut frame = vec![24, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0];
        frame.extend([1, 0, 7, 0, 0xe8, 0x07, 0, 0]);
        let (sender, receiver) = channel::<u32>().unwrap();
        let process = promises::spawn(sender.clone(), frame).unwrap();
        for _ in 0..3 {
            let received = receiver.recv_timeout(Duration::from_millis(50));
            assert!(received.is_err());
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        }
        process.kill();
        assert!(process.join().is_err());
        // It was not sent.
        sender.send(3).unwrap();
        assert_eq!(receiver.recv(), Ok(3));
    });
}
