//! A process of a service dies, and what follows.

use std::thread;
use std::time::{Duration, Instant};

use multiproc::channel::{Receiver, Sender, channel};
use multiproc::{ErrorKind, Service, ServiceEvent, ServiceEvents, StartMethod, worker};
use rustix::process::Signal;

use crate::subject::{
    Death, HELD, LONG, MANY, Plan, Start, Subject, SubjectClient, Told, hold, is_closed, next,
    signal,
};
use crate::support::cases;

cases! {
    who_runs_a_request_is_told_how_it_ended
    so_is_who_is_another_process
    it_is_told_how_a_process_died_that_was_killed
    a_client_that_reads_late_hears_of_each_death
    what_was_not_begun_is_run_by_the_next
    what_was_not_begun_is_closed_if_there_is_no_next
    the_next_is_made_of_the_same_arguments
    there_are_as_many_as_are_allowed
    those_of_long_ago_do_not_count
    a_constructor_that_fails_is_an_error_of_spawn
    a_constructor_that_fails_in_a_restart_is_tried_again
    a_constructor_that_fails_too_often_ends_the_service
    a_constructor_that_hangs_in_a_restart_is_killed
    a_service_can_end_while_it_is_down
    a_panic_in_parallel_ends_all_that_runs
}

fn spawn(method: StartMethod) -> Service<SubjectClient> {
    SubjectClient::new().start_method(method).spawn().unwrap()
}

fn who_runs_a_request_is_told_how_it_ended(method: StartMethod) {
    for death in Death::ALL {
        let service = spawn(method);
        assert_eq!(service.note(1).run().unwrap(), 1);
        let error = service.die(death).run().unwrap_err();
        death.check(&error);
        let text = error.to_string();
        assert!(
            text.starts_with("request `die` of service `Subject` was lost with its process: "),
            "{text}"
        );
        // And all that come later hear why there is none.
        let text = is_closed(service.note(2).run());
        assert!(text.starts_with("the service has ended: "), "{text}");
        assert!(text.contains(death.words()), "{text}");
        let text = is_closed(service.note(2).notify());
        assert!(text.contains(death.words()), "{text}");
        death.check(&service.shutdown().unwrap_err());
    }
}

/// Has a request running when the process dies, and one that is not begun.
#[worker]
fn see_it_die(client: SubjectClient, death: Death) {
    let (lost, later) = (client.die(death).start(), client.note(1).start());
    death.check(&lost.wait().unwrap_err());
    let text = is_closed(later.wait());
    assert!(text.contains(death.words()), "{text}");
    let text = is_closed(client.note(2).run());
    assert!(text.contains(death.words()), "{text}");
}

/// Is a client before and after.
#[worker]
fn hear_of_it(client: SubjectClient, known: Sender<usize>, dead: Receiver<()>, death: Death) {
    known.send(client.note(0).run().unwrap()).unwrap();
    dead.recv().unwrap();
    let text = is_closed(client.note(2).run());
    assert!(text.contains(death.words()), "{text}");
}

#[worker]
fn come_late(client: SubjectClient) {
    is_closed(client.note(2).run());
    is_closed(client.note(2).notify());
    is_closed(smol::block_on(client.note(2).into_future()));
}

fn so_is_who_is_another_process(method: StartMethod) {
    for death in Death::ALL {
        let service = spawn(method);
        service.notes().run().unwrap();
        let (known, told) = channel().unwrap();
        let (tell, dead) = channel().unwrap();
        let idle = hear_of_it::call(service.client(), known, dead, death);
        let idle = idle.start_method(method).spawn().unwrap();
        assert_eq!(next(&told), 1);
        let seeing = see_it_die::call(service.client(), death).start_method(method);
        seeing.run().unwrap();
        let text = is_closed(service.note(3).run());
        assert!(text.contains(death.words()), "{text}");
        tell.send(()).unwrap();
        idle.join().unwrap();
        // One that comes only now.
        come_late::call(service.client())
            .start_method(method)
            .run()
            .unwrap();
    }
}

fn it_is_told_how_a_process_died_that_was_killed(method: StartMethod) {
    let service = spawn(method);
    let held = hold(&service);
    assert_eq!(held.process, service.id());
    signal(held.process, Signal::KILL);
    Death::Kill.check(&held.pending.wait().unwrap_err());
    // Between requests: there is nothing to fail.
    let service = SubjectClient::new()
        .start_method(method)
        .restarts(MANY.0, MANY.1);
    let service = service.spawn().unwrap();
    let mut events = service.events();
    for _ in 0..5 {
        assert_eq!(service.identify().run().unwrap(), service.id());
        signal(service.id(), Signal::KILL);
        assert!(died(&mut events, ErrorKind::Signaled).contains("SIGKILL"));
        let next = started(&mut events);
        assert_eq!(service.identify().run().unwrap(), next);
    }
}

fn a_client_that_reads_late_hears_of_each_death(method: StartMethod) {
    let service = SubjectClient::new()
        .start_method(method)
        .restarts(MANY.0, MANY.1);
    let service = service.spawn().unwrap();
    let mut events = service.events();
    // Nothing takes these in, so there is no room for what comes behind.
    let _replies: Vec<_> = (0..24).map(|_| service.fill(40_000, 1).start()).collect();
    let signals = [Signal::KILL, Signal::USR1, Signal::USR2];
    let lost = signals.map(|it| {
        let held = hold(&service);
        signal(held.process, it);
        died(&mut events, ErrorKind::Signaled);
        started(&mut events);
        held.pending
    });
    for (pending, signal) in lost.into_iter().zip(signals) {
        let error = pending.wait().unwrap_err();
        assert_eq!(error.signal(), Some(signal.as_raw()), "{error}");
    }
}

#[track_caller]
fn died(events: &mut ServiceEvents, kind: ErrorKind) -> String {
    match events.next_timeout(LONG) {
        Some(ServiceEvent::Died(error)) => {
            assert_eq!(error.kind(), kind, "{error}");
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn started(events: &mut ServiceEvents) -> u32 {
    match events.next_timeout(LONG) {
        Some(ServiceEvent::Started { id }) => id,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ended(events: &mut ServiceEvents) {
    let event = events.next_timeout(LONG);
    assert!(matches!(event, Some(ServiceEvent::Ended)), "{event:?}");
    assert!(events.next().is_none());
}

/// Another attempt can come before the end.
#[track_caller]
fn soon_ended(mut events: ServiceEvents) {
    while let Some(event) = events.next_timeout(LONG) {
        match event {
            ServiceEvent::Ended => return,
            ServiceEvent::Died(_) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("it does not end");
}

/// Sends a request that is not begun, and gives what became of it.
#[worker]
fn wait_in_line(client: SubjectClient, sent: Sender<()>) -> Result<usize, (bool, String)> {
    let pending = client.note(3).start();
    sent.send(()).unwrap();
    pending
        .wait()
        .map_err(|error| (error.kind() == ErrorKind::Closed, error.to_string()))
}

/// A service that will die with three requests in its queue, of which the last is another process's.
fn in_line(
    method: StartMethod,
    service: &SubjectClient,
    death: Death,
) -> Vec<thread::JoinHandle<Result<usize, (bool, String)>>> {
    let held = hold(service);
    let lost = service.die(death).start();
    let wait = |note: u64| {
        let pending = service.note(note).start();
        thread::spawn(move || {
            pending
                .wait()
                .map_err(|error| (error.kind() == ErrorKind::Closed, error.to_string()))
        })
    };
    let mut waiting = vec![wait(1), wait(2)];
    let (sent, told) = channel().unwrap();
    let other = wait_in_line::call(service.clone(), sent).start_method(method);
    let other = other.spawn().unwrap();
    next(&told);
    waiting.push(thread::spawn(|| other.join().unwrap()));
    held.release().wait().unwrap();
    death.check(&lost.wait().unwrap_err());
    waiting
}

fn what_was_not_begun_is_run_by_the_next(method: StartMethod) {
    for death in Death::ALL {
        let service = SubjectClient::new().start_method(method).restarts(1, LONG);
        let service = service.spawn().unwrap();
        let first = service.id();
        let waiting = in_line(method, &service, death);
        for (place, waiting) in waiting.into_iter().enumerate() {
            assert_eq!(waiting.join().unwrap(), Ok(place + 1));
        }
        // What there was before is gone.
        assert_eq!(service.notes().run().unwrap(), [1, 2, 3]);
        assert_ne!(service.id(), first);
        service.shutdown().unwrap();
    }
}

fn what_was_not_begun_is_closed_if_there_is_no_next(method: StartMethod) {
    for death in Death::ALL {
        let service = spawn(method);
        for waiting in in_line(method, &service, death) {
            let (is_closed, text) = waiting.join().unwrap().unwrap_err();
            assert!(is_closed, "{text}");
            assert!(text.contains(death.words()), "{text}");
        }
    }
}

fn the_next_is_made_of_the_same_arguments(method: StartMethod) {
    let (tell, told) = channel().unwrap();
    let service = SubjectClient::telling(tell)
        .start_method(method)
        .restarts(3, LONG);
    let service = service.spawn().unwrap();
    let mut ids = Vec::new();
    for death in [Death::Kill, Death::Abort, Death::Exit] {
        let Told::Made(id) = next(&told) else {
            panic!("it was dropped");
        };
        assert!(!ids.contains(&id));
        ids.push(id);
        assert_eq!(service.note(4).run().unwrap(), 1);
        death.check(&service.die(death).run().unwrap_err());
    }
    let made = next(&told);
    assert_eq!(service.note(4).run().unwrap(), 1);
    assert_eq!(made, Told::Made(service.id()));
    service.shutdown().unwrap();
    assert_eq!(next(&told), Told::Dropped(1));
    crate::subject::is_over(&told);
}

fn there_are_as_many_as_are_allowed(method: StartMethod) {
    let service = SubjectClient::new().start_method(method);
    let service = service
        .restarts(2, Duration::from_hours(1))
        .spawn()
        .unwrap();
    let mut events = service.events();
    let mut id = service.id();
    for _ in 0..2 {
        Death::Exit.check(&service.die(Death::Exit).run().unwrap_err());
        died(&mut events, ErrorKind::Exited);
        let next = started(&mut events);
        assert_ne!(next, id);
        id = next;
        assert_eq!(service.identify().run().unwrap(), id);
    }
    Death::Panic.check(&service.die(Death::Panic).run().unwrap_err());
    assert!(died(&mut events, ErrorKind::Panicked).contains("as it should"));
    ended(&mut events);
    ended(&mut service.events());
    assert!(is_closed(service.note(1).run()).contains("as it should"));
    Death::Panic.check(&service.shutdown().unwrap_err());
}

fn those_of_long_ago_do_not_count(method: StartMethod) {
    let window = Duration::from_millis(50);
    let service = SubjectClient::new()
        .start_method(method)
        .restarts(1, window);
    let service = service.spawn().unwrap();
    let mut events = service.events();
    for _ in 0..4 {
        Death::Kill.check(&service.die(Death::Kill).run().unwrap_err());
        died(&mut events, ErrorKind::Signaled);
        started(&mut events);
        thread::sleep(window * 2);
    }
    assert_eq!(service.note(1).run().unwrap(), 1);
}

fn a_constructor_that_fails_is_an_error_of_spawn(method: StartMethod) {
    let launch = |start: Start| {
        let plan = Plan::new(&[start]);
        let launch = SubjectClient::planned(&plan);
        // No restarts before it has served.
        launch.start_method(method).restarts(3, LONG).spawn()
    };
    for death in Death::ALL {
        let error = launch(Start::Die(death)).unwrap_err();
        death.check(&error);
        assert_eq!(error.worker(), Some("Subject"));
    }
    let error = launch(Start::Refuse).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Returned);
    assert_eq!(error.worker(), Some("Subject"));
    assert_eq!(
        error.to_string(),
        "service `Subject` has no object: its constructor `planned` returned an error: it is not to be"
    );
    let none = Plan::new(&[Start::Refuse]);
    let none = SubjectClient::planned_or_none(&none).start_method(method);
    let error = none.spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Returned);
    assert_eq!(
        error.to_string(),
        "service `Subject` has no object: its constructor `planned_or_none` returned `None`"
    );
    let hangs = Plan::new(&[Start::Hang]);
    let hangs = SubjectClient::planned(&hangs).start_method(method);
    let hangs = hangs.startup_timeout(Duration::from_millis(100));
    let error = hangs.spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.worker(), Some("Subject"));
    assert_eq!(
        error.to_string(),
        "service `Subject` has no object: its constructor took longer than 100ms, the startup timeout"
    );
}

fn a_constructor_that_fails_in_a_restart_is_tried_again(method: StartMethod) {
    let plan = Plan::new(&[
        Start::Well,
        Start::Refuse,
        Start::Die(Death::Panic),
        Start::Die(Death::Exit),
        Start::Well,
    ]);
    let service = SubjectClient::planned(&plan).start_method(method);
    let service = service.restarts(4, LONG).spawn().unwrap();
    let mut events = service.events();
    let held = hold(&service);
    let waiting = [1, 2].map(|note| service.note(note).start());
    let begin = Instant::now();
    signal(held.process, Signal::KILL);
    Death::Kill.check(&held.pending.wait().unwrap_err());
    // They are not lost with those that never served.
    let [one, two] = waiting.map(|pending| pending.wait().unwrap());
    assert_eq!((one, two), (1, 2));
    // The pauses grow from a twentieth of a second.
    assert!(begin.elapsed() >= Duration::from_millis(50 + 100 + 200));
    died(&mut events, ErrorKind::Signaled);
    assert!(died(&mut events, ErrorKind::Returned).contains("it is not to be"));
    died(&mut events, ErrorKind::Panicked);
    died(&mut events, ErrorKind::Exited);
    assert_eq!(started(&mut events), service.id());
    assert_eq!(plan.attempts(), 5);
    service.shutdown().unwrap();
}

fn a_constructor_that_fails_too_often_ends_the_service(method: StartMethod) {
    let plan = Plan::new(&[Start::Well, Start::Refuse]);
    let service = SubjectClient::planned(&plan).start_method(method);
    let service = service.restarts(3, LONG).spawn().unwrap();
    let mut events = service.events();
    let held = hold(&service);
    let waiting = service.note(1).start();
    signal(held.process, Signal::KILL);
    Death::Kill.check(&held.pending.wait().unwrap_err());
    let text = is_closed(waiting.wait());
    assert!(text.contains("it is not to be"), "{text}");
    died(&mut events, ErrorKind::Signaled);
    for _ in 0..3 {
        died(&mut events, ErrorKind::Returned);
    }
    ended(&mut events);
    assert_eq!(plan.attempts(), 4);
    let error = service.shutdown().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Returned, "{error}");
}

fn a_constructor_that_hangs_in_a_restart_is_killed(method: StartMethod) {
    let plan = Plan::new(&[Start::Well, Start::Hang, Start::Well]);
    let service = SubjectClient::planned(&plan)
        .start_method(method)
        .restarts(2, LONG);
    // The others have to be made within it.
    let service = service
        .startup_timeout(Duration::from_secs(2))
        .spawn()
        .unwrap();
    let mut events = service.events();
    signal(service.id(), Signal::KILL);
    died(&mut events, ErrorKind::Signaled);
    assert!(died(&mut events, ErrorKind::TimedOut).contains("startup timeout"));
    started(&mut events);
    assert_eq!(service.note(1).run().unwrap(), 1);
}

fn a_service_can_end_while_it_is_down(method: StartMethod) {
    let launch = |plan: &Plan| {
        let service = SubjectClient::planned(plan).start_method(method);
        let service = service.restarts(MANY.0, MANY.1).spawn().unwrap();
        let mut events = service.events();
        signal(service.id(), Signal::KILL);
        died(&mut events, ErrorKind::Signaled);
        died(&mut events, ErrorKind::Returned);
        let waiting = service.note(1).start();
        (service, events, waiting)
    };
    let plan = Plan::new(&[Start::Well, Start::Refuse]);
    let (service, events, waiting) = launch(&plan);
    service.shutdown().unwrap();
    is_closed(waiting.wait());
    soon_ended(events);
    let plan = Plan::new(&[Start::Well, Start::Refuse]);
    let (service, events, waiting) = launch(&plan);
    service.kill();
    is_closed(waiting.wait());
    soon_ended(events);
    let plan = Plan::new(&[Start::Well, Start::Refuse]);
    let (service, events, waiting) = launch(&plan);
    drop((waiting, service));
    soon_ended(events);
}

fn a_panic_in_parallel_ends_all_that_runs(method: StartMethod) {
    let service = crate::order::WideClient::new().start_method(method);
    let service = service.restarts(1, LONG).spawn().unwrap();
    let (begun, told) = channel().unwrap();
    let running: Vec<_> = (0..3)
        .map(|_| service.park(begun.clone()).start())
        .collect();
    for _ in 0..3 {
        next(&told);
    }
    let panicking = service.panic().start();
    for pending in running.into_iter().chain([panicking]) {
        let error = pending.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked, "{error}");
        assert_eq!(error.panic().unwrap().message(), "in parallel");
    }
    assert_eq!(service.count().run().unwrap(), 0);
}

/// The object can be used without any process.
#[test]
fn the_impl_stays_as_it_was() {
    let mut subject = Subject::new();
    assert_eq!(subject.note(HELD), 1);
    assert_eq!(subject.close(), 1);
}
