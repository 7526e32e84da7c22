//! What one process alone can see; the rest is tested with several.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use super::area::Area;
use super::core::{Core, Overflow, Popped, Pushed};
use super::event::{EventCount, POLL_INTERVAL};
use super::*;
use crate::channel::Sender;
use crate::raw::strays::{Stray, strays};
use crate::sys::fd::AsFd;
use crate::sys::{descriptors, memory};

fn message<T: Serialize>(value: &T) -> Output<'_> {
    let mut output = Output::new(0);
    output.write_borrowed(value).unwrap();
    output
}

fn pop(core: &Core) -> Vec<u8> {
    match core.pop(None) {
        Some(Popped::Item(_, message)) => item::decode(message).unwrap(),
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
        assert!(matches!(pushed, Some(Ok(Pushed::Done(_)))));
    }
    let pushed = core.push(&message(&item), Overflow::NotYet, None);
    assert!(matches!(pushed, Some(Ok(Pushed::WarmFull))));
    for _ in 0..12 {
        assert_eq!(pop(&core), item);
    }
    let used = rustix::fs::fstat(&core.handles().memory).unwrap().st_blocks * 512;
    assert!(used < 6 << 20, "{used} bytes are in use");
}

#[test]
fn bytes_and_text_of_any_length_arrive() {
    let bytes = Queue::<Vec<u8>>::bounded(1).unwrap();
    let numbers = Queue::<Vec<u32>>::bounded(1).unwrap();
    let texts = Queue::<String>::bounded(1).unwrap();
    let around = |length: usize| length - 1..=length + 1;
    for length in around(SPLICE_MINIMUM)
        .chain(around(SPLICE_MINIMUM / 4))
        .chain(around(65_536))
    {
        let item = vec![7; length];
        bytes.push_ref(&item[..]).unwrap();
        assert!(bytes.pop().unwrap() == item);
        let item: Vec<u32> = (0..).take(length).collect();
        numbers.push(item.clone()).unwrap();
        assert!(numbers.pop().unwrap() == item);
        let item = "x".repeat(length);
        texts.push(item.clone()).unwrap();
        assert!(texts.pop().unwrap() == item);
    }
}

/// A handle as another process would have it, which dies with it.
fn of_another_process<T>(queue: &Queue<T>) -> Queue<T> {
    Queue::new(queue.core.of_another_process())
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
            let theirs = of_another_process(&queue);
            let died = crate::probe::ends_after(steps, || theirs.push(pushed).unwrap());
            drop(theirs);
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
            let theirs = of_another_process(&queue);
            let died = crate::probe::ends_after(steps, || check_pop(&theirs, kind));
            drop(theirs);
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
        let handles = QueueHandles {
            memory: Arc::new(memory::create_growing(size).unwrap()),
            ..queue.handles().clone()
        };
        assert!(Core::open(handles).is_err());
    }
    Core::open(queue.handles().clone()).unwrap();
}

/// Writes over the mapped part of a queue, between two places.
#[expect(unsafe_code, reason = "it is done behind the queue's back")]
fn overwrite<T>(queue: &Queue<T>, places: Range<usize>, stray: Stray) {
    let base = queue.core.shared_words().start;
    for at in places {
        let byte = std::ptr::with_exposed_provenance::<AtomicU8>(base + at);
        // SAFETY: the queue is mapped, and any bytes are values of what is there.
        unsafe { &*byte }.store(stray(at), Ordering::Relaxed);
    }
}

#[test]
fn stray_writes_are_errors_and_stop_nobody() {
    let short = Duration::from_millis(2);
    // The fields of the header, each alone; those of the first item, in the page behind; all.
    let header = (0..1024).step_by(8).filter(|at| at % 128 < 48);
    let header = header.map(|at| at..at + 8);
    let slots = (4096..4096 + 64).step_by(4).map(|at| at..at + 4);
    for places in header
        .chain(slots)
        .chain([0..16_384, 64..4096, 4096..16_384])
    {
        for stray in strays() {
            for kind in [1, 3] {
                let queue = Queue::bounded(3).unwrap();
                queue.push(item(kind)).unwrap();
                queue.push(item(0)).unwrap();
                overwrite(&queue, places.clone(), stray);
                let _ = queue.push_timeout(item(0), short);
                let _ = queue.try_push(item(1));
                let _ = queue.pop_timeout(short);
                assert!(queue.drain().count() <= 4);
                queue.close();
                assert!(queue.iter().count() <= 4);
            }
        }
    }
}

#[test]
fn who_waits_learns_that_a_queue_is_damaged() {
    let queue = Queue::<(Vec<u8>, Vec<Sender<u8>>)>::bounded(3).unwrap();
    std::thread::scope(|scope| {
        let pops = scope.spawn(|| queue.pop());
        let iterates = scope.spawn(|| queue.iter().count());
        let joins = scope.spawn(|| {
            queue.push(item(0)).unwrap();
            queue.join();
        });
        std::thread::sleep(Duration::from_millis(20));
        overwrite(&queue, 0..4096, |_| 0);
        assert!(iterates.join().unwrap() <= 1);
        assert!(joins.join().is_err());
        let _ = pops.join().unwrap();
    });
    let RecvError::Item(error) = queue.pop().unwrap_err() else {
        panic!("an error that says nothing");
    };
    assert!(error.to_string().contains("damaged"), "{error}");
    let error = queue.push(item(0)).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn a_sleeper_that_nobody_told_looks_by_itself() {
    let queue = Queue::<u8>::bounded(1).unwrap();
    let event: &EventCount = queue.core.items();
    let start = Instant::now();
    let ticket = event.enter();
    assert!(event.sleep(ticket, None, POLL_INTERVAL));
    assert!(start.elapsed() >= POLL_INTERVAL);
    let ticket = event.enter();
    let past = Instant::now();
    assert!(!event.sleep(ticket, Some(past), POLL_INTERVAL));
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
    let socket = || core.handles().parcels.inlet.as_fd();
    let write = |text: &[u8]| {
        let sent = rustix::net::send(socket(), text, rustix::net::SendFlags::empty());
        assert_eq!(sent, Ok(text.len()));
    };
    let (sender, _receiver) = crate::channel::channel::<u32>().unwrap();
    let push = || core.push(&message(&sender), Overflow::Allowed, None);
    for text in [&b"hello, world\n"[..], &[0; 64], &[0xff; 64], b"x", b""] {
        write(text);
        assert!(matches!(push(), Some(Ok(Pushed::Done(_)))));
        write(text);
        assert!(matches!(push(), Some(Ok(Pushed::Done(_)))));
        for _ in 0..2 {
            assert!(matches!(core.pop(None), Some(Popped::Item(..))));
        }
    }
    // What was in the socket is stolen, and the socket is shut down.
    assert!(matches!(push(), Some(Ok(Pushed::Done(_)))));
    descriptors::try_receive(core.handles().parcels.outlet.as_fd(), &mut [0]).unwrap();
    rustix::net::shutdown(socket(), rustix::net::Shutdown::Both).unwrap();
    assert!(matches!(core.pop(None), Some(Popped::Failed(..))));
    assert!(matches!(push(), Some(Err(_))));
    let pushed = core.push(&message(&1_u8), Overflow::Allowed, None);
    assert!(matches!(pushed, Some(Ok(Pushed::Done(_)))));
    assert!(matches!(core.pop(None), Some(Popped::Item(..))));
    assert!(matches!(core.pop(None), Some(Popped::Empty)));
}
