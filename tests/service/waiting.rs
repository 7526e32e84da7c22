//! Ways to wait for what a service answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use multiproc::channel::{Sender, channel};
use multiproc::{
    Completion, ErrorKind, Pending, Pool, StartMethod, as_completed, service, wait_all, wait_any,
    worker,
};
use rustix::process::Signal;

use crate::subject::{Death, HELD, LONG, SubjectClient, eventually, hold, next, signal};
use crate::support::{cases, threads};

cases! {
    requests_are_awaited_on_any_executor
    futures_can_be_dropped_at_any_time
    a_request_is_waited_for_with_tasks_and_processes
    many_threads_wait_for_different_replies
    who_reads_for_others_can_give_up
    the_state_is_the_truth
    methods_can_be_async
    tasks_of_a_pool_ask_a_service
    services_ask_in_parallel
    a_death_wakes_all_that_wait
}

#[worker]
fn square(x: u64) -> u64 {
    x * x
}

#[worker]
fn doze(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

fn tokio() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap()
}

fn requests_are_awaited_on_any_executor(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    tokio().block_on(async {
        for note in 0..50 {
            assert_eq!(service.note(note).await.unwrap() as u64, note + 1);
        }
        let pendings: Vec<_> = (0..50).map(|note| service.note(note).start()).collect();
        for (place, pending) in pendings.into_iter().enumerate() {
            assert_eq!(pending.await.unwrap(), place + 51);
        }
        let bytes = vec![3; 5 << 20];
        assert_eq!(service.echo(bytes.clone()).await.unwrap(), bytes);
        let error = service.die(Death::Abort).await.unwrap_err();
        Death::Abort.check(&error);
        assert_eq!(service.note(1).await.unwrap_err().kind(), ErrorKind::Closed);
    });
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    smol::block_on(async {
        let executor = smol::LocalExecutor::new();
        let client = service.client();
        let tasks: Vec<_> = (0..200)
            .map(|note| {
                let client = client.clone();
                executor.spawn(async move { client.note(note).await.unwrap() })
            })
            .collect();
        executor
            .run(async {
                let mut counts = BTreeSet::new();
                for task in tasks {
                    counts.insert(task.await);
                }
                // There is not room for all of them at once, and any may have it first.
                assert_eq!(counts, (1..201).collect());
            })
            .await;
    });
    // On threads of an executor.
    let executor = Arc::new(smol::Executor::new());
    let (stop, stopped) = smol::channel::bounded::<()>(1);
    thread::scope(|scope| {
        for _ in 0..3 {
            let (executor, stopped) = (Arc::clone(&executor), stopped.clone());
            scope.spawn(move || smol::block_on(executor.run(stopped.recv())));
        }
        let tasks: Vec<_> = (0..300)
            .map(|_| {
                let client = service.client();
                executor.spawn(async move { client.note(1).await.unwrap() })
            })
            .collect();
        let counts: BTreeSet<_> = tasks.into_iter().map(smol::block_on).collect();
        assert_eq!(counts, (201..501).collect());
        drop(stop);
    });
}

fn futures_can_be_dropped_at_any_time(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    tokio().block_on(async {
        for micros in 0..60 {
            let limit = Duration::from_micros(micros * 5);
            let limited = tokio::time::timeout(limit, service.length(&[1; 1000]).into_future());
            if let Ok(length) = limited.await {
                assert_eq!(length.unwrap(), 1000);
            }
            let pending = service.fill(200_000, 5).start();
            if let Ok(filled) = tokio::time::timeout(limit, pending).await {
                assert_eq!(filled.unwrap(), vec![5; 200_000]);
            }
        }
        // Unsent ones too.
        drop(service.note(1));
        drop(service.note(1).into_future());
        assert!(service.notes().await.unwrap().is_empty());
    });
    let held = hold(&service);
    let mut futures: Vec<_> = (0..20)
        .map(|note| Box::pin(service.note(note).into_future()))
        .collect();
    for future in &mut futures {
        assert!(smol::block_on(smol::future::poll_once(future)).is_none());
    }
    futures.truncate(5);
    held.release().wait().unwrap();
    for (place, future) in futures.into_iter().enumerate() {
        assert_eq!(smol::block_on(future).unwrap(), place + 2);
    }
    assert_eq!(service.notes().run().unwrap(), [HELD, 0, 1, 2, 3, 4]);
}

fn a_request_is_waited_for_with_tasks_and_processes(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let other = SubjectClient::new().start_method(method).spawn().unwrap();
    let pool = Pool::builder()
        .workers(1)
        .start_method(method)
        .build()
        .unwrap();
    let task = pool.submit(square::call(5));
    let process = square::call(6).start_method(method).spawn().unwrap();
    let held = hold(&service);
    let (quick, slow) = (other.note(1).start(), service.note(1).start());
    let all: [&dyn Completion; 5] = [&held.pending, &slow, &quick, &task, &process];
    assert!(wait_all(&all[2..], LONG));
    assert!(!wait_all(&all, Duration::from_millis(5)));
    assert_eq!(wait_any(&all[..2], Duration::from_millis(5)), None);
    assert_eq!(wait_any(&all[..3], LONG), Some(2));
    assert_eq!(quick.wait().unwrap(), 1);
    held.release().wait().unwrap();
    assert_eq!(wait_any(&[&slow], LONG), Some(0));
    assert!(wait_all(&[&slow], Duration::ZERO));
    assert_eq!(slow.wait().unwrap(), 2);
    assert_eq!((task.wait().unwrap(), process.join().unwrap()), (25, 36));

    let held = hold(&service);
    let pendings: Vec<Pending<usize>> = vec![
        service.note(1).start(),
        other.note(1).start(),
        service.die(Death::Kill).start(),
        service.note(1).start(),
        other.note(1).timeout(LONG).start(),
    ];
    let mut completed = as_completed(pendings);
    let first = [completed.next().unwrap(), completed.next().unwrap()].map(|(place, result)| {
        result.unwrap();
        place
    });
    assert_eq!(BTreeSet::from(first), BTreeSet::from([1, 4]));
    assert!(completed.next_timeout(Duration::from_millis(2)).is_err());
    held.release().wait().unwrap();
    let mut rest: Vec<_> = completed.collect();
    rest.sort_by_key(|(place, _)| *place);
    let [(0, first), (2, killed), (3, closed)] = &rest[..] else {
        panic!("{rest:?}");
    };
    assert_eq!(*first.as_ref().unwrap(), 4);
    Death::Kill.check(killed.as_ref().unwrap_err());
    assert_eq!(closed.as_ref().unwrap_err().kind(), ErrorKind::Closed);
    // Together with channels.
    let (sender, receiver) = channel::<u32>().unwrap();
    let held = hold(&other);
    let behind = other.note(1).start();
    let sources: [&dyn multiproc::channel::Source; 2] = [&behind, &receiver];
    let soon = Some(Duration::from_millis(5));
    assert!(multiproc::channel::wait(&sources, soon).unwrap().is_empty());
    sender.send(1).unwrap();
    assert_eq!(multiproc::channel::wait(&sources, None).unwrap(), [1]);
    held.release().wait().unwrap();
    eventually("both are ready", || {
        multiproc::channel::wait(&sources, None).unwrap() == [0, 1]
    });
    assert_eq!(behind.wait().unwrap(), 5);
}

/// An object that answers late or soon, whatever came first.
struct Mixed;

#[service(threads = 4)]
impl Mixed {
    fn new() -> Self {
        Mixed
    }

    fn answer(&self, number: u64, micros: u64, length: usize) -> (u64, Vec<u8>) {
        thread::sleep(Duration::from_micros(micros));
        (number, vec![number as u8; length])
    }
}

#[track_caller]
fn check_answer(number: u64, length: usize, answer: multiproc::Result<(u64, Vec<u8>)>) {
    assert!(answer.unwrap() == (number, vec![number as u8; length]));
}

/// Asks many things in many ways, from many threads.
fn ask_much(client: &MixedClient, threads: u64, requests: u64) {
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for request in 0..requests {
                    let number = thread * 1000 + request;
                    let length = if number % 41 == 0 { 600_000 } else { 10 };
                    let asked = client.answer(number, number * 37 % 1500, length);
                    match number % 5 {
                        0 => check_answer(number, length, smol::block_on(asked.into_future())),
                        1 => {
                            let pending = asked.start();
                            let limit = Duration::from_micros(300);
                            let answer = loop {
                                if let Some(answer) = pending.wait_timeout(limit).unwrap() {
                                    break answer;
                                }
                            };
                            check_answer(number, length, Ok(answer));
                        }
                        2 => {
                            let pending = asked.start();
                            assert!(wait_all(&[&pending], LONG));
                            check_answer(number, length, pending.wait());
                        }
                        3 => {
                            // Given up at once.
                            drop(asked.start());
                        }
                        _ => check_answer(number, length, asked.run()),
                    }
                }
            });
        }
    });
}

#[worker]
fn ask_much_there(client: MixedClient) {
    ask_much(&client, 4, 40);
}

fn many_threads_wait_for_different_replies(method: StartMethod) {
    let service = MixedClient::new().start_method(method).spawn().unwrap();
    let other = ask_much_there::call(service.client()).start_method(method);
    let other = other.spawn().unwrap();
    ask_much(&service, 8, 60);
    other.join().unwrap();
}

/// A thread that reads what comes for others stops, or is not there when it is needed.
fn who_reads_for_others_can_give_up(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    for round in 0..20_usize {
        let held = hold(&service);
        let behind = service.note(1).start();
        let waited = thread::scope(|scope| {
            // It reads first.
            let first = &held.pending;
            let reader = scope.spawn(|| first.wait_timeout(Duration::from_millis(5)));
            let waiting = scope.spawn(|| behind.wait_timeout(LONG));
            assert!(reader.join().unwrap().unwrap().is_none());
            assert!(!waiting.is_finished());
            held.let_go();
            waiting.join().unwrap()
        });
        assert_eq!(waited.unwrap(), Some(2 * round + 2));
    }
    // No thread for each of them.
    let held = hold(&service);
    let before = threads();
    let pendings: Vec<_> = (0..50).map(|_| service.identify().start()).collect();
    assert!(!wait_all(&pendings, Duration::from_millis(1)));
    assert!(threads() <= before + 2);
    drop(held);
    for pending in pendings {
        pending.wait().unwrap();
    }
}

fn the_state_is_the_truth(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let held = hold(&service);
    let behind = service.note(1).start();
    assert!(!held.pending.is_finished() && !behind.is_finished());
    let limit = Duration::from_millis(1);
    assert!(behind.wait_timeout(limit).unwrap().is_none());
    let held = held.release();
    // A loop over this ends.
    eventually("both are finished", || {
        behind.is_finished() && held.is_finished()
    });
    assert_eq!(behind.wait_timeout(Duration::ZERO).unwrap(), Some(2));
    let error = behind.wait_timeout(Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    held.wait().unwrap();
    assert!(format!("{behind:?}").contains("note"), "{behind:?}");
}

/// An object whose methods are futures.
struct Async(u64);

#[service(runtime = smol::block_on)]
impl Async {
    async fn begin(at: u64) -> Result<Self, String> {
        smol::Timer::after(Duration::from_millis(1)).await;
        if at > 100 {
            return Err(format!("{at} is too far"));
        }
        Ok(Async(at))
    }

    async fn add(&mut self, more: u64) -> u64 {
        smol::Timer::after(Duration::from_micros(100)).await;
        self.0 += more;
        self.0
    }

    async fn ask(&self, other: SubjectClient) -> u32 {
        other.identify().await.unwrap()
    }

    async fn end(self) -> u64 {
        self.0
    }
}

fn methods_can_be_async(method: StartMethod) {
    let service = AsyncClient::begin(5).start_method(method).spawn().unwrap();
    let adding: Vec<_> = (0..20).map(|_| service.add(2).start()).collect();
    for (place, pending) in (1..).zip(adding) {
        assert_eq!(pending.wait().unwrap(), 5 + 2 * place);
    }
    let other = SubjectClient::new().start_method(method).spawn().unwrap();
    assert_eq!(service.ask(other.client()).run().unwrap(), other.id());
    assert_eq!(smol::block_on(service.end().into_future()).unwrap(), 45);
    let error = AsyncClient::begin(101)
        .start_method(method)
        .spawn()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Returned);
    assert!(error.to_string().ends_with("101 is too far"), "{error}");
}

#[worker]
fn ask(client: &SubjectClient, note: u64) -> usize {
    client.note(note).run().unwrap()
}

fn tasks_of_a_pool_ask_a_service(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let pool = Pool::builder()
        .workers(3)
        .start_method(method)
        .build()
        .unwrap();
    let client = service.client();
    let counts = pool.map(|note| ask::call(&client, note), 0..100);
    let counts: BTreeSet<_> = counts.map(Result::unwrap).collect();
    assert_eq!(counts, (1..=100).collect());
    let mut notes = service.notes().run().unwrap();
    notes.sort_unstable();
    assert_eq!(notes, (0..100).collect::<Vec<_>>());
    // The processes of a pool that have a client keep the service.
    pool.shutdown().unwrap();
}

/// An object that asks others, several at once.
struct Asking(Vec<SubjectClient>);

#[service]
impl Asking {
    fn of(others: Vec<SubjectClient>) -> Self {
        Asking(others)
    }

    fn ask_all(&self) -> usize {
        let pendings: Vec<_> = self.0.iter().map(|other| other.note(1).start()).collect();
        as_completed(pendings)
            .map(|(_, count)| count.unwrap())
            .sum()
    }

    fn tell(&self, told: Sender<u32>) {
        for other in &self.0 {
            told.send(other.identify().run().unwrap()).unwrap();
        }
    }
}

fn services_ask_in_parallel(method: StartMethod) {
    let others = [(); 3].map(|()| SubjectClient::new().start_method(method).spawn().unwrap());
    let clients = others.iter().map(multiproc::Service::client).collect();
    let asking = AskingClient::of(clients)
        .start_method(method)
        .spawn()
        .unwrap();
    for round in 1..=10 {
        assert_eq!(asking.ask_all().run().unwrap(), 3 * round);
    }
    let (tell, told) = channel().unwrap();
    asking.tell(tell).run().unwrap();
    assert_eq!(
        [(); 3].map(|()| next(&told)),
        others.each_ref().map(multiproc::Service::id)
    );
}

fn a_death_wakes_all_that_wait(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let held = hold(&service);
    let queued: Vec<_> = (0..5).map(|note| service.note(note).start()).collect();
    let id = service.id();
    thread::scope(|scope| {
        let mut waiting = Vec::new();
        for (place, pending) in queued.into_iter().enumerate() {
            waiting.push(scope.spawn(move || {
                if place % 2 == 0 {
                    pending.wait()
                } else {
                    smol::block_on(pending)
                }
            }));
        }
        thread::sleep(Duration::from_millis(5));
        signal(id, Signal::KILL);
        Death::Kill.check(&held.pending.wait().unwrap_err());
        for thread in waiting {
            let error = thread.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed);
        }
    });
    let process = doze::call(1).start_method(method).spawn().unwrap();
    process.join().unwrap();
}
