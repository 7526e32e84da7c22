//! What tasks take and give besides plain values.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use multiproc::channel::{Sender, channel};
use multiproc::shm::{Buffer, Chunk, Shared};
use multiproc::sync::Mutex;
use multiproc::{Fd, worker};

use crate::check;

#[worker]
fn sum(numbers: &Shared<[u64]>) -> u64 {
    numbers.iter().sum()
}

#[worker]
fn fill(mut chunk: Chunk<u64>, with: u64) -> Chunk<u64> {
    chunk.fill(with);
    chunk
}

#[worker]
fn add(total: Mutex<u64>, number: u64) {
    *total.lock().unwrap() += number;
}

#[worker]
fn tell(sender: Sender<u64>, number: u64) {
    sender.send(number).unwrap();
}

#[worker]
fn shout(mut socket: Fd<UnixStream>) -> Fd<UnixStream> {
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    ours.write_all(text.to_uppercase().as_bytes()).unwrap();
    Fd::new(theirs)
}

#[test]
fn shared_memory_goes_to_tasks_and_comes_back() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let numbers: Vec<u64> = (0..100_000).collect();
        let shared = Shared::from_slice(&numbers).unwrap();
        // A borrowed argument of a task has to live for ever.
        let shared: &'static _ = Box::leak(Box::new(shared));
        let sums = pool.map(|()| sum::call(shared), [(); 8]).chunk_size(4);
        for result in sums {
            assert_eq!(result.unwrap(), 4_999_950_000);
        }
        let chunks = Buffer::<u64>::new(1000).unwrap().split(4);
        let filled: Vec<_> = pool
            .map(|(with, chunk)| fill::call(chunk, with), (1..).zip(chunks))
            .collect::<Result<_, _>>()
            .unwrap();
        let buffer = Buffer::join(filled).unwrap();
        assert_eq!(buffer.iter().sum::<u64>(), 250 * (1 + 2 + 3 + 4));
    });
}

#[test]
fn handles_go_to_tasks_that_wait_and_to_groups_of_them() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let total = Mutex::new(0_u64).unwrap();
        let submitted: Vec<_> = (0..20)
            .map(|number| pool.submit(add::call(total.clone(), number)))
            .collect();
        for task in submitted {
            task.wait().unwrap();
        }
        for result in pool
            .map(|number| add::call(total.clone(), number), 0..20)
            .chunk_size(10)
        {
            result.unwrap();
        }
        assert_eq!(*total.lock().unwrap(), 2 * 190);

        let (sender, receiver) = channel::<u64>().unwrap();
        for result in pool.map(|number| tell::call(sender.clone(), number), 0..20) {
            result.unwrap();
        }
        drop(sender);
        let mut told: Vec<_> = receiver.iter().collect();
        told.sort_unstable();
        assert_eq!(told, (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn descriptors_go_and_come() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let task = pool.submit(shout::call(Fd::new(theirs)));
        ours.write_all(b"hello").unwrap();
        drop(ours);
        let mut answer = String::new();
        task.wait().unwrap().read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "HELLO");
    });
}
