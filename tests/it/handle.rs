//! What a `Process` can be asked and told.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use multiproc::ErrorKind::{Closed, Exited, Signaled};
use multiproc::{Fd, Process, StartMethod, Stdio, active_children, current, worker};
use rustix::event::{PollFd, PollFlags, poll};

use crate::support::{Pidfd, cases, children, wait_for_ever};

cases! {
    try_join_does_not_wait
    join_timeout_waits_no_longer
    a_result_is_given_out_once
    is_running_and_exit_status
    killing_and_terminating
    killing_what_has_ended
    killing_what_another_thread_waits_for
    waiting_keeps_the_result
    what_a_process_has_used_up
    the_descriptor_is_readable_at_the_end
    dropping_detaches
    dropping_in_any_order
    active_children_are_those_that_run
    a_child_knows_itself
    workers_start_workers
    a_join_closes_the_standard_input
    several_threads_wait_for_several_children
    a_process_can_be_sent_to_another_thread
}

/// A worker that ends when it is told to.
#[worker]
fn wait_for_the_end_of(mut pipe: Fd<std::io::PipeReader>, value: Vec<u8>) -> Vec<u8> {
    let mut told = Vec::new();
    pipe.read_to_end(&mut told).unwrap();
    if told.is_empty() { value } else { told }
}

struct Waiting {
    process: Process<Vec<u8>>,
    pipe: std::io::PipeWriter,
}

fn waiting(method: StartMethod, value: Vec<u8>) -> Waiting {
    let (reader, pipe) = std::io::pipe().unwrap();
    let call = wait_for_the_end_of::call(reader.into(), value);
    Waiting {
        process: call.start_method(method).spawn().unwrap(),
        pipe,
    }
}

fn ended(process: &Process<impl Sized>) {
    Pidfd::of_child(process).wait();
}

fn try_join_does_not_wait(method: StartMethod) {
    for length in [1, 1 << 20, 10 << 20] {
        let Waiting { mut process, pipe } = waiting(method, vec![7; length]);
        for _ in 0..10 {
            assert!(process.try_join().unwrap().is_none());
        }
        drop(pipe);
        ended(&process);
        assert_eq!(process.try_join().unwrap().unwrap(), vec![7; length]);
    }
}

fn join_timeout_waits_no_longer(method: StartMethod) {
    let Waiting { mut process, pipe } = waiting(method, vec![7; 3 << 20]);
    for timeout in [0, 1, 50] {
        let timeout = Duration::from_millis(timeout);
        assert!(process.join_timeout(timeout).unwrap().is_none());
        assert!(process.is_running());
    }
    drop(pipe);
    let result = process.join_timeout(Duration::MAX).unwrap();
    assert_eq!(result.unwrap().len(), 3 << 20);

    let mut process = wait_for_ever::call().start_method(method).spawn().unwrap();
    assert!(
        process
            .join_timeout(Duration::from_millis(10))
            .unwrap()
            .is_none()
    );
    process.kill();
    let error = process.join_timeout(Duration::from_secs(90)).unwrap_err();
    assert_eq!(error.kind(), Signaled);
}

fn a_result_is_given_out_once(method: StartMethod) {
    #[track_caller]
    fn check_given_out(mut process: Process<Vec<u8>>) {
        for _ in 0..2 {
            assert_eq!(process.try_join().unwrap_err().kind(), Closed);
            let timeout = Duration::from_secs(90);
            let error = process.join_timeout(timeout).unwrap_err();
            assert_eq!(error.kind(), Closed);
        }
        assert!(process.exit_status().unwrap().success());
        assert!(!process.is_running());
        process.kill();
        process.terminate();
        assert!(process.id() > 0);
        let error = process.join().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the result of worker `wait_for_the_end_of` was already taken"
        );
        assert_eq!(error.worker(), Some("wait_for_the_end_of"));
    }

    let Waiting { mut process, pipe } = waiting(method, vec![1]);
    drop(pipe);
    assert_eq!(process.join_timeout(Duration::MAX).unwrap(), Some(vec![1]));
    check_given_out(process);

    let Waiting { mut process, pipe } = waiting(method, vec![2]);
    drop(pipe);
    ended(&process);
    assert_eq!(process.try_join().unwrap(), Some(vec![2]));
    check_given_out(process);
}

#[worker]
fn exits(code: i32) {
    std::process::exit(code);
}

fn is_running_and_exit_status(method: StartMethod) {
    let Waiting { mut process, pipe } = waiting(method, vec![1]);
    assert!(process.is_running());
    assert_eq!(process.exit_status(), None);
    drop(pipe);
    ended(&process);
    assert!(!process.is_running());
    assert_eq!(process.exit_status().unwrap().code(), Some(0));
    assert_eq!(process.join().unwrap(), [1]);

    let mut process = exits::call(3).start_method(method).spawn().unwrap();
    ended(&process);
    assert_eq!(process.exit_status().unwrap().code(), Some(3));
    assert_eq!(process.join().unwrap_err().kind(), Exited);
}

fn killing_and_terminating(method: StartMethod) {
    type Kill = fn(&Process<()>);
    let ways: [(i32, Kill); 2] = [
        (libc::SIGKILL, Process::kill),
        (libc::SIGTERM, Process::terminate),
    ];
    for (signal, kill) in ways {
        let mut process = wait_for_ever::call().start_method(method).spawn().unwrap();
        kill(&process);
        ended(&process);
        assert_eq!(process.exit_status().unwrap().signal(), Some(signal));
        kill(&process);
        let error = process.join().unwrap_err();
        assert_eq!(error.kind(), Signaled);
        assert_eq!(error.signal(), Some(signal));
    }
}

fn killing_what_has_ended(method: StartMethod) {
    let Waiting { mut process, pipe } = waiting(method, vec![1]);
    drop(pipe);
    ended(&process);
    process.kill();
    process.terminate();
    assert!(!process.is_running());
    process.kill();
    process.terminate();
    assert_eq!(process.join().unwrap(), [1]);
}

fn killing_what_another_thread_waits_for(method: StartMethod) {
    for signal in [libc::SIGKILL, libc::SIGTERM] {
        let mut process = wait_for_ever::call().start_method(method).spawn().unwrap();
        let killer = process.killer();
        assert_eq!(killer.id(), process.id());
        let other = killer.clone();
        let joining = std::thread::spawn(move || {
            // It is waited for by now, or will be.
            assert_eq!(process.wait().unwrap().signal(), Some(signal));
            process.join().unwrap_err()
        });
        std::thread::spawn(move || match signal {
            libc::SIGKILL => other.kill(),
            _ => other.terminate(),
        });
        let error = joining.join().unwrap();
        assert_eq!((error.kind(), error.signal()), (Signaled, Some(signal)));
        killer.kill();
        killer.terminate();
    }
    // It keeps nothing alive, and does nothing when it is dropped.
    let Waiting { process, pipe } = waiting(method, vec![1]);
    drop(process.killer());
    drop(pipe);
    assert_eq!(process.join().unwrap(), [1]);
}

fn waiting_keeps_the_result(method: StartMethod) {
    type Join = fn(Process<Vec<u8>>) -> multiproc::Result<Vec<u8>>;
    let joins: [Join; 4] = [
        Process::join,
        |mut process| process.try_join().map(Option::unwrap),
        |mut process| process.join_timeout(Duration::ZERO).map(Option::unwrap),
        |process| smol::block_on(process),
    ];
    for join in joins {
        let Waiting { mut process, pipe } = waiting(method, vec![7; 3 << 20]);
        drop(pipe);
        for _ in 0..2 {
            assert_eq!(process.wait().unwrap().code(), Some(0));
        }
        assert!(!process.is_running());
        assert_eq!(process.exit_status().unwrap().code(), Some(0));
        assert_eq!(join(process).unwrap().len(), 3 << 20);
    }
    let mut process = exits::call(3).start_method(method).spawn().unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(3));
    assert_eq!(process.join().unwrap_err().kind(), Exited);
}

/// Uses memory, and a CPU for this long.
#[worker]
fn use_up(bytes: usize, time: Duration) -> u32 {
    let memory = vec![1_u8; bytes];
    let mut sum = 0;
    while cpu_time() < time {
        sum += memory
            .iter()
            .step_by(4096)
            .map(|byte| u32::from(*byte))
            .sum::<u32>()
            & 1;
    }
    sum & 1
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap()
}

fn what_a_process_has_used_up(method: StartMethod) {
    const BYTES: usize = 100 << 20;
    let time = Duration::from_millis(50);
    let call = || {
        use_up::call(BYTES, time)
            .start_method(method)
            .spawn()
            .unwrap()
    };
    let check = |usage: multiproc::Usage| {
        assert!(usage.max_resident_memory() >= BYTES as u64, "{usage:?}");
        assert!(
            usage.user_time() + usage.system_time() >= time / 2,
            "{usage:?}"
        );
    };
    let mut process = call();
    let mut running = wait_for_ever::call().start_method(method).spawn().unwrap();
    assert_eq!(running.usage(), None);
    process.wait();
    check(process.usage().unwrap());
    process.join().unwrap();
    // When the result was given out, and when it was not waited for.
    let mut process = call();
    process.join_timeout(Duration::MAX).unwrap().unwrap();
    check(process.usage().unwrap());
    let mut process = call();
    ended(&process);
    check(process.usage().unwrap());
    // Of one that fails, too.
    running.kill();
    running.wait();
    let usage = running.usage().unwrap();
    assert_eq!(running.join().unwrap_err().usage(), Some(usage));
}

fn the_descriptor_is_readable_at_the_end(method: StartMethod) {
    for length in [1, 10 << 20] {
        let Waiting { mut process, pipe } = waiting(method, vec![7; length]);
        let nothing = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut poll_now = [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)];
        assert_eq!(poll(&mut poll_now, Some(&nothing)).unwrap(), 0);
        drop(pipe);
        // Nobody joins it, and its result takes no room from it.
        ended(&process);
        assert_eq!(process.try_join().unwrap().unwrap().len(), length);
    }
}

fn dropping_detaches(method: StartMethod) {
    let Waiting { process, mut pipe } = waiting(method, Vec::new());
    let (id, child) = (process.id(), Pidfd::of_child(&process));
    drop(process);
    assert!(active_children().iter().any(|child| child.id() == id));
    // It reads this, so it is alive.
    pipe.write_all(&[1; 1 << 20]).unwrap();
    drop(pipe);
    child.wait();
    while children().contains(&id) {
        std::thread::yield_now();
    }
    assert!(active_children().is_empty());
}

fn dropping_in_any_order(method: StartMethod) {
    let mut all: Vec<_> = (0..9)
        .map(|number| Some(waiting(method, vec![number; 100_000])))
        .collect();
    let ids: Vec<_> = all.iter().flatten().map(|it| it.process.id()).collect();
    for place in [4, 0, 8, 2] {
        drop(all[place].take());
    }
    for place in [7, 1] {
        let Waiting { process, pipe } = all[place].take().unwrap();
        drop(pipe);
        assert_eq!(process.join().unwrap()[0] as usize, place);
    }
    for waiting in all.into_iter().flatten() {
        waiting.process.kill();
        drop(waiting);
    }
    for id in ids {
        while children().contains(&id) {
            std::thread::yield_now();
        }
    }
    assert!(active_children().is_empty());
}

fn active_children_are_those_that_run(method: StartMethod) {
    assert!(active_children().is_empty());
    let call = wait_for_ever::call().start_method(method);
    let first = call.name("first").spawn().unwrap();
    let second = wait_for_ever::call().start_method(method).spawn().unwrap();
    let named = || {
        let children = active_children();
        let named = children.iter().map(|it| (it.id(), it.name().to_owned()));
        named.collect::<Vec<_>>()
    };
    let expected = [
        (first.id(), "first".to_owned()),
        (second.id(), "wait_for_ever".to_owned()),
    ];
    assert_eq!(named(), expected);
    assert_eq!((first.name(), second.name()), ("first", "wait_for_ever"));
    first.kill();
    assert_eq!(first.join().unwrap_err().kind(), Signaled);
    assert_eq!(named(), expected[1..]);
    second.kill();
    assert_eq!(second.join().unwrap_err().kind(), Signaled);
    assert!(active_children().is_empty());
}

#[worker]
fn introduce() -> (String, String, u32, u32, String) {
    let current = current().expect("this is a child");
    let thread = std::thread::current();
    (
        current.name().to_owned(),
        current.worker().to_owned(),
        current.parent_id(),
        std::os::unix::process::parent_id(),
        thread.name().unwrap_or_default().to_owned(),
    )
}

fn a_child_knows_itself(method: StartMethod) {
    assert!(current().is_none());
    let own = std::process::id();
    let call = || introduce::call().start_method(method);
    let (name, worker, parent, really, thread) = call().run().unwrap();
    assert_eq!((&*name, &*worker), ("introduce", "introduce"));
    assert_eq!((parent, really), (own, own));
    assert_eq!(thread, "introduce");
    for name in [
        "Alice",
        "",
        "a name of more than fifteen bytes",
        "nul\0inside",
    ] {
        let told = call().name(name).run().unwrap();
        assert_eq!((&*told.0, &*told.1), (name, "introduce"));
    }
}

#[worker]
fn count_to(depth: u32, method: String) -> Vec<u32> {
    let mut ids = match depth {
        0 => Vec::new(),
        _ => count_to::call(depth - 1, method.clone())
            .start_method(by_name(&method))
            .run()
            .unwrap(),
    };
    ids.push(std::process::id());
    ids
}

fn by_name(name: &str) -> StartMethod {
    match name {
        "Spawn" => StartMethod::Spawn,
        "ForkServer" => StartMethod::ForkServer,
        other => panic!("there is no start method {other}"),
    }
}

fn workers_start_workers(method: StartMethod) {
    let call = count_to::call(4, format!("{method:?}"));
    let mut ids = call.start_method(method).run().unwrap();
    assert_eq!(ids.len(), 5);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[worker]
fn read_all() -> usize {
    std::io::stdin().lines().count()
}

fn a_join_closes_the_standard_input(method: StartMethod) {
    let call = || read_all::call().start_method(method).stdin(Stdio::piped());
    assert_eq!(call().run().unwrap(), 0);
    let mut process = call().spawn().unwrap();
    let mut stdin = process.take_stdin().unwrap();
    assert!(process.take_stdin().is_none());
    stdin.write_all(b"a\nb\nc\n").unwrap();
    // A wait with an end leaves it open, so that more can be written after it.
    assert!(
        process
            .join_timeout(Duration::from_millis(10))
            .unwrap()
            .is_none()
    );
    stdin.write_all(b"d\n").unwrap();
    drop(stdin);
    assert_eq!(process.join().unwrap(), 4);
}

fn several_threads_wait_for_several_children(method: StartMethod) {
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                let Waiting { mut process, pipe } = waiting(method, vec![number; 1 << 20]);
                let timeout = Duration::from_millis(1);
                assert!(process.join_timeout(timeout).unwrap().is_none());
                assert!(process.try_join().unwrap().is_none());
                drop(pipe);
                assert_eq!(process.join().unwrap(), vec![number; 1 << 20]);
            });
        }
    });
    assert!(active_children().is_empty());
}

fn a_process_can_be_sent_to_another_thread(method: StartMethod) {
    let Waiting { process, pipe } = waiting(method, vec![5]);
    let thread = std::thread::spawn(move || process.join());
    drop(pipe);
    assert_eq!(thread.join().unwrap().unwrap(), [5]);
}
