//! What workers start, and its end.

use std::os::fd::AsFd;
use std::time::Duration;

use multiproc::ErrorKind::{Exited, Panicked, Signaled, TimedOut, Unsupported};
use multiproc::channel::{Receiver, Sender, channel};
use multiproc::{Call, ErrorKind, StartMethod, worker};
use multiproc_tests::descendants::start_by_all_means;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use crate::support::{Pidfd, Running, cases, program, wait_for_ever, with_method};

cases! {
    they_end_with_their_worker_however_that_ends
    they_end_with_a_worker_that_is_not_waited_for
    they_end_with_a_worker_that_is_awaited
    they_end_with_the_program
    they_end_with_the_program_though_more_are_started
    those_that_start_others_all_the_time_end
    those_of_a_worker_of_a_worker_end_with_it
    others_live_on
    a_process_that_has_ended_can_be_joined_at_once
    where_they_cannot_be_found_it_is_refused
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum End {
    Return,
    Panic,
    Exit,
    Abort,
    Wait,
}

/// Starts others, tells their ids, and ends in this way when it is told to.
#[worker]
fn start_others(end: End, told: Sender<Vec<u32>>, go: Receiver<()>) {
    told.send(start_by_all_means()).unwrap();
    let _ = go.recv();
    match end {
        End::Return => {}
        End::Panic => panic!("as it should"),
        End::Exit => std::process::exit(3),
        End::Abort => std::process::abort(),
        End::Wait => loop {
            std::thread::park();
        },
    }
}

/// A call of that; what it has started; and how it is told to go on.
type Starting = (Call<'static, ()>, Receiver<Vec<u32>>, Sender<()>);

fn starting(method: StartMethod, end: End) -> Starting {
    let (told, ids) = channel().unwrap();
    let (go, going) = channel().unwrap();
    let call = start_others::call(end, told, going).start_method(method);
    (call, ids, go)
}

/// Those that a worker tells of, which are there.
fn living(ids: &Receiver<Vec<u32>>) -> Vec<Pidfd> {
    let ids = ids.recv().unwrap();
    assert_eq!(ids.len(), 4);
    ids.into_iter().map(Pidfd::of).collect()
}

fn are_gone(processes: &[Pidfd]) -> bool {
    processes.iter().all(Pidfd::has_ended)
}

fn they_end_with_their_worker_however_that_ends(method: StartMethod) {
    for (end, kind) in [
        (End::Return, None),
        (End::Panic, Some(Panicked)),
        (End::Exit, Some(Exited)),
        (End::Abort, Some(Signaled)),
    ] {
        let (call, ids, go) = starting(method, end);
        let process = call.kill_descendants().spawn().unwrap();
        let others = living(&ids);
        assert!(!are_gone(&others));
        go.send(()).unwrap();
        let ended = process.join().map_err(|error| error.kind());
        assert_eq!(ended.err(), kind, "{end:?}");
        assert!(are_gone(&others), "{end:?}");
    }
    let (call, ids, _go) = starting(method, End::Wait);
    let call = call.timeout(Duration::from_secs(2)).kill_descendants();
    let process = call.spawn().unwrap();
    let others = living(&ids);
    assert_eq!(process.join().unwrap_err().kind(), TimedOut);
    assert!(are_gone(&others));

    let (call, ids, _go) = starting(method, End::Wait);
    let mut process = call.kill_descendants().spawn().unwrap();
    let others = living(&ids);
    process.kill();
    let joined = process.join_timeout(Duration::from_secs(50));
    assert_eq!(joined.unwrap_err().kind(), Signaled);
    assert!(are_gone(&others));
}

fn they_end_with_a_worker_that_is_not_waited_for(method: StartMethod) {
    let (call, ids, go) = starting(method, End::Return);
    drop(call.kill_descendants().spawn().unwrap());
    let others = living(&ids);
    drop(go);
    others.iter().for_each(Pidfd::wait);
}

fn they_end_with_a_worker_that_is_awaited(method: StartMethod) {
    let (call, ids, go) = starting(method, End::Return);
    let process = call.kill_descendants().spawn().unwrap();
    let others = living(&ids);
    drop(go);
    smol::block_on(process).unwrap();
    assert!(are_gone(&others));
}

fn they_end_with_the_program(method: StartMethod) {
    for scenario in ["descendants", "descendants-at-start"] {
        let mut command = program("program");
        let command = with_method(&mut command, method);
        let mut program = Running::start(command.arg(scenario));
        let others: Vec<_> = (0..4).map(|_| program.process()).collect();
        program.kill();
        others.iter().for_each(Pidfd::wait);
        // Nothing else has its output.
        assert_eq!(program.rest(), "");
    }
}

fn they_end_with_the_program_though_more_are_started(method: StartMethod) {
    let mut command = program("program");
    let command = with_method(&mut command, method);
    let mut program = Running::start(command.arg("descendants-one-by-one"));
    let first = program.process();
    program.kill();
    first.wait();
    // Its worker starts another one as soon as it hears of that; each has the output of the program.
    program.rest();
}

/// Starts a shell that never ends, and ends.
#[worker]
fn start_a_shell(script: &str) {
    let mut command = std::process::Command::new("sh");
    let mut shell = command.args(["-c", script]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let _ = shell.try_wait();
}

/// What is left would hold the output of the test.
fn those_that_start_others_all_the_time_end(method: StartMethod) {
    for script in [
        "while :; do (sleep 1000 &); done",
        "f() { setsid sleep 1000 & sleep 0.01; f & }; f",
    ] {
        let call = start_a_shell::call(script).start_method(method);
        call.kill_descendants().run().unwrap();
    }
}

/// Has a worker of its own with descendants, and waits to be killed.
#[worker]
fn have_a_worker(method: bool, told: Sender<Vec<u32>>, going: Receiver<()>) {
    let method = if method {
        StartMethod::Spawn
    } else {
        StartMethod::ForkServer
    };
    let call = start_others::call(End::Wait, told, going).start_method(method);
    let _process = call.kill_descendants().spawn().unwrap();
    loop {
        std::thread::park();
    }
}

fn those_of_a_worker_of_a_worker_end_with_it(method: StartMethod) {
    for outer_too in [false, true] {
        let (told, ids) = channel().unwrap();
        let (_go, going) = channel().unwrap();
        let call = have_a_worker::call(method == StartMethod::Spawn, told, going);
        let call = call.start_method(method);
        let call = if outer_too {
            call.kill_descendants()
        } else {
            call
        };
        let process = call.spawn().unwrap();
        let others = living(&ids);
        process.kill();
        assert_eq!(process.join().unwrap_err().kind(), Signaled);
        others.iter().for_each(Pidfd::wait);
    }
}

fn others_live_on(method: StartMethod) {
    let (call, ids, go) = starting(method, End::Return);
    let left = call.spawn().unwrap();
    let others = living(&ids);
    drop(go);
    left.join().unwrap();
    // Nor do they end with another worker.
    let (call, ids, go) = starting(method, End::Return);
    let process = call.kill_descendants().spawn().unwrap();
    let ended = living(&ids);
    drop(go);
    process.join().unwrap();
    assert!(are_gone(&ended));
    assert!(others.iter().all(|other| !other.has_ended()));
    for other in &others {
        other.signal(Signal::KILL);
        other.wait();
    }
}

fn a_process_that_has_ended_can_be_joined_at_once(method: StartMethod) {
    let (call, ids, go) = starting(method, End::Return);
    let mut process = call.kill_descendants().spawn().unwrap();
    let others = living(&ids);
    drop(go);
    while poll(&mut [PollFd::new(&process.as_fd(), PollFlags::IN)], None).is_err() {}
    // Whether it is said or not that the others are gone.
    assert_eq!(process.try_join().unwrap(), Some(()));
    assert!(are_gone(&others));
}

fn where_they_cannot_be_found_it_is_refused(method: StartMethod) {
    let limit = Rlimit {
        current: Some(1 << 62),
        maximum: Some(1 << 62),
    };
    setrlimit(Resource::Locks, limit).unwrap();
    let call = || wait_for_ever::call().start_method(method);
    let error = call().kill_descendants().spawn().unwrap_err();
    assert_eq!(error.kind(), Unsupported, "{error}");
    assert_eq!(error.worker(), Some("wait_for_ever"));
    let pool = multiproc::Pool::builder().workers(1).start_method(method);
    let error = pool.kill_descendants().build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let process = call().spawn().unwrap();
    process.kill();
    assert_eq!(process.join().unwrap_err().kind(), Signaled);
}
