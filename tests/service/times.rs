//! Requests that have a time.

use std::thread;
use std::time::{Duration, Instant};

use multiproc::channel::{Sender, channel};
use multiproc::{ErrorKind, StartMethod, service, worker};

use crate::subject::{HELD, LONG, SubjectClient, eventually, hold, next};
use crate::support::cases;

cases! {
    one_that_was_not_begun_in_time_never_is
    one_that_was_begun_runs_on
    times_are_kept_without_a_thread_that_waits
    a_time_is_an_option_of_a_service_and_of_a_method
    what_is_left_of_it_goes_on_to_others
    a_time_includes_that_of_a_restart
}

fn one_that_was_not_begun_in_time_never_is(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let held = hold(&service);
    let limit = Duration::from_millis(40);
    let begin = Instant::now();
    let error = service.note(1).timeout(limit).run().unwrap_err();
    assert!(begin.elapsed() >= limit);
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(
        error.to_string(),
        "request `note` of service `Subject` was not answered within 40ms: it had not begun"
    );
    // Without a thread that tells it.
    service.note(2).timeout(limit).notify().unwrap();
    // One that has time.
    let patient = service.note(3).timeout(LONG).start();
    thread::sleep(limit);
    held.release().wait().unwrap();
    assert_eq!(patient.wait().unwrap(), 2);
    assert_eq!(service.notes().run().unwrap(), [HELD, 3]);
    // No time at all.
    let none = service.note(4).timeout(Duration::ZERO).run().unwrap_err();
    assert_eq!(none.kind(), ErrorKind::TimedOut);
    assert_eq!(
        service.notes().timeout(Duration::MAX).run().unwrap(),
        [HELD, 3]
    );
}

fn one_that_was_begun_runs_on(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let (begun, told) = channel().unwrap();
    let (go, going) = channel().unwrap();
    let held = service
        .hold(begun, going)
        .timeout(Duration::from_secs(1))
        .start();
    next(&told);
    assert!(
        held.wait_timeout(Duration::from_millis(1))
            .unwrap()
            .is_none()
    );
    let error = held.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(
        error.to_string(),
        "request `hold` of service `Subject` was not answered within 1s: it may run on"
    );
    go.send(()).unwrap();
    eventually("it is done", || service.notes().run().unwrap() == [HELD]);
}

fn times_are_kept_without_a_thread_that_waits(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let held = hold(&service);
    let limit = Duration::from_millis(40);
    let error = smol::block_on(service.note(1).timeout(limit).into_future()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let all = [(); 3].map(|()| service.note(2).timeout(limit).start());
    assert!(multiproc::wait_all(&all, LONG));
    for pending in all {
        assert_eq!(pending.wait().unwrap_err().kind(), ErrorKind::TimedOut);
    }
    let pending = service.note(3).timeout(limit).start();
    eventually("its time is over", || pending.is_finished());
    assert_eq!(pending.wait().unwrap_err().kind(), ErrorKind::TimedOut);
    held.release().wait().unwrap();
    assert_eq!(service.notes().run().unwrap(), [HELD]);
}

struct Limited;

#[service(timeout = "30ms")]
impl Limited {
    fn new() -> Self {
        Limited
    }

    fn nap(&self, millis: u64) {
        thread::sleep(Duration::from_millis(millis));
    }

    #[request(timeout = "50s")]
    fn long_nap(&self, millis: u64) {
        thread::sleep(Duration::from_millis(millis));
    }
}

fn a_time_is_an_option_of_a_service_and_of_a_method(method: StartMethod) {
    let service = LimitedClient::new().start_method(method).spawn().unwrap();
    let error = service.nap(100).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("within 30ms"), "{error}");
    service.nap(100).timeout(LONG).run().unwrap();
    service.long_nap(100).run().unwrap();
    let error = service.long_nap(100).timeout(Duration::from_millis(10));
    assert_eq!(error.run().unwrap_err().kind(), ErrorKind::TimedOut);
}

/// An object that asks another.
struct Relay {
    next: SubjectClient,
}

#[service]
impl Relay {
    fn to(next: SubjectClient) -> Self {
        Relay { next }
    }

    /// Asks for something that takes a minute, and tells what came of it.
    fn ask(&self, told: Sender<(ErrorKindOf, String)>) {
        let asked = self.next.nap(60_000).run().unwrap_err();
        told.send((kind(&asked), asked.to_string())).unwrap();
    }

    /// The same in other ways.
    fn ask_otherwise(&self, told: Sender<(ErrorKindOf, String)>) {
        let first = smol::block_on(self.next.nap(60_000).into_future()).unwrap_err();
        let _ = self.next.nap(60_000).timeout(LONG).run().unwrap_err();
        told.send((kind(&first), first.to_string())).unwrap();
    }

    /// Asks more shortly than it would have to.
    fn ask_shortly(&self) -> String {
        let limit = Duration::from_millis(10);
        let asked = self.next.nap(60_000).timeout(limit).run().unwrap_err();
        asked.to_string()
    }

    fn is_free(&self) -> bool {
        self.next.identify().timeout(LONG).run().is_ok()
    }
}

type ErrorKindOf = String;

fn kind(error: &multiproc::Error) -> ErrorKindOf {
    format!("{:?}", error.kind())
}

/// A request that asks for what does not come in time: both have the same time, and the answer to it may be
/// just in time.
#[track_caller]
fn is_late(asked: multiproc::Result<()>) {
    if let Err(error) = asked {
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    }
}

#[worker]
fn ask(relay: RelayClient, told: Sender<(ErrorKindOf, String)>) {
    is_late(relay.ask(told).timeout(Duration::from_millis(300)).run());
}

fn what_is_left_of_it_goes_on_to_others(method: StartMethod) {
    let begin = Instant::now();
    let begun = || begin.elapsed() < Duration::from_secs(25);
    for way in 0..3 {
        // Each naps for a minute.
        let last = SubjectClient::new().start_method(method).spawn().unwrap();
        let relay = RelayClient::to(last.client())
            .start_method(method)
            .spawn()
            .unwrap();
        let (tell, told) = channel().unwrap();
        let limit = Duration::from_millis(300);
        match way {
            0 => {
                is_late(relay.ask(tell).timeout(limit).run());
            }
            1 => {
                is_late(relay.ask_otherwise(tell).timeout(limit).run());
            }
            _ => ask::call(relay.client(), tell)
                .start_method(method)
                .run()
                .unwrap(),
        }
        let (kind, text) = next(&told);
        assert_eq!(kind, "TimedOut");
        assert!(text.contains("was not answered in time"), "{text}");
        last.kill();
        drop(relay);
    }
    assert!(begun());
    // The time of one request is not that of the next.
    let last = SubjectClient::new().start_method(method).spawn().unwrap();
    let relay = RelayClient::to(last.client())
        .start_method(method)
        .spawn()
        .unwrap();
    let text = relay.ask_shortly().timeout(LONG).run().unwrap();
    assert!(text.contains("within 10ms"), "{text}");
    let _ = last.shutdown_timeout(Duration::ZERO);
    assert!(!relay.is_free().timeout(LONG).run().unwrap());
    let last = SubjectClient::new().start_method(method).spawn().unwrap();
    let relay = RelayClient::to(last.client())
        .start_method(method)
        .spawn()
        .unwrap();
    let hurry = relay.is_free().timeout(Duration::from_millis(1)).run();
    drop(hurry);
    thread::sleep(Duration::from_millis(20));
    assert!(relay.is_free().run().unwrap());
}

fn a_time_includes_that_of_a_restart(method: StartMethod) {
    use crate::subject::{Death, Plan, Start};

    let plan = Plan::new(&[Start::Well, Start::Hang]);
    let service = SubjectClient::planned(&plan).start_method(method);
    let service = service
        .restarts(1, LONG)
        .startup_timeout(LONG)
        .spawn()
        .unwrap();
    Death::Kill.check(&service.die(Death::Kill).run().unwrap_err());
    let limit = Duration::from_millis(100);
    let error = service.note(1).timeout(limit).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().ends_with(": it had not begun"), "{error}");
    service.kill();
}
