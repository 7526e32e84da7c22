//! Random sequences of operations by several processes, and of their deaths, against a model.
//!
//! Each process does what it is told over a connection of its own, one thing at a time, so that
//! the model knows what is in the queue. A process is killed while it does something: then the
//! model knows that it was done or not, and the queue has to agree with one of the two.

use std::collections::VecDeque;
use std::time::Duration;

use multiproc::channel::{Duplex, Queue, RecvError, TryRecvError, TrySendError, duplex};
use multiproc::{Process, worker};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::support::in_time;

const PROCESSES: usize = 3;
const CAPACITY: usize = 3;

/// What a process is told to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Order {
    Push(Vec<u8>),
    Pop,
    Close,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Answer {
    Pushed,
    Full,
    Closed,
    Popped(Vec<u8>),
    Empty,
}

#[worker]
fn obey(queue: Queue<Vec<u8>>, orders: Duplex<Answer, Order>) {
    for order in &orders {
        if orders.send(obey_one(&queue, order)).is_err() {
            return;
        }
    }
}

fn obey_one(queue: &Queue<Vec<u8>>, order: Order) -> Answer {
    match order {
        Order::Push(item) => match queue.try_push(item) {
            Ok(()) => Answer::Pushed,
            Err(TrySendError::Full(_)) => Answer::Full,
            Err(TrySendError::Disconnected(_)) => Answer::Closed,
            Err(error @ TrySendError::Item(..)) => panic!("{error}"),
        },
        Order::Pop => match queue.try_pop() {
            Ok(item) => Answer::Popped(item),
            Err(TryRecvError::Empty) => Answer::Empty,
            Err(TryRecvError::Disconnected) => Answer::Closed,
            Err(error) => panic!("{error}"),
        },
        Order::Close => {
            queue.close();
            Answer::Closed
        }
    }
}

/// What the queue should be.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    items: VecDeque<Vec<u8>>,
    closed: bool,
}

impl Model {
    fn obey(&mut self, order: Order) -> Answer {
        match order {
            Order::Push(_) if self.closed => Answer::Closed,
            Order::Push(_) if self.items.len() == CAPACITY => Answer::Full,
            Order::Push(item) => {
                self.items.push_back(item);
                Answer::Pushed
            }
            Order::Pop => match self.items.pop_front() {
                Some(item) => Answer::Popped(item),
                None if self.closed => Answer::Closed,
                None => Answer::Empty,
            },
            Order::Close => {
                self.closed = true;
                Answer::Closed
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Obey(usize, Order),
    /// Killed so many microseconds after it was told.
    Die(usize, Order, u64),
}

fn order() -> impl Strategy<Value = Order> {
    let length = prop_oneof![0..20_usize, 200..3000_usize, 60_000..200_000_usize];
    let push = (any::<u8>(), length).prop_map(|(byte, length)| Order::Push(vec![byte; length]));
    prop_oneof![10 => push, 8 => Just(Order::Pop), 1 => Just(Order::Close)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..PROCESSES, order()).prop_map(|(process, order)| Step::Obey(process, order)),
        1 => (0..PROCESSES, order(), 0..300_u64)
            .prop_map(|(process, order, delay)| Step::Die(process, order, delay)),
    ]
}

struct Servant {
    process: Process<()>,
    orders: Duplex<Order, Answer>,
}

impl Servant {
    fn new(queue: &Queue<Vec<u8>>) -> Servant {
        let (orders, theirs) = duplex().unwrap();
        let process = obey::spawn(queue.clone(), theirs).unwrap();
        Servant { process, orders }
    }
}

fn run(steps: Vec<Step>) {
    let queue = Queue::bounded(CAPACITY).unwrap();
    let mut model = Model::default();
    let mut servants: Vec<_> = (0..PROCESSES).map(|_| Servant::new(&queue)).collect();
    for step in steps {
        match step {
            Step::Obey(place, order) => {
                servants[place].orders.send(order.clone()).unwrap();
                let answer = servants[place]
                    .orders
                    .recv_timeout(Duration::from_secs(20))
                    .unwrap();
                assert_eq!(answer, model.obey(order));
            }
            Step::Die(place, order, delay) => {
                let servant = std::mem::replace(&mut servants[place], Servant::new(&queue));
                servant.orders.send(order.clone()).unwrap();
                std::thread::sleep(Duration::from_micros(delay));
                servant.process.kill();
                servant.process.join().unwrap_err();
                let mut done = model.clone();
                let expected = done.obey(order);
                match servant.orders.recv() {
                    Ok(answer) => {
                        assert_eq!(answer, expected);
                        model = done;
                    }
                    Err(RecvError::Disconnected) => {
                        // Done or not done, and what can be seen says which.
                        let seen = (queue.len(), queue.is_closed());
                        if seen != (model.items.len(), model.closed) {
                            model = done;
                        }
                        assert_eq!(seen, (model.items.len(), model.closed));
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    assert_eq!(queue.drain().collect::<VecDeque<_>>(), model.items);
}

#[test]
fn any_sequence_of_operations_and_deaths_agrees_with_the_model() {
    in_time(|| {
        let config = ProptestConfig {
            cases: 40,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        proptest!(config, |(steps in proptest::collection::vec(step(), 0..40))| run(steps));
    });
}
