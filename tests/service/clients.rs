//! A process of a client is killed or stopped, and others go on.

use std::thread;
use std::time::Duration;

use multiproc::channel::{Receiver, Sender, channel};
use multiproc::{ErrorKind, Process, StartMethod, worker};
use rustix::process::Signal;

use crate::subject::{LONG, SubjectClient, eventually, hold, next, signal};
use crate::support::{cases, descriptors};

cases! {
    one_is_killed_in_the_middle_of_its_request
    one_is_killed_whose_request_is_queued
    one_is_killed_that_waits_for_room
    ones_are_killed_in_the_middle_of_sending
    one_is_stopped_that_has_much_to_receive
    those_that_come_and_go_leave_nothing
}

fn kill<R: std::fmt::Debug>(process: Process<R>) {
    process.kill();
    assert_eq!(process.join().unwrap_err().kind(), ErrorKind::Signaled);
}

/// Has the service busy for ever.
#[worker]
fn occupy(client: SubjectClient, begun: Sender<u32>, go: Receiver<()>) {
    client.hold(begun, go).run().unwrap();
}

fn one_is_killed_in_the_middle_of_its_request(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    for round in 0..5 {
        let (begun, told) = channel().unwrap();
        let (go, going) = channel().unwrap();
        let process = occupy::call(service.client(), begun, going);
        let process = process.start_method(method).spawn().unwrap();
        assert_eq!(next(&told), service.id());
        let queued = service.note(1).start();
        kill(process);
        // A request that is begun runs on.
        assert!(
            queued
                .wait_timeout(Duration::from_millis(20))
                .unwrap()
                .is_none()
        );
        go.send(()).unwrap();
        assert_eq!(queued.wait().unwrap(), 2 * (round + 1));
    }
}

/// Has many requests queued, some large.
#[worker]
fn queue_up(client: SubjectClient, sent: Sender<()>) {
    let pendings: Vec<_> = (0..10)
        .map(|place| client.fill(place << 18, 1).start())
        .collect();
    sent.send(()).unwrap();
    for pending in pendings {
        pending.wait().unwrap();
    }
}

fn one_is_killed_whose_request_is_queued(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    for round in 0..3 {
        let held = hold(&service);
        let (sent, told) = channel().unwrap();
        let process = queue_up::call(service.client(), sent).start_method(method);
        let process = process.spawn().unwrap();
        next(&told);
        let behind = service.note(1).start();
        kill(process);
        held.release().wait().unwrap();
        assert_eq!(behind.wait().unwrap(), 2 * (round + 1));
    }
    service.shutdown().unwrap();
}

/// Notifies for ever.
#[worker]
fn flood(client: SubjectClient, begun: Sender<()>) {
    begun.send(()).unwrap();
    while client.note(0).notify().is_ok() {}
}

fn one_is_killed_that_waits_for_room(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    for _ in 0..5 {
        let held = hold(&service);
        let (begun, told) = channel().unwrap();
        let process = flood::call(service.client(), begun).start_method(method);
        let process = process.spawn().unwrap();
        next(&told);
        eventually("the queue is full", || {
            let probe = service.note(1).timeout(Duration::from_millis(20));
            let error = probe.run().unwrap_err();
            error
                .to_string()
                .contains("the queue of the service is full")
        });
        kill(process);
        held.release().wait().unwrap();
        service.notes().run().unwrap();
    }
    service.shutdown().unwrap();
}

/// Pushes many MiB for ever.
#[worker]
fn push(client: SubjectClient, begun: Sender<()>) {
    let bytes = vec![1; 24 << 20];
    begun.send(()).unwrap();
    loop {
        assert_eq!(client.length(&bytes).run().unwrap(), bytes.len());
    }
}

fn ones_are_killed_in_the_middle_of_sending(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    for round in 0..12_u64 {
        let (begun, told) = channel().unwrap();
        let process = push::call(service.client(), begun).start_method(method);
        let process = process.spawn().unwrap();
        next(&told);
        let others = thread::spawn({
            let client = service.client();
            move || {
                for length in [0, 100, 1 << 20] {
                    let bytes = vec![2; length];
                    assert_eq!(client.echo(bytes.clone()).run().unwrap(), bytes);
                }
            }
        });
        thread::sleep(Duration::from_micros(1500 * round));
        kill(process);
        others.join().unwrap();
        assert_eq!(
            service.note(round).timeout(LONG).run().unwrap() as u64,
            round + 1
        );
    }
    service.shutdown().unwrap();
}

/// Stops, and then takes what has come.
#[worker]
fn stop(client: SubjectClient, known: Sender<()>, go: Receiver<()>) {
    client.note(0).run().unwrap();
    known.send(()).unwrap();
    go.recv().unwrap();
    let large: Vec<_> = (0..6)
        .map(|byte| (byte, client.fill(3 << 20, byte).start()))
        .collect();
    let small: Vec<_> = (0..50).map(|_| client.identify().start()).collect();
    signal(std::process::id(), Signal::STOP);
    for (byte, pending) in large {
        assert_eq!(pending.wait().unwrap(), vec![byte; 3 << 20]);
    }
    for pending in small {
        pending.wait().unwrap();
    }
}

fn one_is_stopped_that_has_much_to_receive(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let (know, known) = channel().unwrap();
    let (go, going) = channel().unwrap();
    let process = stop::call(service.client(), know, going).start_method(method);
    let process = process.spawn().unwrap();
    next(&known);
    let id = process.id();
    go.send(()).unwrap();
    eventually("it is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        stat.contains(") T ")
    });
    for note in 0..200 {
        let done = service.note(note).timeout(LONG).run();
        assert_eq!(done.unwrap() as u64, note + 2);
    }
    assert_eq!(service.fill(1 << 20, 7).run().unwrap(), vec![7; 1 << 20]);
    signal(id, Signal::CONT);
    process.join().unwrap();
    // The end does not wait for ever for one that is stopped.
    let (know, known) = channel().unwrap();
    let (go, going) = channel().unwrap();
    let process = stop::call(service.client(), know, going).start_method(method);
    let process = process.spawn().unwrap();
    next(&known);
    go.send(()).unwrap();
    let id = process.id();
    eventually("it is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        stat.contains(") T ")
    });
    service.shutdown().unwrap();
    kill(process);
}

/// Sends one request, and leaves others without a word.
#[worker]
fn come_and_go(client: SubjectClient, leaves: bool) -> usize {
    let done = client.note(1).run().unwrap();
    if leaves {
        drop(client.nap(1).start());
        client.note(2).notify().unwrap();
        std::process::exit(9);
    }
    done
}

fn those_that_come_and_go_leave_nothing(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let come = |leaves| {
        let call = come_and_go::call(service.client(), leaves);
        call.start_method(method).run()
    };
    let open = |id: u32| std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    come(false).unwrap();
    service.note(0).run().unwrap();
    let (here, there) = (descriptors(), open(service.id()));
    for round in 0..20 {
        assert_eq!(come(round % 2 == 0).is_err(), round % 2 == 0);
    }
    // Of those that are gone is heard soon.
    eventually("descriptors are closed", || {
        service.note(0).run().unwrap();
        descriptors() <= here + 1 && open(service.id()) <= there + 1
    });
    service.shutdown().unwrap();
}
