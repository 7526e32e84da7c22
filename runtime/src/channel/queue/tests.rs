//! What one process alone can see; the rest is tested with several.

use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use super::area::Area;
use super::core::{Core, Overflow, Popped, Pushed};
use super::event::{Event, GLANCE};
use super::*;
use crate::sys::memory;

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

#[test]
fn a_process_that_died_with_a_lock_is_no_obstacle() {
    let queue = Queue::bounded(2).unwrap();
    for number in 0..5 {
        // A thread that ends with both locks is to a robust lock what a process is.
        let core = Arc::clone(&queue.core);
        thread::spawn(move || core.keep_locks()).join().unwrap();
        queue.push(number).unwrap();
        assert_eq!(queue.pop(), Ok(number));
    }
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
