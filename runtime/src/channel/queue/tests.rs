//! What one process alone can see; the rest is tested with several.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::area::Area;
use super::core::{Core, Overflow, Popped, Pushed};
use super::event::{Event, GLANCE};
use super::*;
use crate::channel::Sender;
use crate::sys::{descriptors, memory};

fn message<T: Serialize>(value: &T) -> Output<'_> {
    let mut output = Output::new(0);
    output.write_borrowed(value).unwrap();
    output
}

fn pop(core: &Core) -> Vec<u8> {
    match core.pop(None) {
        Some(Popped::Item(message)) => receiver::decode(message).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn bytes_in_an_area_go_around_its_end() {
    let file = Arc::new(memory::create_growing(4096).unwrap());
    let area = Area {
        start: 4096,
        size: 1000,
    };
    let bytes: Vec<u8> = (0..250).collect();
    for position in (0..10_000).step_by(170) {
        area.write(&file, position, &bytes).unwrap();
        assert_eq!(area.read(&file, position, 250).unwrap(), bytes);
    }
    assert!(memory::least_length(file.as_fd()).unwrap() <= 4096 + 1000);
    area.discard(&file, 900, 1100);
    assert_eq!(area.read(&file, 900, 200).unwrap(), [0; 200]);
}

#[test]
fn long_items_overflow_and_leave_no_memory_behind() {
    let core = Core::create(100).unwrap();
    let item = vec![9_u8; 1 << 20];
    for _ in 0..12 {
        let pushed = core.push(&message(&item), Overflow::Allowed, None);
        assert!(matches!(pushed, Some(Ok(Pushed::Done))));
    }
    let pushed = core.push(&message(&item), Overflow::NotYet, None);
    assert!(matches!(pushed, Some(Ok(Pushed::WarmFull))));
    for _ in 0..12 {
        assert_eq!(pop(&core), item);
    }
    let used = rustix::fs::fstat(&core.handles().memory).unwrap().st_blocks * 512;
    assert!(used < 6 << 20, "{used} bytes are in use");
}

/// Items of all kinds: short, with descriptors, long, too long for what is kept warm.
fn item(kind: usize) -> (Vec<u8>, Vec<Sender<u8>>) {
    let sender = || crate::channel::channel().unwrap().0;
    match kind {
        0 => (vec![1; 5], Vec::new()),
        1 => (vec![2; 5], (0..2).map(|_| sender()).collect()),
        2 => (vec![3; 100_000], (0..300).map(|_| sender()).collect()),
        _ => (vec![4; 5 << 20], vec![sender()]),
    }
}

#[test]
fn a_death_after_any_step_of_a_push_costs_that_item_at_most() {
    for kind in 0..4 {
        let queue = Queue::bounded(3).unwrap();
        for steps in 0.. {
            queue.push(item(0)).unwrap();
            let pushed = item(kind);
            let died = crate::probe::ends_after(steps, || queue.push(pushed).unwrap());
            let length = queue.len();
            assert!(length == 2 || died && length == 1, "{length} after {steps}");
            queue.try_push(item(1)).unwrap();
            check_pop(&queue, 0);
            if length == 2 {
                check_pop(&queue, kind);
            }
            check_pop(&queue, 1);
            assert_eq!(queue.len(), 0);
            if !died {
                assert!(steps >= 5);
                break;
            }
        }
        check_memory(&queue);
    }
}

#[test]
fn a_death_after_any_step_of_a_pop_costs_that_item_at_most() {
    for kind in 0..4 {
        let queue = Queue::bounded(3).unwrap();
        for steps in 0.. {
            queue.push(item(kind)).unwrap();
            queue.push(item(1)).unwrap();
            let died = crate::probe::ends_after(steps, || check_pop(&queue, kind));
            let length = queue.len();
            assert!(length == 1 || died && length == 2, "{length} after {steps}");
            queue.try_push(item(2)).unwrap();
            if length == 2 {
                check_pop(&queue, kind);
            }
            check_pop(&queue, 1);
            check_pop(&queue, 2);
            assert_eq!(queue.len(), 0);
            if !died {
                assert!(steps >= 5);
                break;
            }
        }
        check_memory(&queue);
    }
}

fn check_pop(queue: &Queue<(Vec<u8>, Vec<Sender<u8>>)>, kind: usize) {
    let (bytes, senders) = queue.pop_timeout(Duration::from_secs(20)).unwrap();
    let expected = item(kind);
    assert!(bytes == expected.0);
    assert_eq!(senders.len(), expected.1.len());
}

fn check_memory<T>(queue: &Queue<T>) {
    let memory = rustix::fs::fstat(&queue.core.handles().memory).unwrap();
    let used = memory.st_blocks * 512;
    assert!(used < 11 << 20, "{used} bytes are in use");
}

#[test]
fn a_handle_that_is_no_queue_is_refused() {
    let queue = Core::create(1).unwrap();
    for size in [1, 4096, 200_000] {
        let handles = Handles {
            memory: Arc::new(memory::create_growing(size).unwrap()),
            ..queue.handles().clone()
        };
        assert!(Core::open(handles).is_err());
    }
    Core::open(queue.handles().clone()).unwrap();
}

#[test]
fn a_sleeper_that_nobody_told_looks_by_itself() {
    let queue = Queue::<u8>::bounded(1).unwrap();
    let event: &Event = queue.core.items();
    let start = Instant::now();
    let ticket = event.enter();
    assert!(event.sleep(ticket, None, GLANCE));
    assert!(start.elapsed() >= GLANCE);
    let ticket = event.enter();
    let past = Instant::now();
    assert!(!event.sleep(ticket, Some(past), GLANCE));
    // What was told since the announcement is not slept over.
    let ticket = event.enter();
    event.tell(|| ());
    let start = Instant::now();
    event.sleep(ticket, None, Duration::from_mins(1));
    assert!(start.elapsed() < Duration::from_secs(30));
}

/// What a process writes to a socket that is not its own, or does to it.
#[test]
fn a_misused_socket_costs_the_items_in_it_and_nothing_else() {
    let core = Core::create(100).unwrap();
    let socket = || core.handles().parcels_in.as_fd();
    let write = |text: &[u8]| {
        let sent = rustix::net::send(socket(), text, rustix::net::SendFlags::empty());
        assert_eq!(sent, Ok(text.len()));
    };
    let (sender, _receiver) = crate::channel::channel::<u32>().unwrap();
    let push = || core.push(&message(&sender), Overflow::Allowed, None);
    for text in [&b"hello, world\n"[..], &[0; 64], &[0xff; 64], b"x", b""] {
        write(text);
        assert!(matches!(push(), Some(Ok(Pushed::Done))));
        write(text);
        assert!(matches!(push(), Some(Ok(Pushed::Done))));
        for _ in 0..2 {
            assert!(matches!(core.pop(None), Some(Popped::Item(_))));
        }
    }
    // What was in the socket is stolen, and the socket is shut down.
    assert!(matches!(push(), Some(Ok(Pushed::Done))));
    descriptors::skip(core.handles().parcels_out.as_fd());
    rustix::net::shutdown(socket(), rustix::net::Shutdown::Both).unwrap();
    assert!(matches!(core.pop(None), Some(Popped::Failed(_))));
    assert!(matches!(push(), Some(Err(_))));
    let pushed = core.push(&message(&1_u8), Overflow::Allowed, None);
    assert!(matches!(pushed, Some(Ok(Pushed::Done))));
    assert!(matches!(core.pop(None), Some(Popped::Item(_))));
    assert!(matches!(core.pop(None), Some(Popped::Empty)));
}
