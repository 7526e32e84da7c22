//! What is run when.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use multiproc::channel::{Receiver, Sender, channel};
use multiproc::sync::Barrier;
use multiproc::{ErrorKind, StartMethod, service, worker};
use rustix::process::Signal;

use crate::subject::{Death, HELD, LONG, SubjectClient, eventually, hold, next, signal};
use crate::support::cases;

cases! {
    requests_of_one_thread_are_run_in_their_order
    those_of_many_threads_and_processes_too
    those_that_were_not_begun_keep_their_order_when_it_dies
    a_full_queue_blocks
    a_full_queue_is_waited_for_by_many_processes
    what_is_dropped_before_it_was_begun_is_not_run
    what_is_dropped_after_it_was_begun_runs_on
    some_are_run_at_once
    one_that_changes_the_object_is_alone
    the_last_one_waits_for_those_that_run
}

/// An object that keeps whose requests came when.
#[derive(Default)]
struct Diary(Vec<(u32, u32)>);

#[service(queue = 3)]
impl Diary {
    fn new() -> Self {
        Diary::default()
    }

    fn write(&mut self, author: u32, number: u32) -> u32 {
        self.0.push((author, number));
        number
    }

    fn read(&self) -> Vec<(u32, u32)> {
        self.0.clone()
    }

    fn hold(&self, begun: Sender<()>, go: Receiver<()>) {
        let _ = begun.send(());
        let _ = go.recv();
    }
}

/// Sends so many requests, in all the ways there are.
fn write(client: &DiaryClient, author: u32, count: u32) {
    let mut started = Vec::new();
    for number in 0..count {
        let request = client.write(author, number);
        match number % 4 {
            0 => request.notify().unwrap(),
            1 => assert_eq!(request.run().unwrap(), number),
            2 => started.push((number, request.start())),
            _ => assert_eq!(smol::block_on(request.into_future()).unwrap(), number),
        }
    }
    for (number, pending) in started {
        assert_eq!(pending.wait().unwrap(), number);
    }
}

fn requests_of_one_thread_are_run_in_their_order(method: StartMethod) {
    let service = DiaryClient::new().start_method(method).spawn().unwrap();
    write(&service, 0, 1000);
    let expected: Vec<_> = (0..1000).map(|number| (0, number)).collect();
    assert_eq!(service.read().run().unwrap(), expected);
}

#[worker]
fn write_by_two(client: DiaryClient, author: u32, count: u32) {
    thread::scope(|scope| {
        for author in [author, author + 1] {
            let client = &client;
            scope.spawn(move || write(client, author, count));
        }
    });
}

fn those_of_many_threads_and_processes_too(method: StartMethod) {
    let service = DiaryClient::new().start_method(method).spawn().unwrap();
    let processes = [2, 4, 6].map(|author| {
        let call = write_by_two::call(service.client(), author, 100);
        call.start_method(method).spawn().unwrap()
    });
    thread::scope(|scope| {
        for author in 0..2 {
            let client = service.client();
            scope.spawn(move || write(&client, author, 100));
        }
    });
    for process in processes {
        process.join().unwrap();
    }
    let all = service.read().run().unwrap();
    assert_eq!(all.len(), 800);
    for author in 0..8 {
        let of = all.iter().filter(|entry| entry.0 == author);
        let numbers: Vec<_> = of.map(|entry| entry.1).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    }
}

fn those_that_were_not_begun_keep_their_order_when_it_dies(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).restarts(3, LONG);
    let service = service.spawn().unwrap();
    for death in [Death::Kill, Death::Panic, Death::Exit] {
        let held = hold(&service);
        let lost = service.die(death).start();
        let mut pendings = Vec::new();
        for note in 0..40 {
            if note % 3 == 0 {
                service.note(note).notify().unwrap();
            } else {
                pendings.push((note, service.note(note).start()));
            }
        }
        held.release().wait().unwrap();
        death.check(&lost.wait().unwrap_err());
        for (note, pending) in pendings {
            assert_eq!(pending.wait().unwrap() as u64, note + 1);
        }
        let notes = service.notes().run().unwrap();
        assert_eq!(notes, (0..40).collect::<Vec<_>>());
    }
}

/// A full queue of a service that is busy until it is let go.
fn full(method: StartMethod) -> (multiproc::Service<DiaryClient>, Sender<()>) {
    let service = DiaryClient::new().start_method(method).spawn().unwrap();
    let (begun, told) = channel().unwrap();
    let (go, going) = channel().unwrap();
    service.hold(begun, going).notify().unwrap();
    next(&told);
    for number in 0..3 {
        service.write(0, number).notify().unwrap();
    }
    (service, go)
}

fn a_full_queue_blocks(method: StartMethod) {
    let (service, go) = full(method);
    // With a limit.
    let limit = Duration::from_millis(30);
    let text = "request `write` of service `Diary` could not be sent in time: the queue of the service is full";
    let error = service.write(1, 0).timeout(limit).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.to_string(), text);
    let error = service.write(1, 0).timeout(limit).notify().unwrap_err();
    assert_eq!(error.to_string(), text);
    let error = service
        .write(1, 0)
        .timeout(limit)
        .start()
        .wait()
        .unwrap_err();
    assert_eq!(error.to_string(), text);
    let error = smol::block_on(service.write(1, 0).timeout(limit).into_future()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.to_string(), text);
    // A future that is dropped while it waits sends nothing.
    let dropped = smol::block_on(smol::future::poll_once(service.write(2, 0).into_future()));
    assert!(dropped.is_none());
    // Threads and futures, many at once.
    thread::scope(|scope| {
        let blocked: Vec<_> = (0..3)
            .map(|number| {
                scope.spawn({
                    let service = &service;
                    move || service.write(3, number).run()
                })
            })
            .collect();
        let suspended = scope.spawn(|| {
            let executor = smol::LocalExecutor::new();
            smol::block_on(executor.run(async {
                let tasks: Vec<_> = (0..50)
                    .map(|number| executor.spawn(service.write(4, number).into_future()))
                    .collect();
                for (number, task) in (0..).zip(tasks) {
                    assert_eq!(task.await.unwrap(), number);
                }
            }));
        });
        thread::sleep(limit);
        assert!(!suspended.is_finished());
        assert!(blocked.iter().all(|thread| !thread.is_finished()));
        go.send(()).unwrap();
        for (number, thread) in (0..).zip(blocked) {
            assert_eq!(thread.join().unwrap().unwrap(), number);
        }
    });
    let mut authors: Vec<_> = service.read().run().unwrap();
    assert_eq!(authors[..3], [(0, 0), (0, 1), (0, 2)]);
    authors.sort_unstable();
    let expected = (0..3).map(|number| (0, number));
    let expected = expected.chain((0..3).map(|number| (3, number)));
    let expected: Vec<_> = expected.chain((0..50).map(|number| (4, number))).collect();
    assert_eq!(authors, expected);
}

#[worker]
fn write_one(client: DiaryClient, author: u32) -> u32 {
    client.write(author, 7).run().unwrap()
}

fn a_full_queue_is_waited_for_by_many_processes(method: StartMethod) {
    let (service, go) = full(method);
    let spawn = |author| {
        let call = write_one::call(service.client(), author);
        call.start_method(method).spawn().unwrap()
    };
    let mut processes: Vec<_> = (1..7).map(spawn).collect();
    thread::sleep(Duration::from_millis(50));
    // One of them is killed while it waits.
    let killed = processes.remove(2);
    killed.kill();
    assert!(killed.join().is_err());
    go.send(()).unwrap();
    for process in processes {
        assert_eq!(process.join().unwrap(), 7);
    }
    let wrote: Vec<_> = service.read().run().unwrap();
    assert_eq!(wrote.len(), 3 + 5);
}

fn what_is_dropped_before_it_was_begun_is_not_run(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let held = hold(&service);
    let mut pendings: Vec<_> = (0..10)
        .map(|note| Some(service.note(note).start()))
        .collect();
    for place in [0, 3, 4, 9] {
        pendings[place] = None;
    }
    // As futures, which have been polled.
    let mut future = Box::pin(service.note(10).into_future());
    assert!(smol::block_on(smol::future::poll_once(&mut future)).is_none());
    drop(future);
    held.release().wait().unwrap();
    for (place, pending) in pendings.into_iter().flatten().enumerate() {
        assert_eq!(pending.wait().unwrap(), place + 2);
    }
    assert_eq!(service.notes().run().unwrap(), [HELD, 1, 2, 5, 6, 7, 8]);
}

fn what_is_dropped_after_it_was_begun_runs_on(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let held = hold(&service);
    drop(held.release());
    eventually("it is done", || service.notes().run().unwrap() == [HELD]);
}

/// An object that several requests use at once.
#[derive(Default)]
pub(crate) struct Wide {
    running: AtomicUsize,
    log: Mutex<Vec<u32>>,
}

#[service(threads = 4)]
impl Wide {
    pub(crate) fn new() -> Self {
        Wide::default()
    }

    pub(crate) fn park(&self, begun: Sender<()>) {
        begun.send(()).unwrap();
        loop {
            thread::park();
        }
    }

    pub(crate) fn panic(&self) {
        panic!("in parallel");
    }

    pub(crate) fn count(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    fn meet(&self, barrier: Barrier) -> bool {
        barrier.wait_timeout(LONG).unwrap().is_leader()
    }

    /// Counts those that are here.
    fn read(&self, number: u32) -> usize {
        self.log.lock().unwrap().push(number);
        let others = self.running.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_micros(200));
        self.running.fetch_sub(1, SeqCst);
        others
    }

    fn change(&mut self, number: u32) -> usize {
        self.log.get_mut().unwrap().push(number);
        let others = *self.running.get_mut();
        thread::sleep(Duration::from_micros(200));
        others + self.running.load(SeqCst)
    }

    fn identify(&self) -> String {
        thread::sleep(Duration::from_millis(1));
        format!("{:?}", thread::current().id())
    }

    fn log(&mut self) -> Vec<u32> {
        self.log.get_mut().unwrap().clone()
    }

    fn close(self) -> usize {
        self.running.into_inner()
    }
}

fn some_are_run_at_once(method: StartMethod) {
    let service = WideClient::new().start_method(method).spawn().unwrap();
    for _ in 0..10 {
        let barrier = Barrier::new(4).unwrap();
        let meeting: Vec<_> = (0..4)
            .map(|_| service.meet(barrier.clone()).start())
            .collect();
        let leaders = meeting.into_iter().map(|pending| pending.wait().unwrap());
        assert_eq!(leaders.filter(|is_leader| *is_leader).count(), 1);
    }
    // Not more than there are threads.
    let names: Vec<_> = (0..40).map(|_| service.identify().start()).collect();
    let names = names.into_iter().map(|name| name.wait().unwrap());
    let names: std::collections::BTreeSet<_> = names.collect();
    assert!(names.len() <= 4, "{names:?}");
}

fn one_that_changes_the_object_is_alone(method: StartMethod) {
    let service = WideClient::new().start_method(method).spawn().unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            let client = service.client();
            scope.spawn(move || {
                let pendings: Vec<_> = (0..100)
                    .map(|number| {
                        if number % 7 == 0 {
                            (true, client.change(number).start())
                        } else {
                            (false, client.read(number).start())
                        }
                    })
                    .collect();
                for (is_alone, pending) in pendings {
                    let others = pending.wait().unwrap();
                    assert!(others < if is_alone { 1 } else { 4 }, "{others}");
                }
            });
        }
    });
    let log = service.log().run().unwrap();
    assert_eq!(log.len(), 300);
    // What changes the object stands between those before and those after it.
    let service = WideClient::new().start_method(method).spawn().unwrap();
    for number in 0..100 {
        if number % 5 == 4 {
            service.change(number).notify().unwrap();
        } else {
            service.read(number).notify().unwrap();
        }
    }
    let log = service.log().run().unwrap();
    for (place, group) in (0..).zip(log.chunks(5)) {
        let mut group = group.to_vec();
        assert_eq!(group[4], place * 5 + 4);
        group.sort_unstable();
        assert_eq!(group, (place * 5..place * 5 + 5).collect::<Vec<_>>());
    }
}

fn the_last_one_waits_for_those_that_run(method: StartMethod) {
    let service = WideClient::new().start_method(method).spawn().unwrap();
    let reading: Vec<_> = (0..10).map(|number| service.read(number).start()).collect();
    let last = service.close().start();
    let late = service.read(11).start();
    for pending in reading {
        assert!(pending.wait().unwrap() < 4);
    }
    assert_eq!(last.wait().unwrap(), 0);
    assert_eq!(late.wait().unwrap_err().kind(), ErrorKind::Closed);
    service.shutdown().unwrap();
    // A service that is killed fails all that run.
    let service = WideClient::new().start_method(method).spawn().unwrap();
    let (begun, told) = channel().unwrap();
    let parked = [(); 4].map(|()| service.park(begun.clone()).start());
    for _ in 0..4 {
        next(&told);
    }
    signal(service.id(), Signal::KILL);
    for pending in parked {
        Death::Kill.check(&pending.wait().unwrap_err());
    }
}
