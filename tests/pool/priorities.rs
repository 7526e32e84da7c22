//! Which of the tasks that wait is first.

use std::time::Duration;

use multiproc::channel::{Sender, channel};
use multiproc::sync::Event;
use multiproc::{ErrorKind, TaskState, worker};

use crate::{check, eventually};

#[worker]
fn note(number: u32, notes: &Sender<u32>) {
    notes.send(number).unwrap();
}

#[worker]
fn wait_for(event: Event) {
    event.wait();
}

#[test]
fn a_higher_priority_is_first_and_equals_are_in_order() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let (notes, noted) = channel().unwrap();
        let go = Event::new().unwrap();
        let first = pool.submit(wait_for::call(go.clone()));
        eventually("it runs", || first.state() == TaskState::Running);
        let priorities = [0, -3, 7, 0, i32::MAX, 7, i32::MIN];
        let tasks: Vec<_> = (0..)
            .zip(priorities)
            .map(|(number, priority)| {
                let notes: &'static Sender<u32> = Box::leak(Box::new(notes.clone()));
                pool.submit(note::call(number, notes).priority(priority))
            })
            .collect();
        assert_eq!(pool.queued(), 7);
        go.set();
        for task in tasks {
            task.wait().unwrap();
        }
        let order: Vec<u32> = (0..7).map(|_| noted.recv().unwrap()).collect();
        assert_eq!(order, [4, 2, 5, 0, 3, 1, 6]);
    });
}

#[test]
fn a_task_of_the_lowest_priority_runs_beside_endless_ones() {
    #[worker]
    fn nothing() {}

    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let last = pool.submit(wait_for::call(Event::new().unwrap()));
        last.cancel();
        let mut others = Vec::new();
        let last = loop {
            // More than the workers can have begun when the last one is submitted.
            others.extend((0..100).map(|_| pool.submit(nothing::call().priority(1))));
            let last = pool.submit(nothing::call().priority(i32::MIN));
            if last.state() == TaskState::Queued {
                break last;
            }
        };
        while !last.is_finished() {
            others.push(pool.submit(nothing::call().priority(1)));
        }
        last.wait().unwrap();
    });
}

#[test]
fn calls_of_a_map_have_priorities_too() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let go = Event::new().unwrap();
        let first = pool.submit(wait_for::call(go.clone()));
        eventually("it runs", || first.state() == TaskState::Running);
        let (notes, noted) = channel().unwrap();
        let notes: &'static Sender<u32> = Box::leak(Box::new(notes));
        std::thread::scope(|scope| {
            let pool = &pool;
            let map = scope.spawn(move || {
                let bind = |number| note::call(number, notes).priority(-1);
                pool.map(bind, 0..8)
                    .chunk_size(2)
                    .for_each(|it| it.unwrap());
            });
            eventually("two groups of the map wait", || pool.queued() >= 4);
            let urgent = pool.submit(note::call(100, notes));
            go.set();
            urgent.wait().unwrap();
            map.join().unwrap();
        });
        let order: Vec<u32> = (0..9).map(|_| noted.recv().unwrap()).collect();
        assert_eq!(order, [100, 0, 1, 2, 3, 4, 5, 6, 7]);
    });
}

#[test]
fn a_process_of_its_own_has_no_priority_and_no_retries() {
    #[worker]
    fn nothing() {}

    let with = [nothing::call().priority(1), nothing::call().retries(0)];
    for (call, name) in with.into_iter().zip(["priority", "retries"]) {
        let error = call.timeout(Duration::from_secs(60)).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("Pool"), "{text}");
    }
    for (call, name) in [
        (nothing::call().priority(0), "priority"),
        (nothing::call().retries(1), "retries"),
    ] {
        let error = multiproc::Pool::builder()
            .workers(1)
            .initializer(call)
            .build()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(name), "{error}");
    }
}
