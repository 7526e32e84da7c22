//! Processes that are awaited, on executors that know nothing of them.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use multiproc::ErrorKind::{Closed, Exited, Signaled, Spawn, TimedOut};
use multiproc::{Fd, Process, StartMethod, worker};

use crate::support::{Pidfd, cases, children, wait_for_ever};

cases! {
    every_executor_gets_the_value
    a_call_is_awaited
    many_are_awaited_at_once
    every_end_is_told
    a_long_result_arrives_while_nobody_polls
    it_wakes_the_last_waker_once
    a_future_that_is_dropped_lets_its_process_run
    an_awaited_process_can_be_killed_from_elsewhere
    a_timer_of_the_executor_gives_up
    what_was_given_out_is_not_given_again
}

/// The shortest executor there is.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn tokio<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

#[worker]
fn double(bytes: Vec<u8>) -> Vec<u8> {
    [bytes.clone(), bytes].concat()
}

#[worker]
fn fails(how: u8) {
    match how {
        0 => panic!("no"),
        1 => std::process::exit(7),
        2 => std::process::abort(),
        _ => {}
    }
}

/// Ends with the pipe.
#[worker]
fn wait_for_the_end_of(mut pipe: Fd<std::io::PipeReader>) {
    std::io::Read::read_to_end(&mut *pipe, &mut Vec::new()).unwrap();
}

fn every_executor_gets_the_value(method: StartMethod) {
    for length in [0, 10, 1 << 20] {
        let process = || {
            let call = double::call(vec![3; length]).start_method(method);
            call.spawn().unwrap()
        };
        let expected = vec![3; 2 * length];
        assert_eq!(block_on(process()).unwrap(), expected);
        assert_eq!(tokio(process()).unwrap(), expected);
        assert_eq!(smol::block_on(process()).unwrap(), expected);
        // The executor's own thread has other things to do than to poll.
        let task = smol::spawn(process());
        assert_eq!(smol::block_on(task).unwrap(), expected);
    }
}

fn a_call_is_awaited(method: StartMethod) {
    let call = || double::call(vec![1]).start_method(method);
    let value = tokio(async { call().timeout(Duration::from_secs(60)).await });
    assert_eq!(value.unwrap(), [1, 1]);
    assert_eq!(smol::block_on(call().into_future()).unwrap(), [1, 1]);
    // One that cannot be started is an error of the future.
    let error = block_on(call().env("=", "x").into_future()).unwrap_err();
    assert_eq!(error.kind(), Spawn);
}

fn many_are_awaited_at_once(method: StartMethod) {
    let values = tokio(async {
        let local = tokio::task::LocalSet::new();
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let process = double::call(vec![number]).start_method(method).spawn();
                local.spawn_local(process.unwrap())
            })
            .collect();
        local.await;
        let mut values = Vec::new();
        for task in tasks {
            values.push(task.await.unwrap().unwrap());
        }
        values
    });
    assert_eq!(values.len(), 20);
    for (number, value) in (0..).zip(values) {
        assert_eq!(value, [number, number]);
    }
}

fn every_end_is_told(method: StartMethod) {
    let end = |how| block_on(fails::call(how).start_method(method).into_future());
    assert_eq!(end(0).unwrap_err().panic().unwrap().message(), "no");
    assert_eq!(end(1).unwrap_err().kind(), Exited);
    assert_eq!(end(2).unwrap_err().signal(), Some(libc::SIGABRT));
    end(3).unwrap();
    let call = wait_for_ever::call().timeout(Duration::from_millis(50));
    let error = block_on(call.start_method(method).into_future()).unwrap_err();
    assert_eq!(error.kind(), TimedOut);
}

/// The library's thread takes it in: the worker is not kept waiting by its reader.
fn a_long_result_arrives_while_nobody_polls(method: StartMethod) {
    let call = double::call(vec![9; 8 << 20]).start_method(method);
    let mut process = call.spawn().unwrap();
    let waker = Waker::from(Arc::new(Count::default()));
    let polled = pin!(&mut process).poll(&mut Context::from_waker(&waker));
    if polled.is_pending() {
        Pidfd::of_child(&process).wait();
        assert_eq!(block_on(process).unwrap().len(), 16 << 20);
    }
}

#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn it_wakes_the_last_waker_once(method: StartMethod) {
    let (reader, pipe) = std::io::pipe().unwrap();
    let call = wait_for_the_end_of::call(reader.into()).start_method(method);
    let mut process = call.spawn().unwrap();
    let counts = [0; 3].map(|_| Arc::new(Count::default()));
    for count in &counts {
        let waker = Waker::from(Arc::clone(count));
        let polled = pin!(&mut process).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    drop(pipe);
    while counts[2].0.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    block_on(process).unwrap();
    let counts = counts.map(|count| count.0.load(Ordering::SeqCst));
    assert_eq!(counts, [0, 0, 1]);
}

fn a_future_that_is_dropped_lets_its_process_run(method: StartMethod) {
    let (reader, pipe) = std::io::pipe().unwrap();
    let call = wait_for_the_end_of::call(reader.into()).start_method(method);
    let mut process = call.spawn().unwrap();
    let child = Pidfd::of_child(&process);
    let waker = Waker::from(Arc::new(Count::default()));
    let polled = pin!(&mut process).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    let id = process.id();
    drop(process);
    assert!(children().contains(&id));
    drop(pipe);
    child.wait();
}

fn an_awaited_process_can_be_killed_from_elsewhere(method: StartMethod) {
    let process = wait_for_ever::call().start_method(method).spawn().unwrap();
    let child = Pidfd::of_child(&process);
    let killer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        child.signal(rustix::process::Signal::KILL);
    });
    assert_eq!(smol::block_on(process).unwrap_err().kind(), Signaled);
    killer.join().unwrap();
}

fn a_timer_of_the_executor_gives_up(method: StartMethod) {
    tokio(async {
        let mut process = wait_for_ever::call().start_method(method).spawn().unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(20), &mut process).await;
        assert!(waited.is_err());
        process.kill();
        assert_eq!(process.await.unwrap_err().kind(), Signaled);
    });
}

fn what_was_given_out_is_not_given_again(method: StartMethod) {
    let mut process: Process<Vec<u8>> = double::call(vec![1]).start_method(method).spawn().unwrap();
    assert_eq!(block_on(&mut process).unwrap(), [1, 1]);
    assert_eq!(block_on(&mut process).unwrap_err().kind(), Closed);
    assert_eq!(process.try_join().unwrap_err().kind(), Closed);
}
