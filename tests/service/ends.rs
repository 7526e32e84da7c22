//! A service ends in good order, or with its parent.

use std::thread;
use std::time::{Duration, Instant};

use multiproc::channel::{Receiver, Sender, channel};
use multiproc::{ErrorKind, Process, Service, ServiceEvent, StartMethod, worker};
use rustix::process::Signal;

use crate::subject::{
    Death, LONG, MANY, SubjectClient, Told, hold, is_closed, is_over, next, signal,
};
use crate::support::{Pidfd, cases, children};

cases! {
    it_ends_when_it_and_its_clients_are_dropped
    it_serves_the_clients_that_are_left
    it_ends_with_the_last_client_though_that_is_killed
    a_client_on_its_way_is_a_client
    a_client_that_is_not_received_is_none
    what_takes_the_object_is_the_last
    a_shutdown_drains
    a_shutdown_ends_in_time
    it_can_be_killed
    it_dies_with_its_parent
    a_drop_that_panics_is_told
}

/// One that tells of its end.
fn spawn(method: StartMethod) -> (Service<SubjectClient>, Receiver<Told>) {
    let (tell, told) = channel().unwrap();
    let service = SubjectClient::telling(tell).start_method(method);
    // What ends in good order is not made anew.
    let service = service.restarts(MANY.0, MANY.1).spawn().unwrap();
    assert_eq!(next(&told), Told::Made(service.id()));
    (service, told)
}

fn it_ends_when_it_and_its_clients_are_dropped(method: StartMethod) {
    let (service, told) = spawn(method);
    let (client, id) = (service.client(), service.id());
    for note in 0..100 {
        service.note(note).notify().unwrap();
    }
    drop(client);
    drop(service);
    // That has waited for it.
    assert!(!children().contains(&id));
    assert_eq!(told.try_recv(), Ok(Told::Dropped(100)));
    is_over(&told);
    // The client last.
    let (service, told) = spawn(method);
    let client = service.client();
    let more = client.clone();
    drop(service);
    assert_eq!(client.note(1).run().unwrap(), 1);
    drop(client);
    assert_eq!(more.note(1).run().unwrap(), 2);
    drop(more);
    assert_eq!(next(&told), Told::Dropped(2));
    is_over(&told);
}

/// Has a client until it is let go; takes notes before and after.
#[worker]
fn keep(client: SubjectClient, known: Sender<()>, go: Receiver<()>) {
    client.note(1).run().unwrap();
    known.send(()).unwrap();
    let _ = go.recv();
    for note in 0..10 {
        client.note(note).notify().unwrap();
    }
}

/// A process that has a client, and what it waits for.
fn keeper(method: StartMethod, client: SubjectClient) -> (Process<()>, Sender<()>) {
    let (know, known) = channel().unwrap();
    let (go, going) = channel().unwrap();
    let process = keep::call(client, know, going).start_method(method);
    let process = process.spawn().unwrap();
    next(&known);
    (process, go)
}

fn it_serves_the_clients_that_are_left(method: StartMethod) {
    let (service, told) = spawn(method);
    let (process, go) = keeper(method, service.client());
    let mut events = service.events();
    drop(service);
    assert!(told.try_recv().is_err());
    go.send(()).unwrap();
    process.join().unwrap();
    assert_eq!(next(&told), Told::Dropped(11));
    is_over(&told);
    let last = events.next_timeout(LONG);
    assert!(matches!(last, Some(ServiceEvent::Ended)), "{last:?}");
    // It is made anew for them.
    let (service, told) = spawn(method);
    let (process, go) = keeper(method, service.client());
    let id = service.id();
    drop(service);
    signal(id, Signal::KILL);
    assert!(matches!(next(&told), Told::Made(_)));
    go.send(()).unwrap();
    process.join().unwrap();
    assert_eq!(next(&told), Told::Dropped(10));
}

fn it_ends_with_the_last_client_though_that_is_killed(method: StartMethod) {
    let (service, told) = spawn(method);
    let (process, _go) = keeper(method, service.client());
    drop(service);
    process.kill();
    assert_eq!(process.join().unwrap_err().kind(), ErrorKind::Signaled);
    assert_eq!(next(&told), Told::Dropped(1));
    is_over(&told);
}

/// Sends a client to itself, and dies before it receives it.
#[worker]
fn send_to_nobody(client: SubjectClient) {
    let (sender, _receiver) = channel().unwrap();
    for length in [0, 1 << 20] {
        let item = (vec![0_u8; length], client.clone());
        let _ = sender.send_timeout(item, Duration::from_millis(20));
    }
    signal(std::process::id(), Signal::KILL);
}

fn a_client_on_its_way_is_a_client(method: StartMethod) {
    let (service, told) = spawn(method);
    let (sender, receiver) = channel().unwrap();
    sender.send(service.client()).unwrap();
    drop(service);
    thread::sleep(Duration::from_millis(50));
    assert!(told.try_recv().is_err());
    let client: SubjectClient = next(&receiver);
    assert_eq!(client.note(1).run().unwrap(), 1);
    drop(client);
    assert_eq!(next(&told), Told::Dropped(1));
    is_over(&told);
}

fn a_client_that_is_not_received_is_none(method: StartMethod) {
    // The channel is dropped with it.
    let (service, told) = spawn(method);
    let (sender, receiver) = channel().unwrap();
    sender.send(service.client()).unwrap();
    drop(service);
    drop(receiver);
    drop(sender);
    assert_eq!(next(&told), Told::Dropped(0));
    is_over(&told);
    // Who has sent it dies.
    let (service, told) = spawn(method);
    let process = send_to_nobody::call(service.client()).start_method(method);
    let process = process.spawn().unwrap();
    drop(service);
    assert_eq!(process.join().unwrap_err().kind(), ErrorKind::Signaled);
    assert_eq!(next(&told), Told::Dropped(0));
    is_over(&told);
}

fn what_takes_the_object_is_the_last(method: StartMethod) {
    let (service, told) = spawn(method);
    let mut events = service.events();
    let held = hold(&service);
    let before = service.note(1).start();
    let last = service.close().start();
    let later = [service.note(2).start(), service.note(3).start()];
    held.release().wait().unwrap();
    assert_eq!(before.wait().unwrap(), 2);
    assert_eq!(last.wait().unwrap(), 2);
    for pending in later {
        assert_eq!(is_closed(pending.wait()), "the service has ended");
    }
    is_closed(service.note(4).run());
    is_closed(service.close().run());
    assert_eq!(next(&told), Told::Dropped(2));
    is_over(&told);
    let last = events.next_timeout(LONG);
    assert!(matches!(last, Some(ServiceEvent::Ended)), "{last:?}");
    service.shutdown().unwrap();
}

fn a_shutdown_drains(method: StartMethod) {
    let (service, told) = spawn(method);
    let client = service.client();
    let (process, go) = keeper(method, service.client());
    let held = hold(&service);
    let queued: Vec<_> = (0..20).map(|note| service.note(note).start()).collect();
    let ending = thread::spawn(move || service.shutdown());
    // Those that come from now on are not let in.
    let late = loop {
        match client.note(99).notify() {
            Ok(()) => thread::sleep(Duration::from_millis(1)),
            Err(error) => break error,
        }
    };
    assert_eq!(late.kind(), ErrorKind::Closed);
    assert!(!ending.is_finished());
    is_closed(client.note(99).run());
    held.release().wait().unwrap();
    for (place, pending) in queued.into_iter().enumerate() {
        assert_eq!(pending.wait().unwrap(), place + 3);
    }
    ending.join().unwrap().unwrap();
    let Told::Dropped(notes) = next(&told) else {
        panic!("it was made anew");
    };
    assert!(notes >= 22, "{notes}");
    is_over(&told);
    // It finds the service closed.
    go.send(()).unwrap();
    assert_eq!(process.join().unwrap_err().kind(), ErrorKind::Panicked);
}

fn a_shutdown_ends_in_time(method: StartMethod) {
    let (service, told) = spawn(method);
    let held = hold(&service);
    let queued = service.note(1).start();
    let begin = Instant::now();
    assert!(
        !service
            .shutdown_timeout(Duration::from_millis(100))
            .unwrap()
    );
    assert!(begin.elapsed() >= Duration::from_millis(100));
    Death::Kill.check(&held.pending.wait().unwrap_err());
    is_closed(queued.wait());
    is_over(&told);
    let (service, told) = spawn(method);
    let queued = service.note(1).start();
    assert!(service.shutdown_timeout(LONG).unwrap());
    assert_eq!(queued.wait().unwrap(), 1);
    assert_eq!(next(&told), Told::Dropped(1));
}

fn it_can_be_killed(method: StartMethod) {
    let (service, told) = spawn(method);
    let held = hold(&service);
    let queued = service.note(1).start();
    service.kill();
    Death::Kill.check(&held.pending.wait().unwrap_err());
    is_closed(queued.wait());
    is_over(&told);
    service.kill();
    assert!(service.shutdown().is_err());
}

/// Has a service, and tells of it.
#[worker]
fn have_a_service(told: Sender<(u32, SubjectClient)>, events: Sender<Told>, by_spawn: bool) {
    let method = if by_spawn {
        StartMethod::Spawn
    } else {
        StartMethod::ForkServer
    };
    let service = SubjectClient::telling(events).start_method(method);
    let service = service.restarts(MANY.0, MANY.1).spawn().unwrap();
    told.send((service.id(), service.client())).unwrap();
    loop {
        thread::park();
    }
}

/// Asks until there is no service, with a request that is queued and one after the other.
#[worker]
fn ask_until_it_ends(client: SubjectClient, known: Sender<()>) {
    let queued = client.note(1).start();
    known.send(()).unwrap();
    assert_eq!(is_closed(queued.wait()), "the service has ended");
    is_closed(client.note(2).run());
    is_closed(client.note(3).notify());
}

fn it_dies_with_its_parent(method: StartMethod) {
    let (tell, told) = channel().unwrap();
    let (events, of_service) = channel().unwrap();
    let by_spawn = method == StartMethod::Spawn;
    let parent = have_a_service::call(tell, events, by_spawn);
    let parent = parent.start_method(method).spawn().unwrap();
    let (id, client) = next(&told);
    assert_eq!(next(&of_service), Told::Made(id));
    let service = Pidfd::of(id);
    let held = hold(&client);
    let queued = client.note(1).start();
    let (know, known) = channel().unwrap();
    let other = ask_until_it_ends::call(client.clone(), know);
    let other = other.start_method(method).spawn().unwrap();
    next(&known);
    parent.kill();
    assert_eq!(is_closed(held.pending.wait()), "the service has ended");
    assert_eq!(is_closed(queued.wait()), "the service has ended");
    is_closed(client.note(2).run());
    other.join().unwrap();
    assert_eq!(parent.join().unwrap_err().kind(), ErrorKind::Signaled);
    service.wait();
    // It was not dropped, nor made anew.
    is_over(&of_service);
    // A process that hears of it only now.
    let (know, _known) = channel().unwrap();
    let late = ask_until_it_ends::call(client, know).start_method(method);
    late.run().unwrap();
}

struct Clinging;

#[multiproc::service]
impl Clinging {
    fn new() -> Self {
        Clinging
    }

    fn number(&self) -> u32 {
        7
    }
}

impl Drop for Clinging {
    fn drop(&mut self) {
        panic!("it clings");
    }
}

fn a_drop_that_panics_is_told(method: StartMethod) {
    let service = ClingingClient::new().start_method(method);
    let service = service.restarts(MANY.0, MANY.1).spawn().unwrap();
    assert_eq!(service.number().run().unwrap(), 7);
    let error = service.shutdown().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked, "{error}");
    assert_eq!(error.panic().unwrap().message(), "it clings");
}
