//! Children that misuse the descriptors of their connection, and the parent that goes on.

use std::thread;
use std::time::{Duration, Instant};

use multiproc::ErrorKind::{Decode, Signaled, TimedOut};
use multiproc::{Process, StartMethod, worker};
use multiproc_tests::sick::{promise_everywhere, texts, write_everywhere};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Pidfd, cases, check, descriptors, returns, wait_for_ever};

cases! {
    what_it_writes_ends_it_while_it_is_joined
    what_it_writes_ends_it_while_nobody_joins_it
    what_it_writes_counts_and_not_what_it_returns
    what_it_writes_and_a_crash
    what_it_promises_is_waited_for_no_longer_than_for_itself
    what_it_promises_is_not_believed
    a_result_that_there_is_no_memory_for
}

/// Far more than the second that it may take.
const SOON: Duration = Duration::from_secs(30);

#[worker]
fn writes(text: Vec<u8>) -> ! {
    write_everywhere(&text);
    loop {
        thread::park();
    }
}

#[worker]
fn writes_and_returns(text: Vec<u8>) -> u32 {
    write_everywhere(&text);
    7
}

#[worker]
fn writes_and_aborts(text: Vec<u8>) {
    write_everywhere(&text);
    std::process::abort();
}

#[worker]
fn seven() -> u32 {
    7
}

#[track_caller]
fn check_told<R: std::fmt::Debug>(worker: &str, id: u32, result: multiproc::Result<R>) {
    let error = result.unwrap_err();
    let text = format!("worker `{worker}` wrote unexpected bytes to its connection (pid {id})");
    assert_eq!(error.to_string(), text);
    assert_eq!((error.kind(), error.worker()), (Decode, Some(worker)));
}

fn start(method: StartMethod, text: &[u8]) -> Process<std::convert::Infallible> {
    // The deadline is not to be needed.
    let call = writes::call(text.to_vec()).timeout(2 * SOON);
    call.start_method(method).spawn().unwrap()
}

fn what_it_writes_ends_it_while_it_is_joined(method: StartMethod) {
    for text in texts() {
        let begin = Instant::now();
        let process = start(method, &text);
        check_told("writes", process.id(), process.join());
        let mut process = start(method, &text);
        let joined = process.join_timeout(SOON);
        check_told("writes", process.id(), joined);
        assert!(begin.elapsed() < SOON);
        check(method, seven::call(), returns(7));
    }
    let before = descriptors();
    let process = start(method, &[0; 64]);
    check_told("writes", process.id(), process.join());
    assert_eq!(descriptors(), before);
}

fn what_it_writes_ends_it_while_nobody_joins_it(method: StartMethod) {
    for text in texts() {
        let begin = Instant::now();
        let mut sick = start(method, &text);
        Pidfd::of_child(&sick).wait();
        assert!(begin.elapsed() < SOON);
        // Others are minded all the same.
        let call = wait_for_ever::call().timeout(Duration::from_millis(100));
        let slow = call.start_method(method).spawn().unwrap();
        Pidfd::of_child(&slow).wait();
        assert_eq!(slow.join().unwrap_err().kind(), TimedOut);
        assert!(!sick.is_running());
        let joined = sick.try_join();
        check_told("writes", sick.id(), joined);
    }
}

fn what_it_writes_counts_and_not_what_it_returns(method: StartMethod) {
    for text in texts() {
        let call = writes_and_returns::call(text).start_method(method);
        let process = call.spawn().unwrap();
        check_told("writes_and_returns", process.id(), process.join());
    }
    // Nothing is nothing.
    check(method, writes_and_returns::call(Vec::new()), returns(7));
}

fn what_it_writes_and_a_crash(method: StartMethod) {
    for text in texts() {
        let process = writes_and_aborts::call(text).start_method(method).spawn();
        let process = process.unwrap();
        let id = process.id();
        let error = process.join().unwrap_err();
        // Either end may have come first.
        if error.kind() == Signaled {
            assert_eq!(error.signal(), Some(libc::SIGABRT), "{error}");
        } else {
            check_told::<()>("writes_and_aborts", id, Err(error));
        }
    }
}

#[worker]
fn promises(frame: Vec<u8>, annex: Vec<u8>) -> ! {
    let promised = promise_everywhere(&frame, &annex);
    assert!(!promised.is_empty());
    loop {
        thread::park();
    }
}

/// The beginning of a message whose annex has this nonce, and is to have so much of each thing.
fn frame(nonce: u8, attachments: u64, head: u64, splices: u64) -> Vec<u8> {
    let mut payload = vec![1, 0, nonce];
    for mut count in [attachments, head, splices] {
        while count >= 0x80 {
            payload.push(count.to_le_bytes()[0] | 0x80);
            count >>= 7;
        }
        payload.push(count.to_le_bytes()[0]);
    }
    payload.push(0);
    let length = payload.len() as u64;
    [
        &(length + 16).to_ne_bytes()[..],
        &length.to_ne_bytes(),
        &payload,
    ]
    .concat()
}

fn what_it_promises_is_waited_for_no_longer_than_for_itself(method: StartMethod) {
    let nonce = 7_u64.to_ne_bytes();
    let length = [&nonce[..], &(1_u64 << 60).to_ne_bytes(), b"a few bytes"].concat();
    for (frame, annex) in [
        (frame(7, 0, 1000, 0), &[][..]),
        (frame(7, 0, 1000, 0), &nonce),
        (frame(7, 1 << 60, 0, 0), &nonce),
        (frame(7, 0, 1 << 60, 0), &nonce),
        (frame(7, 0, 0, 1 << 60), &nonce),
        (frame(7, 0, 0, 1), &length),
    ] {
        let begin = Instant::now();
        let call = promises::call(frame.clone(), annex.to_vec()).start_method(method);
        let timeout = Duration::from_millis(200);
        let joined = call.timeout(timeout).run();
        assert_eq!(joined.unwrap_err().kind(), TimedOut);
        let call = promises::call(frame, annex.to_vec()).start_method(method);
        let mut process = call.spawn().unwrap();
        assert!(process.join_timeout(timeout).unwrap().is_none());
        assert!(process.try_join().unwrap().is_none());
        assert!(process.is_running());
        check(method, seven::call(), returns(7));
        process.kill();
        let error = process.join().unwrap_err();
        assert_eq!(
            (error.kind(), error.signal()),
            (Signaled, Some(libc::SIGKILL))
        );
        assert!(begin.elapsed() < SOON);
    }
}

fn what_it_promises_is_not_believed(method: StartMethod) {
    let nonce = 7_u64.to_ne_bytes();
    let no_descriptor = [&nonce[..], b"x"].concat();
    for (frame, annex) in [
        (frame(8, 0, 1000, 0), &nonce[..]),
        (frame(7, 1, 0, 0), &no_descriptor),
        (frame(7, 0, 0, u64::MAX), &nonce),
        (frame(7, 0, 0, 0)[1..].to_vec(), &nonce),
    ] {
        let call = promises::call(frame, annex.to_vec()).start_method(method);
        let process = call.spawn().unwrap();
        check_told("promises", process.id(), process.join());
    }
}

#[worker]
fn large(length: usize) -> Vec<u8> {
    vec![1; length]
}

fn a_result_that_there_is_no_memory_for(method: StartMethod) {
    const LENGTH: usize = 300 << 20;
    // All that is started once is there.
    check(method, seven::call(), returns(7));
    check(method, seven::call(), returns(7));
    let unlimited = getrlimit(Resource::As);
    let process = large::call(LENGTH).start_method(method).spawn().unwrap();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    let limit = Rlimit {
        current: Some(pages * rustix::param::page_size() as u64 + (150 << 20)),
        ..unlimited
    };
    setrlimit(Resource::As, limit).unwrap();
    let id = process.id();
    let error = process.join().unwrap_err();
    let text = format!(
        "the reply of worker `large` could not be received: there is not enough memory for a message of {LENGTH} bytes (pid {id})"
    );
    assert_eq!(error.to_string(), text);
    assert_eq!(error.kind(), Decode);
    setrlimit(Resource::As, unlimited).unwrap();
    check(method, seven::call(), returns(7));
}
