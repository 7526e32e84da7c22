use std::os::fd::AsFd;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::channel::{
    Queue, Receiver, RecvError, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError,
    TrySendError, channel, wait,
};
use multiproc::{ErrorKind, Fd, Process, RemoteError, worker};
use serde::{Deserialize, Serialize};

use crate::support::{eventually, in_time, open_descriptors};

/// An item that tells who pushed it, how many before it, and is of any size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Item {
    producer: usize,
    number: u64,
    load: Vec<u8>,
}

impl Item {
    fn new(producer: usize, number: u64) -> Item {
        // Short ones, long ones, very long ones.
        let length = match number % 50 {
            49 => 300_000,
            24 => 70_000,
            rest if rest % 5 == 4 => 3000,
            rest => usize::try_from(rest).unwrap(),
        };
        Item {
            producer,
            number,
            load: vec![number.to_le_bytes()[0]; length],
        }
    }

    fn check(&self) {
        assert_eq!(*self, Item::new(self.producer, self.number));
    }
}

#[worker]
fn push_items(queue: Queue<Item>, producer: usize, count: u64) {
    for number in 0..count {
        queue.push(Item::new(producer, number)).unwrap();
    }
}

/// Pops until the queue is closed; returns what it popped as pairs of producer and number.
#[worker]
fn pop_items(queue: Queue<Item>) -> Vec<(usize, u64)> {
    queue
        .iter()
        .map(|item| {
            item.check();
            (item.producer, item.number)
        })
        .collect()
}

#[worker]
fn push_bytes(queue: Queue<Vec<u8>>, count: usize, size: usize) {
    for _ in 0..count {
        queue.push(vec![5; size]).unwrap();
    }
}

#[worker]
fn pop_for_ever(queue: Queue<Item>) {
    while let Ok(item) = queue.pop() {
        item.check();
    }
}

#[worker]
fn push_for_ever(queue: Queue<Item>, producer: usize) {
    for number in 0.. {
        if queue.push(Item::new(producer, number)).is_err() {
            return;
        }
    }
}

type WithHandles = (Vec<Sender<u64>>, u64);

#[worker]
fn answer(queue: Queue<WithHandles>) {
    for (answers, number) in &queue {
        for answer in answers {
            let _ = answer.send(number);
        }
    }
}

#[worker]
fn finish_tasks(queue: Queue<Item>) {
    for item in &queue {
        item.check();
        queue.task_done();
    }
}

#[test]
fn a_child_that_pushed_300_kb_ends_before_anybody_pops() {
    in_time(|| {
        let queue = Queue::bounded(4).unwrap();
        push_bytes::run(queue.clone(), 1, 300_000).unwrap();
        assert_eq!(queue.pop().unwrap(), vec![5; 300_000]);
        // Nor does it matter how much it is, as long as there are places.
        let queue = Queue::bounded(100).unwrap();
        push_bytes::run(queue.clone(), 100, 300_000).unwrap();
        assert_eq!(queue.len(), 100);
        assert!(queue.drain().all(|item| item == vec![5; 300_000]));
        // Nor how little time there is.
        for _ in 0..30 {
            queue
                .push_timeout(vec![6; 300_000], Duration::ZERO)
                .unwrap();
        }
        assert!(queue.drain().all(|item| item == vec![6; 300_000]));
    });
}

#[test]
fn a_consumer_killed_while_it_waits_harms_nobody() {
    in_time(|| {
        let queue = Queue::bounded(4).unwrap();
        for round in 0..5 {
            let process = pop_for_ever::spawn(queue.clone()).unwrap();
            let other = pop_for_ever::spawn(queue.clone()).unwrap();
            thread::sleep(Duration::from_millis(50));
            process.kill();
            assert_eq!(process.join().unwrap_err().kind(), ErrorKind::Signaled);
            queue.push(Item::new(0, round)).unwrap();
            eventually("the other consumer has it", || queue.is_empty());
            other.kill();
            other.join().unwrap_err();
        }
        queue.push(Item::new(0, 49)).unwrap();
        assert_eq!(queue.pop().unwrap(), Item::new(0, 49));
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
fn an_item_that_cannot_be_written_is_an_error_and_takes_no_place() {
    in_time(|| {
        let queue = Queue::bounded(1).unwrap();
        for _ in 0..3 {
            let error = queue.push((Some(Unwritable), 7)).unwrap_err();
            assert!(!error.is_disconnected());
            assert!(error.to_string().contains("no words for it"), "{error}");
            assert_eq!(error.0.1, 7);
            assert!(queue.is_empty());
        }
        queue.try_push((None, 8)).unwrap();
        assert_eq!(queue.pop().unwrap().1, 8);
    });
}

#[test]
fn a_full_queue_takes_nothing_and_an_empty_one_gives_nothing() {
    in_time(|| {
        assert!(Queue::<u8>::bounded(0).is_err());
        assert!(Queue::<u8>::bounded(usize::MAX).is_err());
        let queue = Queue::bounded(2).unwrap();
        assert_eq!(queue.capacity(), 2);
        let moment = Duration::from_millis(30);
        let start = Instant::now();
        assert_eq!(queue.try_pop(), Err(TryRecvError::Empty));
        assert_eq!(queue.pop_timeout(moment), Err(RecvTimeoutError::Timeout));
        queue.push(1).unwrap();
        queue.push(2).unwrap();
        assert_eq!(queue.try_push(3), Err(TrySendError::Full(3)));
        assert_eq!(
            queue.push_timeout(3, moment),
            Err(SendTimeoutError::Timeout(3))
        );
        assert!(start.elapsed() >= 2 * moment);
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.drain().collect::<Vec<_>>(), [1, 2]);
        assert!(queue.is_empty());
    });
}

#[test]
fn closing_wakes_everybody_and_what_is_in_the_queue_comes_out() {
    in_time(|| {
        let full = Queue::bounded(1).unwrap();
        full.push(1).unwrap();
        let empty = Queue::<i32>::bounded(1).unwrap();
        thread::scope(|scope| {
            let pushing = scope.spawn(|| full.push(2));
            let popping = [scope.spawn(|| empty.pop()), scope.spawn(|| empty.pop())];
            thread::sleep(Duration::from_millis(250));
            full.close();
            empty.close();
            assert!(pushing.join().unwrap().unwrap_err().is_disconnected());
            for popping in popping {
                assert_eq!(popping.join().unwrap(), Err(RecvError::Disconnected));
            }
        });
        assert!(full.is_closed());
        assert_eq!(full.try_push(3), Err(TrySendError::Disconnected(3)));
        assert_eq!(full.pop(), Ok(1));
        assert_eq!(full.pop(), Err(RecvError::Disconnected));
        assert_eq!(full.try_pop(), Err(TryRecvError::Disconnected));
        assert_eq!(
            full.pop_timeout(Duration::ZERO),
            Err(RecvTimeoutError::Disconnected)
        );
    });
}

#[test]
fn all_items_arrive_once_and_in_their_producers_order() {
    in_time(|| {
        const PRODUCERS: usize = 3;
        const COUNT: u64 = 400;
        let queue = Queue::bounded(7).unwrap();
        let consumers: Vec<_> = (0..2)
            .map(|_| pop_items::spawn(queue.clone()).unwrap())
            .collect();
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| push_items::spawn(queue.clone(), producer, COUNT).unwrap())
            .collect();
        for producer in producers {
            producer.join().unwrap();
        }
        queue.close();
        let mut all = Vec::new();
        for consumer in consumers {
            let popped = consumer.join().unwrap();
            for producer in 0..PRODUCERS {
                let numbers = popped.iter().filter(|it| it.0 == producer);
                assert!(numbers.is_sorted());
            }
            all.extend(popped);
        }
        all.sort_unstable();
        let expected = (0..PRODUCERS).flat_map(|it| (0..COUNT).map(move |number| (it, number)));
        assert!(all.into_iter().eq(expected));
    });
}

/// Kills processes that push and pop, at whatever instruction, again and again.
#[test]
fn killed_producers_and_consumers_leave_a_queue_of_use() {
    in_time(|| {
        let queue = Queue::bounded(5).unwrap();
        let steady = push_for_ever::spawn(queue.clone(), 0).unwrap();
        let start = Instant::now();
        let mut next = 0;
        let mut round = 1;
        let mut lost = 0;
        while start.elapsed() < Duration::from_secs(4) {
            let producer = push_for_ever::spawn(queue.clone(), round).unwrap();
            let consumer = pop_for_ever::spawn(queue.clone()).unwrap();
            let pause = Duration::from_micros(u64::try_from(round).unwrap() * 7919 % 5000);
            thread::sleep(pause);
            // Nobody has to pop for them to be killed.
            producer.kill();
            consumer.kill();
            producer.join().unwrap_err();
            consumer.join().unwrap_err();
            for _ in 0..10 {
                let item = queue.pop_timeout(Duration::from_secs(10)).unwrap();
                item.check();
                if item.producer == 0 {
                    assert!(item.number >= next);
                    lost += item.number - next;
                    next = item.number + 1;
                }
            }
            round += 1;
        }
        assert!(round > 20, "{round}");
        assert!(lost > 0, "the consumers have popped something");
        queue.close();
        steady.join().unwrap();
        assert!(queue.drain().count() <= 5);
    });
}

/// A producer alone, and the one who kills it: exactly what was pushed is there, but for the last.
#[test]
fn a_killed_producer_loses_only_its_last_item() {
    in_time(|| {
        for round in 0..40_u64 {
            let queue = Queue::bounded(100_000).unwrap();
            let producer = push_for_ever::spawn(queue.clone(), 1).unwrap();
            queue.pop().unwrap();
            thread::sleep(Duration::from_micros(round * 97));
            producer.kill();
            producer.join().unwrap_err();
            let items: Vec<_> = queue.drain().collect();
            for (item, number) in items.iter().zip(1..) {
                assert_eq!(*item, Item::new(1, number));
            }
            queue.try_push(Item::new(2, 1)).unwrap();
            assert_eq!(queue.try_pop().unwrap(), Item::new(2, 1));
        }
    });
}

#[test]
fn handles_travel_through_a_queue() {
    in_time(|| {
        let before = open_descriptors();
        let queue = Queue::bounded(3).unwrap();
        let process = answer::spawn(queue.clone()).unwrap();
        let (sender, receiver) = channel().unwrap();
        for number in 0..50 {
            queue.push((vec![sender.clone()], number)).unwrap();
            queue.push((vec![], number)).unwrap();
        }
        assert!(receiver.iter().take(50).eq(0..50));
        // Hundreds in one item.
        let (many, receivers): (Vec<_>, Vec<_>) =
            (0..300).map(|_| channel::<u64>().unwrap()).unzip();
        queue.push((many, 9)).unwrap();
        for receiver in receivers {
            assert_eq!(receiver.recv(), Ok(9));
            assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
        }
        queue.close();
        process.join().unwrap();
        drop(sender);
        assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
        drop((queue, receiver));
        eventually("all is closed", || open_descriptors() <= before + 16);
    });
}

#[test]
fn descriptors_of_killed_processes_are_in_nobodys_way() {
    in_time(|| {
        let queue = Queue::<WithHandles>::bounded(4).unwrap();
        let (sender, receiver) = channel().unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            let process = answer::spawn(queue.clone()).unwrap();
            for number in 0..30 {
                queue.push((vec![sender.clone(); 3], number)).unwrap();
            }
            process.kill();
            process.join().unwrap_err();
            while receiver.try_recv().is_ok() {}
        }
        for (answers, _) in queue.drain() {
            assert_eq!(answers.len(), 3);
        }
        // What is left in flight is dropped by whoever pops next.
        queue.push((vec![sender], 77)).unwrap();
        let (answers, number) = queue.pop().unwrap();
        answers[0].send(number).unwrap();
        drop(answers);
        while receiver.recv().unwrap() != 77 {}
        assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
    });
}

#[test]
fn more_items_with_handles_than_are_in_flight_at_a_time() {
    in_time(|| {
        let queue = Queue::<WithHandles>::bounded(10_000).unwrap();
        let (sender, _receiver) = channel().unwrap();
        let mut pushed = 0;
        while queue.try_push((vec![sender.clone()], pushed)).is_ok() {
            pushed += 1;
        }
        assert!(pushed > 100, "{pushed}");
        thread::scope(|scope| {
            let blocked = scope.spawn(|| queue.push((vec![sender.clone()], pushed)));
            thread::sleep(Duration::from_millis(30));
            assert_eq!(queue.pop().unwrap().1, 0);
            for number in 1..=pushed {
                assert_eq!(queue.pop().unwrap().1, number);
            }
            blocked.join().unwrap().unwrap();
        });
    });
}

#[test]
fn a_receiver_that_was_pushed_is_gone_and_one_that_was_not_is_here() {
    in_time(|| {
        let queue = Queue::<Receiver<u8>>::bounded(1).unwrap();
        let (sender, receiver) = channel().unwrap();
        let (_keep, other) = channel().unwrap();
        queue.push(other).unwrap();
        let Err(TrySendError::Full(receiver)) = queue.try_push(receiver) else {
            panic!("it was full")
        };
        sender.send(5).unwrap();
        assert_eq!(receiver.recv(), Ok(5));
        queue.pop().unwrap();
        queue.push(receiver).unwrap();
        sender.send(6).unwrap();
        assert_eq!(queue.pop().unwrap().recv(), Ok(6));
    });
}

#[test]
fn joining_waits_for_all_tasks() {
    in_time(|| {
        let queue = Queue::bounded(4).unwrap();
        queue.join();
        let process = finish_tasks::spawn(queue.clone()).unwrap();
        for number in 0..100 {
            queue.push(Item::new(0, number)).unwrap();
        }
        queue.join();
        assert!(queue.is_empty());
        process.kill();
        process.join().unwrap_err();
        queue.push(Item::new(0, 0)).unwrap();
        assert!(!queue.join_timeout(Duration::from_millis(20)));
        queue.task_done();
        assert!(queue.join_timeout(Duration::ZERO));
        let too_often = std::panic::catch_unwind(|| queue.task_done());
        assert!(too_often.is_err());
    });
}

#[test]
fn waiting_for_queues_beside_others() {
    in_time(|| {
        let one = Queue::<u8>::bounded(2).unwrap();
        let other = Queue::<u8>::bounded(2).unwrap();
        let (sender, receiver) = channel::<u8>().unwrap();
        let look = Some(Duration::ZERO);
        assert_eq!(wait(&[&one, &other, &receiver], look).unwrap(), []);
        for _ in 0..3 {
            thread::scope(|scope| {
                let waiting = scope.spawn(|| {
                    let start = Instant::now();
                    (wait(&[&one, &other], None).unwrap(), start.elapsed())
                });
                thread::sleep(Duration::from_millis(30));
                other.push(1).unwrap();
                let (ready, elapsed) = waiting.join().unwrap();
                assert_eq!(ready, [1]);
                assert!(elapsed < Duration::from_secs(5));
            });
            other.pop().unwrap();
        }
        sender.send(1).unwrap();
        one.close();
        assert_eq!(wait(&[&one, &other, &receiver], None).unwrap(), [0, 2]);
    });
}

#[worker]
fn pass_on(
    from: Queue<Fd<std::fs::File>>,
    to: Queue<Fd<std::fs::File>>,
) -> Result<(), RemoteError> {
    for file in &from {
        to.push(file)?;
    }
    Ok(())
}

#[test]
fn files_pass_through_several_processes() {
    in_time(|| {
        let queues: Vec<Queue<Fd<std::fs::File>>> =
            (0..4).map(|_| Queue::bounded(2).unwrap()).collect();
        let processes: Vec<Process<_>> = queues
            .windows(2)
            .map(|pair| pass_on::spawn(pair[0].clone(), pair[1].clone()).unwrap())
            .collect();
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let expected = rustix::fs::fstat(file.as_fd()).unwrap().st_ino;
        queues[0].push(Fd::new(file)).unwrap();
        let file = queues[3].pop().unwrap();
        assert_eq!(rustix::fs::fstat(file.as_fd()).unwrap().st_ino, expected);
        queues.iter().for_each(Queue::close);
        for process in processes {
            process.join().unwrap().unwrap();
        }
    });
}

#[test]
fn threads_of_one_process_share_a_queue() {
    in_time(|| {
        let queue = Queue::bounded(3).unwrap();
        let (popped, all) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..3 {
                let (queue, popped) = (queue.clone(), popped.clone());
                scope.spawn(move || queue.iter().for_each(|number| popped.send(number).unwrap()));
            }
            drop(popped);
            for number in 0..3000_u32 {
                queue.push(number).unwrap();
            }
            queue.close();
        });
        let mut all: Vec<_> = all.iter().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..3000));
    });
}
