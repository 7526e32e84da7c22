//! Values that are nested too deeply are errors, and no stack overflows.

use std::thread;

use multiproc::ErrorKind::Encode;
use multiproc::channel::{Queue, Sender, channel};
use multiproc::{Pool, StartMethod, worker};
use serde::{Deserialize, Serialize};

use crate::support::{cases, check, fails};

cases! {
    results_that_are_nested_too_deeply
    arguments_that_are_nested_too_deeply
    values_that_are_nested_deeply
    tasks_of_a_pool
    items_that_are_nested_too_deeply
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum List {
    Nil,
    Cons(u8, Box<List>),
}

impl List {
    fn of(length: usize) -> List {
        (0..length).fold(List::Nil, |list, _| List::Cons(1, Box::new(list)))
    }

    fn len(&self) -> usize {
        let (mut length, mut list) = (0, self);
        while let List::Cons(_, rest) = list {
            (length, list) = (length + 1, rest);
        }
        length
    }
}

#[worker]
fn make(length: usize) -> List {
    List::of(length)
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Tree {
    Leaf(u8),
    Inner(Vec<Tree>),
}

#[worker]
fn make_tree(depth: usize) -> Tree {
    (0..depth).fold(Tree::Leaf(0), |inner, _| Tree::Inner(vec![inner]))
}

#[worker]
fn measure(list: List) -> usize {
    list.len()
}

#[worker]
fn send(length: usize, lists: Sender<List>, numbers: Queue<List>) -> (String, String) {
    let refusal = lists.send(List::of(length)).unwrap_err();
    let text = refusal.to_string();
    lists.send(List::of(100)).unwrap();
    let refused = numbers.push(List::of(length)).unwrap_err().to_string();
    numbers.push(List::of(99)).unwrap();
    (text, refused)
}

const REASON: &str = "a value is nested more than 128 levels deep: send it in another form, for \
                      example as a list";

/// On a thread with as much stack as std gives one.
fn on_a_thread(test: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(2 << 20);
        let thread = thread.spawn_scoped(scope, test).unwrap();
        thread.join().unwrap();
    });
}

fn results_that_are_nested_too_deeply(method: StartMethod) {
    on_a_thread(|| {
        let refusal = format!("worker `make`: its result cannot be encoded: {REASON}");
        check(method, make::call(5_000), fails(Encode, &refusal));
        let refusal = format!("worker `make_tree`: its result cannot be encoded: {REASON}");
        check(method, make_tree::call(5_000), fails(Encode, &refusal));
    });
}

fn arguments_that_are_nested_too_deeply(method: StartMethod) {
    on_a_thread(|| {
        let call = measure::call(List::of(5_000)).start_method(method);
        let error = call.run().unwrap_err();
        assert_eq!(error.kind(), Encode);
        assert_eq!(
            error.to_string(),
            format!("worker `measure`: its arguments cannot be encoded: {REASON}")
        );
    });
}

fn values_that_are_nested_deeply(method: StartMethod) {
    on_a_thread(|| {
        let list = make::call(128).start_method(method).run().unwrap();
        assert_eq!(list.len(), 128);
        let length = measure::call(list).start_method(method).run();
        assert_eq!(length.unwrap(), 128);
        let Tree::Inner(trees) = make_tree::call(128).start_method(method).run().unwrap() else {
            panic!("it has lost what was in it");
        };
        assert_eq!(trees.len(), 1);
    });
}

fn tasks_of_a_pool(_: StartMethod) {
    let pool = Pool::builder().workers(1).build().unwrap();
    let task = pool.submit(make::call(5_000));
    assert_eq!(task.wait().unwrap_err().kind(), Encode);
    let error = pool.submit(measure::call(List::of(5_000))).wait();
    assert_eq!(error.unwrap_err().kind(), Encode);
    // The value is read where it is waited for, and where callbacks run.
    let (done, lengths) = std::sync::mpsc::channel();
    let task = pool.submit(make::call(128));
    task.on_done(move |list: multiproc::Result<List>| {
        done.send(list.map(|list| list.len()).ok()).unwrap();
    });
    assert_eq!(lengths.recv().unwrap(), Some(128));
    assert_eq!(pool.submit(measure::call(List::of(9))).wait().unwrap(), 9);
}

fn items_that_are_nested_too_deeply(method: StartMethod) {
    let (sender, receiver) = channel().unwrap();
    let queue = Queue::bounded(4).unwrap();
    let call = send::call(5_000, sender, queue.clone()).start_method(method);
    let (sent, pushed) = call.run().unwrap();
    assert_eq!(sent, format!("the item cannot be sent: {REASON}"));
    assert_eq!(pushed, sent);
    assert_eq!(receiver.recv().unwrap().len(), 100);
    assert_eq!(queue.pop().unwrap().len(), 99);
}
