//! Buffers that become readable for all and come back, and how they are divided.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use multiproc::channel::channel;
use multiproc::shm::{Buffer, Chunk, Shared};
use multiproc::sync::Event;
use multiproc::{Pool, worker};

use crate::{METHODS, seconds, within};

/// In a region with others, and in one of its own.
const LENGTHS: [usize; 2] = [10, 100_000];

#[worker]
fn add(old: Shared<[u64]>, mut new: Chunk<u64>) -> Chunk<u64> {
    for (place, element) in (new.offset()..).zip(new.iter_mut()) {
        *element = old[place] + old[old.len() - 1 - place];
    }
    new
}

/// Which byte of which file is the first that is mapped there. While all parts are elsewhere nothing of it is
/// mapped here, so the address may be another afterwards.
fn place(elements: &[u64]) -> (u64, u64) {
    let address = u64::try_from(elements.as_ptr().addr()).unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let found = maps.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (begin, end) = fields.next()?.split_once('-')?;
        let (begin, end) = (number(begin), number(end));
        let (offset, file) = (fields.nth(1)?, fields.nth(1)?);
        (begin..end).contains(&address).then(|| {
            let byte = number(offset) + (address - begin);
            (file.parse().unwrap(), byte)
        })
    });
    found.unwrap()
}

#[test]
fn two_buffers_take_turns_without_a_copy() {
    within(seconds(60), || {
        for method in METHODS {
            for length in LENGTHS {
                let mut old = Buffer::from_elem(1_u64, length).unwrap();
                let mut new = Buffer::new(length).unwrap();
                let places = [place(&old), place(&new)];
                for pass in 0..4 {
                    let shared = old.into_shared();
                    let workers: Vec<_> = new
                        .split(2)
                        .into_iter()
                        .map(|chunk| {
                            add::call(shared.clone(), chunk)
                                .start_method(method)
                                .spawn()
                        })
                        .collect::<Result<_, _>>()
                        .unwrap();
                    let chunks = workers.into_iter().map(|worker| worker.join().unwrap());
                    old = Buffer::join(chunks).unwrap();
                    new = shared.try_into_buffer().unwrap();
                    let [even, odd] = places;
                    let expected = if pass % 2 == 0 { [odd, even] } else { places };
                    assert_eq!([place(&old), place(&new)], expected);
                }
                assert!(old.iter().all(|element| *element == 16));
            }
        }
    });
}

#[test]
fn a_pool_has_let_go_when_the_result_is_there() {
    within(seconds(60), || {
        let pool = Pool::builder().workers(2).build().unwrap();
        for length in LENGTHS {
            let mut old = Buffer::from_elem(1_u64, length).unwrap();
            let mut new = Buffer::new(length).unwrap();
            for _ in 0..30 {
                let shared = Shared::from(old);
                let tasks: Vec<_> = new
                    .chunks(length.div_ceil(4))
                    .into_iter()
                    .map(|chunk| pool.submit(add::call(shared.clone(), chunk)))
                    .collect();
                let chunks = tasks.into_iter().map(|task| task.wait().unwrap());
                old = Buffer::join(chunks).unwrap();
                new = Buffer::try_from(shared).unwrap();
            }
            assert!(old.iter().all(|element| *element == 1 << 30));
        }
    });
}

#[worker]
fn hold(_numbers: Shared<[u64]>, begun: Event) {
    begun.set();
    thread::park();
}

#[test]
fn a_handle_anywhere_else_is_in_the_way() {
    within(seconds(60), || {
        for method in METHODS {
            for length in LENGTHS {
                let shared = Buffer::from_elem(7_u64, length).unwrap().into_shared();
                let here = shared.clone();
                let shared = shared.try_into_buffer().unwrap_err();
                drop(here);
                let (sender, receiver) = channel().unwrap();
                sender.send(shared.clone()).unwrap();
                let shared = shared.try_into_buffer().unwrap_err();
                let here = receiver.recv().unwrap();
                let shared = shared.try_into_buffer().unwrap_err();
                drop(here);
                let begun = Event::new().unwrap();
                let holder = hold::call(shared.clone(), begun.clone());
                let holder = holder.start_method(method).spawn().unwrap();
                let shared = shared.try_into_buffer().unwrap_err();
                begun.wait();
                let shared = shared.try_into_buffer().unwrap_err();
                // Those of the dead do not count.
                holder.kill();
                holder.join().unwrap_err();
                let buffer = shared.try_into_buffer().unwrap();
                assert!(buffer.iter().all(|element| *element == 7));
                // Nor does a message that no process will read.
                let shared = buffer.into_shared();
                sender.send(shared.clone()).unwrap();
                let shared = shared.try_into_buffer().unwrap_err();
                drop((sender, receiver));
                assert!(shared.try_into_buffer().is_ok());
            }
        }
    });
}

#[worker]
fn convert(buffer: Buffer<u64>) -> Shared<[u64]> {
    // And back, and again.
    let buffer = buffer.into_shared().try_into_buffer().unwrap();
    buffer.into_shared()
}

#[test]
fn any_process_may_convert() {
    within(seconds(60), || {
        for method in METHODS {
            for length in LENGTHS {
                let buffer = Buffer::from_elem(8_u64, length).unwrap();
                let shared = convert::call(buffer).start_method(method).run().unwrap();
                assert_eq!(shared[length - 1], 8);
                let mut buffer = shared.try_into_buffer().unwrap();
                buffer[0] = 9;
                let shared = convert::call(buffer).start_method(method).run().unwrap();
                assert_eq!(shared[..2], [9, 8]);
            }
        }
    });
}

#[test]
fn what_shared_has_made_can_be_written_to() {
    let shared = Shared::from_elem(7_u64, 100_000).unwrap();
    let mut buffer = shared.try_into_buffer().unwrap();
    buffer.fill(8);
    assert_eq!(buffer.into_shared()[99_999], 8);
}

#[test]
fn a_buffer_is_divided_in_several_ways() {
    let buffer = || Buffer::from_slice(&[0_u8, 1, 2, 3, 4, 5]).unwrap();
    let lengths = |chunks: Vec<Chunk<u8>>| -> Vec<usize> {
        let lengths = chunks.iter().map(|chunk| chunk.len()).collect();
        assert_eq!(*Buffer::join(chunks).unwrap(), *buffer());
        lengths
    };
    assert_eq!(lengths(buffer().chunks(4)), [4, 2]);
    assert_eq!(lengths(buffer().chunks(usize::MAX)), [6]);
    assert_eq!(lengths(buffer().chunks_exact(3)), [3, 3]);
    assert_eq!(lengths(buffer().split_at(&[])), [6]);
    assert_eq!(lengths(buffer().split_at(&[1, 1, 4])), [1, 0, 3, 2]);
    assert_eq!(lengths(buffer().split_at(&[0, 6])), [0, 6, 0]);
    let panics = |divide: fn(Buffer<u8>) -> Vec<Chunk<u8>>| {
        let result = catch_unwind(AssertUnwindSafe(|| divide(buffer())));
        result.is_err()
    };
    assert!(panics(|buffer| buffer.chunks(0)));
    assert!(panics(|buffer| buffer.chunks_exact(4)));
    assert!(panics(|buffer| buffer.chunks_exact(0)));
    assert!(panics(|buffer| buffer.split_at(&[7])));
    assert!(panics(|buffer| buffer.split_at(&[3, 2])));
}
